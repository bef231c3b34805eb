# SPDX-License-Identifier: Apache-2.0
"""The plots of the report, as SVG text."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.figure import Figure

from genima.svg import svg_text


@dataclass(frozen=True)
class JointSeries:
    """Measured joints over one episode: `time_s` (T,), `q_rad` (T, n)."""

    time_s: np.ndarray
    q_rad: np.ndarray


@dataclass(frozen=True)
class PlottedChunk:
    """One action chunk: the times of its points `time_s` (C,) and their joints `q_rad` (C, n)."""

    time_s: np.ndarray
    q_rad: np.ndarray


def plot_joints(series: JointSeries, names: Sequence[str], gripper: JointSeries | None = None) -> str:
    """Draw all joints over time; the gripper's opening, if given, as a step below."""
    figure = Figure(figsize=(9, 4.2), layout='constrained')
    rows = 2 if gripper is not None else 1
    axes = figure.subplots(rows, 1, sharex=True, squeeze=False, height_ratios=[4, 1][:rows])[:, 0]
    for index, name in enumerate(names):
        axes[0].plot(series.time_s, series.q_rad[:, index], label=name, linewidth=1.2)
    axes[0].set_ylabel('joint position, rad')
    axes[0].legend(loc='center left', bbox_to_anchor=(1.0, 0.5), fontsize=8, frameon=False)
    if gripper is not None:
        axes[1].plot(gripper.time_s, gripper.q_rad[:, 0], color='black', linewidth=1.2)
        axes[1].set_ylabel('gripper')
        axes[1].set_ylim(-0.1, 1.1)
    axes[-1].set_xlabel('time, s')
    return svg_text(figure)


def plot_seams(series: JointSeries, chunks: Sequence[PlottedChunk], names: Sequence[str]) -> str:
    """Draw the joint that moves most with every chunk that was proposed for it."""
    joint = int(np.argmax(np.ptp(series.q_rad, axis=0)))
    figure = Figure(figsize=(9, 3.4), layout='constrained')
    axes = figure.subplots()
    for index, chunk in enumerate(chunks):
        label = 'chunks, one each 0.1 s' if index == 0 else None
        axes.plot(chunk.time_s, chunk.q_rad[:, joint], color='tab:orange', alpha=0.45, linewidth=0.9, label=label)
    axes.plot(series.time_s, series.q_rad[:, joint], color='black', linewidth=1.6, label='measured')
    axes.set_xlabel('time, s')
    axes.set_ylabel(f'{names[joint]}, rad')
    axes.legend(fontsize=8, frameon=False)
    return svg_text(figure)


def plot_limits(limits: dict[str, float]) -> str:
    """Draw the worst share of each limit as bars against 100 %."""
    figure = Figure(figsize=(9, 1.8), layout='constrained')
    axes = figure.subplots()
    axes.barh(list(limits), [100 * share for share in limits.values()], color='tab:blue', height=0.6)
    axes.axvline(100, color='tab:red', linewidth=1.2)
    axes.set_xlabel('worst share of the limit, % (500 Hz, inside the robot controller)')
    axes.invert_yaxis()
    return svg_text(figure)


def plot_distances(distances: dict[str, list[float]], limit_m: float) -> str:
    """Draw the share of cases up to each distance [m], one line per situation, and the limit between them."""
    figure = Figure(figsize=(9, 3.4), layout='constrained')
    axes = figure.subplots()
    for name, values in distances.items():
        axes.step(1e3 * np.sort(values), np.arange(1, len(values) + 1) / len(values), where='post', label=name)
    axes.axvline(1e3 * limit_m, color='black', linestyle='--', linewidth=1.2, label='limit')
    axes.set_xscale('log')
    axes.set_xlabel('distance between painted spheres and chunk, mm')
    axes.set_ylabel('share of cases')
    axes.legend(fontsize=8, frameon=False)
    return svg_text(figure)
