# SPDX-License-Identifier: Apache-2.0
"""The quality of a dataset in one picture, as SVG text."""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from genima.quality.verdict import FAIL, MEASURES, NOT_MEASURABLE, PASS, Quality, Thresholds
from genima.svg import svg_text

_VERDICTS = {PASS: 'tab:green', FAIL: 'tab:red', NOT_MEASURABLE: '#c8cdd3'}


def plot_quality(qualities: Sequence[Quality], thresholds: Thresholds) -> str:
    """Draw what came of each measure, and the figures of all episodes against their limits."""
    figure = Figure(figsize=(9, 5.2), layout='constrained')
    halves = np.asarray(figure.subfigures(2, 1))
    _verdicts(halves[0].subplots(), qualities)
    values = {
        name: [
            each.value for quality in qualities for each in quality.measures if each.name == name and each.value is not None
        ]
        for name in ('speed', 'drift', 'skew')
    }
    idle = [100 * quality.idle_seconds / quality.seconds for quality in qualities if quality.seconds]
    panels = (
        ('fastest joint, rad/s', values['speed'], thresholds.speed_rad_s),
        ('projection drift, px', values['drift'], thresholds.drift_px),
        ('worst skew, ms', values['skew'], 1e3 * thresholds.skew_s),
        ('idle, % of the time', idle, None),
    )
    for axes, (label, figures, limit) in zip(halves[1].subplots(1, len(panels)), panels, strict=True):
        _ranked(axes, label, figures, limit)
    return svg_text(figure)


def _verdicts(axes: Axes, qualities: Sequence[Quality]) -> None:
    left = np.zeros(len(MEASURES))
    for verdict, color in _VERDICTS.items():
        counts = np.array([_count(qualities, name, verdict) for name in MEASURES])
        axes.barh(MEASURES, counts, left=left, color=color, height=0.65, label=verdict)
        left += counts
    axes.invert_yaxis()
    axes.set_xlabel(f'episodes of {len(qualities)}')
    axes.legend(loc='center left', bbox_to_anchor=(1.0, 0.5), fontsize=8, frameon=False)


def _count(qualities: Sequence[Quality], name: str, verdict: str) -> int:
    return sum(each.name == name and each.verdict == verdict for quality in qualities for each in quality.measures)


def _ranked(axes: Axes, label: str, values: list[float], limit: float | None) -> None:
    axes.set_xlabel(label, fontsize=9)
    axes.tick_params(labelsize=8)
    if not values:
        axes.text(0.5, 0.5, 'not measurable', ha='center', va='center', fontsize=9, transform=axes.transAxes)
        axes.set_xticks([])
        axes.set_yticks([])
        return
    axes.plot(np.sort(values), 100 * np.arange(1, len(values) + 1) / len(values), '.', color='tab:blue', markersize=4)
    if limit is not None:
        axes.axvline(limit, color='tab:red', linewidth=1.2)
    axes.set_xlim(0, 1.06 * max(*values, limit or 0.0, 0.1))
    axes.set_ylim(0, 103)
    axes.set_ylabel('% of the episodes', fontsize=8)
