# SPDX-License-Identifier: Apache-2.0
"""The page that `genima demo` writes: figures, images, plots and a video of what the node graph did."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from genima_bringup.records import EpisodeRecord, Frame, GraphRecord

from genima.cameras.views import tile
from genima.contract.spec import PolicySpec
from genima.evaluate.plots import JointSeries, PlottedChunk, plot_joints, plot_limits, plot_seams
from genima.evaluate.report import Pair, Report
from genima.evaluate.video import encode_mp4, side_by_side
from genima.files import write_atomic
from genima.robots.profile import RobotProfile
from genima.sim.spectator import Spectator
from genima.tasks.registry import find_task

PAIRS_PER_EPISODE = 4


def write_report(folder: Path, record: GraphRecord, figures: dict[str, Any], spec: PolicySpec) -> Path:
    """Write `index.html` into `folder` and return its path."""
    profile = RobotProfile.load(spec.robot)
    low, high = figures['wilson_95']
    report = Report(
        f'{spec.instruction}: {figures["successes"]} of {figures["episodes"]} episodes succeeded',
        f'{profile.name} in simulation, through the node graph. 95 % interval of the success rate {100 * low:.0f} to '
        f'{100 * high:.0f} %. Policy {figures["policy"]}, contract {figures["contract"]}.',
    )
    shown = [episode for episode in record.episodes if episode.frames]
    if shown:
        report.add_video('What the arm did, what it saw, and what was painted', _video(shown, profile, spec.task))
        for episode in shown[:2]:
            report.add_pairs(f'Camera views and target images, seed {episode.seed}', _pairs(episode.frames))
    _add_tables(report, record, figures)
    _add_plots(report, record.episodes[0], figures, profile)
    write_atomic(folder / 'index.html', report.html())
    return folder / 'index.html'


def _add_tables(report: Report, record: GraphRecord, figures: dict[str, Any]) -> None:
    measures = list(dict.fromkeys(name for each in record.episodes for name in each.measures))
    report.add_table(
        'Episodes',
        ['seed', 'success', 'simulated time, s', 'wall time, s', *measures],
        [
            [each.seed, each.success, f'{each.elapsed_s:.1f}', f'{each.wall_s:.1f}']
            + [f'{each.measures.get(name, float("nan")):.3f}' for name in measures]
            for each in record.episodes
        ],
    )
    chunks = figures['chunks']
    report.add_table(
        'The 10 Hz loop (ROS time)',
        ['figure', 'value'],
        [
            ['period of act_node, median', f'{chunks["period_ms"]["p50"]:.1f} ms'],
            ['error of the period, p99', f'{chunks["period_error_ms_p99"]:.1f} ms'],
            ['ticks without a valid target', f'{chunks["ticks_without_target"]} of {chunks["ticks"]}'],
            ['simulated seconds per second', f'{figures["real_time_factor"]:.2f}'],
        ],
    )
    report.add_table(
        'Latency, ms',
        ['stage', 'p50', 'p95', 'p99'],
        [[stage, *(f'{value:.1f}' for value in share.values())] for stage, share in figures['timing'].items()],
    )


def _add_plots(report: Report, episode: EpisodeRecord, figures: dict[str, Any], profile: RobotProfile) -> None:
    if not len(episode.joint_time_s):
        return
    measured = JointSeries(episode.joint_time_s, episode.q_rad)
    gripper = JointSeries(episode.joint_time_s, episode.gripper_open[:, None])
    report.add_plot(f'Joints, seed {episode.seed}', plot_joints(measured, profile.arm_joints, gripper))
    chunks = [PlottedChunk(chunk.time_s, chunk.q_rad) for chunk in episode.chunks]
    note = 'Each thin line is one chunk of the policy; the guard joins them into the motion without a jump.'
    report.add_plot('Chunk seams', plot_seams(measured, chunks, profile.arm_joints), note)
    report.add_plot('Limits', plot_limits(figures['limits']), 'Over all episodes.')


def _pairs(frames: list[Frame]) -> Iterator[Pair]:
    painted = [frame for frame in frames if frame.target is not None]
    for index in np.linspace(0, len(painted) - 1, min(PAIRS_PER_EPISODE, len(painted))).astype(int):
        frame = painted[index]
        if frame.target is not None:
            yield Pair(f't = {frame.time_s:.1f} s: views | target image', tile(frame.views), tile(frame.target))


def _video(episodes: list[EpisodeRecord], profile: RobotProfile, task: str) -> bytes:
    spectator = Spectator(profile, find_task(task))
    return encode_mp4((image for episode in episodes for image in _film(spectator, episode)), rate_hz=10)


def _film(spectator: Spectator, episode: EpisodeRecord) -> Iterator[np.ndarray]:
    for frame in episode.frames:
        joints = int(np.argmin(np.abs(episode.joint_time_s - frame.time_s)))
        thing = int(np.argmin(np.abs(episode.object_time_s - frame.time_s)))
        poses = dict(zip(episode.objects, episode.object_pose[thing], strict=True))
        seen = spectator.render(episode.q_rad[joints], float(episode.gripper_open[joints]), poses)
        target = frame.views if frame.target is None else frame.target
        yield side_by_side(seen, [tile(frame.views), tile(target)], f'seed {episode.seed}   {frame.time_s:4.1f} s')
