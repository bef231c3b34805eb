# SPDX-License-Identifier: Apache-2.0
"""The page of a comparison: rates with intervals, the evidence episode by episode, and times to success."""

from typing import Any

import numpy as np
from matplotlib.figure import Figure

from genima.evaluate.report import Report
from genima.svg import svg_text


def comparison_page(figures: dict[str, Any]) -> str:
    """Return the page as HTML."""
    sides = figures['policies']
    names = _names(sides)
    report = Report(f'{names[0]} and {names[1]}', verdict(figures))
    rows = []
    for name, side in zip(names, sides, strict=True):
        low, high = side['wilson_95']
        rows.append([name, f'{side["successes"]} of {figures["episodes"]}', f'{100 * low:.1f} to {100 * high:.1f} %'])
    report.add_table('Success', ['policy', 'episodes', '95 % interval'], rows)
    report.add_table(
        'Pairs',
        ['what', 'value'],
        [
            [f'only {names[0]} did it', figures['only_first']],
            [f'only {names[1]} did it', figures['only_second']],
            ['e-value', f'{figures["e_value"]:.2f}'],
            ['p, valid at any time', f'{figures["p_anytime"]:.4f}'],
            ['p of McNemar, for a number of episodes that was fixed before', f'{figures["p_mcnemar"]:.4f}'],
            ['Kolmogorov-Smirnov distance of the times to success', f'{figures["time_to_success_ks"]["distance"]:.3f}'],
            ['its p', f'{figures["time_to_success_ks"]["p"]:.4f}'],
        ],
    )
    report.add_plot('Evidence', _evidence(figures), 'Above the line the policies are told apart, whenever one looks.')
    report.add_plot('Time to success', _times(figures, names), 'Fraction of all episodes that were done by then.')
    return report.html()


def verdict(figures: dict[str, Any]) -> str:
    """Return in one sentence what came out."""
    names, episodes = _names(figures['policies']), figures['episodes']
    if not figures['different']:
        return f'Not told apart in {episodes} paired episodes (p {figures["p_anytime"]:.3f}, valid at any time).'
    better = names[0] if figures['only_first'] > figures['only_second'] else names[1]
    return f'{better} is better: {episodes} paired episodes, p {figures["p_anytime"]:.4f}, valid at any time.'


def _names(sides: list[dict[str, Any]]) -> tuple[str, str]:
    first, second = (str(side['policy']) for side in sides)
    return (first, second) if first != second else (f'{first} (first)', f'{second} (second)')


def _evidence(figures: dict[str, Any]) -> str:
    figure = Figure(figsize=(9, 2.8), layout='constrained')
    axes = figure.subplots()
    axes.step(np.arange(1, figures['episodes'] + 1), figures['e_values'], where='post', color='black', linewidth=1.4)
    axes.axhline(1 / figures['alpha'], color='tab:red', linewidth=1.2)
    axes.set_yscale('log')
    axes.set_xlabel('paired episodes')
    axes.set_ylabel('e-value')
    return svg_text(figure)


def _times(figures: dict[str, Any], names: tuple[str, str]) -> str:
    figure = Figure(figsize=(9, 3.0), layout='constrained')
    axes = figure.subplots()
    for name, side in zip(names, figures['policies'], strict=True):
        times_s = np.sort([each for each in side['time_to_success_s'] if each is not None])
        done = np.arange(1, len(times_s) + 1) / figures['episodes']
        axes.step(np.r_[0.0, times_s], np.r_[0.0, done], where='post', label=name, linewidth=1.4)
    axes.set_xlabel('simulated time, s')
    axes.set_ylabel('episodes done')
    axes.set_ylim(0.0, 1.05)
    axes.legend(fontsize=8, frameon=False)
    return svg_text(figure)
