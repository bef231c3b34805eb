# SPDX-License-Identifier: Apache-2.0
"""Plots of one episode, as SVG text: pictures, joints, gripper, synchronisation."""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from genima.episodes.episode import Episode
from genima.quality.idle import Stretch
from genima.robots.profile import RobotProfile
from genima.svg import svg_text


def plot_motion(
    episode: Episode, names: Sequence[str], profile: RobotProfile | None, idle: Sequence[Stretch], limit_rad_s: float
) -> str:
    """Draw each joint with its command and its speed against the limits, and the gripper.

    Args:
        episode: T steps; its `ignore` is shaded.
        names: Of the joints.
        profile: Whose limits are drawn, if any.
        idle: Stretches that are shaded.
        limit_rad_s: Speed over which a joint has a spike.
    """
    rows = len(names) + 1
    figure = Figure(figsize=(9, 1.15 * rows + 0.5), layout='constrained')
    grid = figure.subplots(rows, 2, sharex=True)
    times_s = episode.timestamps_s - episode.timestamps_s[0]
    steps_s = np.where(np.diff(times_s) > 0, np.diff(times_s), np.nan)
    speeds_rad_s = np.diff(episode.q_rad, axis=0) / steps_s[:, None]
    widest = 1.1 * max(limit_rad_s, float(np.nanmax(np.abs(speeds_rad_s), initial=0.0)))
    for joint, name in enumerate(names):
        position, speed = grid[joint]
        _positions(position, episode, times_s, joint, name, profile)
        speed.step(times_s[:-1], speeds_rad_s[:, joint], where='post', color='tab:blue', linewidth=1.0)
        _both_ways(speed, limit_rad_s, 'tab:red')
        if profile is not None:
            _both_ways(speed, profile.limits.velocity_rad_s[joint], 'black')
        speed.set_ylabel('rad/s', fontsize=7)
        speed.set_ylim(-widest, widest)
    opening, marks = grid[-1]
    _opening(opening, episode, times_s)
    _marks(marks, episode.ignore, idle)
    for axes in grid.ravel():
        axes.tick_params(labelsize=7)
        _shade(axes, times_s, episode.ignore, idle)
    for axes in grid[-1]:
        axes.set_xlabel('time, s', fontsize=8)
    grid[0, 0].legend(loc='upper left', bbox_to_anchor=(0.0, 1.35), ncols=2, fontsize=7, frameon=False)
    return svg_text(figure)


def _positions(
    axes: Axes, episode: Episode, times_s: np.ndarray, joint: int, name: str, profile: RobotProfile | None
) -> None:
    after_s = np.append(times_s[1:], times_s[-1])  # a command is for the next step
    axes.plot(times_s, episode.q_rad[:, joint], color='tab:blue', linewidth=1.2, label='observed')
    axes.plot(after_s, episode.q_command_rad[:, joint], color='tab:orange', linewidth=0.9, label='commanded')
    if profile is None:
        axes.set_ylabel(f'{name}\nrad', fontsize=7)
        return
    low, high = profile.limits.position_min_rad[joint], profile.limits.position_max_rad[joint]
    axes.set_ylabel(f'{name}, rad\n[{low:.2f}, {high:.2f}]', fontsize=6)
    for limit in (low, high):
        if axes.get_ylim()[0] < limit < axes.get_ylim()[1]:  # one that is far away would squeeze the curve
            axes.axhline(limit, color='black', linewidth=0.9, linestyle='--')


def _opening(axes: Axes, episode: Episode, times_s: np.ndarray) -> None:
    axes.plot(times_s, episode.gripper_open, color='tab:blue', linewidth=1.2)
    axes.step(times_s, episode.gripper_command_open, where='post', color='tab:orange', linewidth=0.9)
    axes.set_ylabel('gripper\nopening', fontsize=7)
    axes.set_ylim(-0.1, 1.1)


def _both_ways(axes: Axes, limit: float, color: str) -> None:
    for value in (-limit, limit):
        axes.axhline(value, color=color, linewidth=0.9, linestyle='--')


def _marks(axes: Axes, ignore: np.ndarray, idle: Sequence[Stretch]) -> None:
    axes.set_yticks([])
    seconds = sum(stretch.seconds for stretch in idle)
    axes.text(
        0.02, 0.5, f'grey: {int(ignore.sum())} of {len(ignore)} steps ignored\nyellow: idle for {seconds:.1f} s',
        va='center', fontsize=8, transform=axes.transAxes,
    )  # fmt: skip


def _shade(axes: Axes, times_s: np.ndarray, ignore: np.ndarray, idle: Sequence[Stretch]) -> None:
    for stretch in idle:
        axes.axvspan(times_s[stretch.first], times_s[stretch.last], color='gold', alpha=0.35, linewidth=0)
    for from_s, to_s in zip(times_s[:-1][ignore[:-1]], times_s[1:][ignore[:-1]], strict=True):
        axes.axvspan(from_s, to_s, color='grey', alpha=0.35, linewidth=0)


def plot_sync(episode: Episode) -> str:
    """Draw how far the pictures of each camera are from their steps."""
    figure = Figure(figsize=(9, 2.4), layout='constrained')
    axes = figure.subplots()
    skews_ms = {name: 1e3 * (times_s - episode.timestamps_s) for name, times_s in episode.capture_s.items()}
    widest = max((float(np.abs(each).max()) for each in skews_ms.values()), default=0.0)
    bins = np.linspace(-1, 1, 41) * max(widest, 1.0)
    axes.hist(list(skews_ms.values()), bins=list(bins), label=list(skews_ms), stacked=True)
    axes.set_xlabel('capture time minus time of the step, ms')
    axes.set_ylabel('pictures')
    axes.legend(fontsize=8, frameon=False)
    return svg_text(figure)


def plot_filmstrip(pictures: Sequence[Sequence[np.ndarray]], rows: Sequence[str], columns: Sequence[str]) -> str:
    """Draw pictures (H, W, 3) uint8 in a grid: one row per camera, one column per moment."""
    shape = pictures[0][0].shape
    height = 9 / len(columns) * shape[0] / shape[1] + 0.12
    figure = Figure(figsize=(9, height * len(rows) + 0.2), dpi=100)
    figure.set_layout_engine('constrained', w_pad=0.01, h_pad=0.01, wspace=0.01, hspace=0.01)
    grid = figure.subplots(len(rows), len(columns), squeeze=False)
    for line, name, images in zip(grid, rows, pictures, strict=True):
        for axes, image in zip(line, images, strict=True):
            axes.imshow(image, interpolation='none')
            axes.set_xticks([])
            axes.set_yticks([])
        line[0].set_ylabel(name, fontsize=7)
    for axes, text in zip(grid[0], columns, strict=True):
        axes.set_title(text, fontsize=7, pad=2)
    return svg_text(figure)
