# SPDX-License-Identifier: Apache-2.0
"""A whole demonstration on one even grid: joints interpolated, frames nearest, commands and intentions as they were."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from genima.align.frames import Frame, FrameTrack
from genima.align.grid import even_grid, period_s
from genima.align.gripper import gripper_labels
from genima.align.intent import next_commands, plans
from genima.align.joints import BRIDGE, JointTrack, opening_joint, openings, openings_at
from genima.align.report import SyncReport, camera_report, stream_report
from genima.chunks.plan import Chunk
from genima.errors import DatasetError
from genima.robots.profile import RobotProfile

Floats = NDArray[np.float64]

FAR_SHARE = 0.1  # an episode with more steps without a frame near is refused


@dataclass
class Streams:
    """What was heard in one demonstration, each stream by its own stamps.

    Attributes:
        profile: the robot.
        joints: measured joints of arm and gripper.
        cameras: frames by camera.
        reference: what the robot's controller commanded; empty where it does not tell.
        gripper_commands: (time [s], opening), ascending.
        chunks: what the demonstrator intended, ascending in time; empty where only what happened is known.
        ignored: (begin, end) of the stretches that are not to be learned from [s].
    """

    profile: RobotProfile
    joints: JointTrack = field(default_factory=JointTrack)
    cameras: dict[str, FrameTrack] = field(default_factory=dict)
    reference: JointTrack = field(default_factory=JointTrack)
    gripper_commands: list[tuple[float, float]] = field(default_factory=list)
    chunks: list[Chunk] = field(default_factory=list)
    ignored: list[tuple[float, float]] = field(default_factory=list)

    @property
    def has_reference(self) -> bool:
        """Whether the robot's controller tells what it commands the arm."""
        return not set(self.profile.arm_joints).isdisjoint(self.reference.names)


@dataclass(frozen=True)
class GridOptions:
    """How streams are put on a grid.

    Attributes:
        rate_hz: steps per second.
        max_gap_s: longest silence of the joints that is bridged [s].
        max_skew_s: a frame farther from its step is too far: the step is marked to be ignored [s].
        plan_steps: how many targets ahead the plans have.
    """

    rate_hz: float = 10.0
    max_gap_s: float = 0.1
    max_skew_s: float = 0.05
    plan_steps: int = 25


@dataclass(frozen=True, eq=False)
class Moments:
    """Times that are known, of a demonstration that was on a grid before.

    Attributes:
        grid_s: (T,) the steps [s].
        capture_s: camera name to (T,) when its frame of each step was taken [s].
    """

    grid_s: Floats
    capture_s: dict[str, Floats]


@dataclass(frozen=True, eq=False)
class Aligned:
    """A demonstration on its grid, T steps; the arrays are those of an episode.

    Attributes:
        frames: camera name to the payloads of the T chosen frames.
        report: how well the streams kept time.
    """

    timestamps_s: Floats
    q_rad: Floats
    gripper_open: Floats
    q_command_rad: Floats
    gripper_command_open: Floats
    plan_q_rad: Floats | None
    plan_gripper_open: Floats | None
    capture_s: dict[str, Floats]
    ignore: NDArray[np.bool_]
    frames: dict[str, list[object]]
    report: SyncReport


def align(streams: Streams, options: GridOptions, known: Moments | None = None) -> Aligned:
    """Put a demonstration on a grid.

    Args:
        streams: all of it.
        options: rate and limits.
        known: times of steps and frames where they are known; else `common_grid` makes the steps, and each gets the
            frames nearest to it.

    Raises:
        DatasetError: if a stream is missing, silent for too long, or its clock was set meanwhile; names the stream. Or if
            nothing tells whether the gripper holds something.
    """
    _check(streams)
    grid = common_grid(streams, options.rate_hz) if known is None else known.grid_s
    arm = streams.profile.arm_joints
    q = streams.joints.at(arm, grid, options.max_gap_s, BRIDGE)
    opening = openings_at(streams.profile.gripper, streams.joints, grid, options.max_gap_s, BRIDGE)
    reference = streams.reference if streams.has_reference else None
    command = next_commands(reference, arm, q, grid, period_s(options.rate_hz), options.max_gap_s)
    gripper_command = _gripper_commands(streams, grid)
    ahead_s = period_s(options.rate_hz) * np.arange(1.0, options.plan_steps + 1)
    plan_q, plan_gripper = plans(streams.chunks, grid, ahead_s, command, gripper_command)
    frames = _nearest(streams.cameras, dict.fromkeys(streams.cameras, grid) if known is None else known.capture_s)
    capture_s = {name: np.array([frame.time_s for frame in chosen]) for name, chosen in frames.items()}
    ignore = _within(streams.ignored, grid) | _too_far(capture_s, grid, options.max_skew_s)
    return Aligned(
        timestamps_s=grid,
        q_rad=q,
        gripper_open=opening,
        q_command_rad=command,
        gripper_command_open=gripper_command,
        plan_q_rad=plan_q,
        plan_gripper_open=plan_gripper,
        capture_s=capture_s,
        ignore=ignore,
        frames={name: [frame.payload for frame in chosen] for name, chosen in frames.items()},
        report=_report(streams, grid, capture_s, options),
    )


def common_grid(streams: Streams, rate_hz: float) -> Floats:
    """Return the even grid over the time in which every stream is there.

    It begins with a frame of the slowest camera, so that a camera with the rate of the grid has its frames on it.
    """
    gripper = streams.profile.gripper
    fingers = [opening_joint(gripper, streams.joints.names)[0]] if gripper.is_there else []
    first_s, last_s = streams.joints.span_s([*streams.profile.arm_joints, *fingers])
    if streams.has_reference:
        begun_s, ended_s = streams.reference.span_s(streams.profile.arm_joints)
        first_s, last_s = max(first_s, begun_s), min(last_s, ended_s - period_s(rate_hz))
    captures_s = [track.times_s for track in streams.cameras.values()]
    for times_s in captures_s:
        first_s, last_s = max(first_s, float(times_s[0])), min(last_s, float(times_s[-1]))
    slowest_s = min(captures_s, key=len)
    later_s = slowest_s[(slowest_s >= first_s) & (slowest_s <= last_s)]
    return even_grid(float(later_s[0]) if len(later_s) else first_s, last_s, rate_hz)


def _gripper_commands(streams: Streams, grid_s: Floats) -> Floats:
    """Return the commanded opening at each step (T,); an arm without a gripper is always open."""
    if not streams.profile.gripper.is_there:
        return np.ones(len(grid_s))
    joint, closed, opened = opening_joint(streams.profile.gripper, streams.joints.names)
    finger_s = streams.joints.times_s(joint)
    fingers = openings(streams.joints.at([joint], finger_s, np.inf)[:, 0], closed, opened)
    return gripper_labels(streams.gripper_commands, finger_s, fingers, grid_s)


def _check(streams: Streams) -> None:
    if not streams.cameras:
        raise DatasetError('no camera was recorded; record at least one topic cameras/<name>/image_raw')
    for name, track in streams.cameras.items():
        if not len(track):
            raise DatasetError(f'camera {name!r}: there is not one frame; is its driver running?')
    restarts = {'joint_states': streams.joints.restarts, 'controller_state': streams.reference.restarts}
    restarts |= {f'camera {name!r}': track.restarts for name, track in streams.cameras.items()}
    for name, times in restarts.items():
        if times:
            raise DatasetError(f'{name}: its stamps jump back by more than a second; a clock was set: record again')


def _nearest(tracks: dict[str, FrameTrack], times_s: dict[str, Floats]) -> dict[str, list[Frame]]:
    """Return each camera's frames nearest to its times."""
    return {name: [track.nearest(time_s) for time_s in times_s[name].tolist()] for name, track in tracks.items()}


def _within(stretches: Sequence[tuple[float, float]], grid: Floats) -> NDArray[np.bool_]:
    """Return which steps (T,) lie in one of the stretches [begin, end)."""
    inside = np.zeros(len(grid), dtype=bool)
    for begin_s, end_s in stretches:
        inside |= (grid >= begin_s) & (grid < end_s)
    return inside


def _too_far(capture_s: dict[str, Floats], grid: Floats, max_skew_s: float) -> NDArray[np.bool_]:
    """Return at which steps (T,) a camera has no frame near."""
    any_far = np.zeros(len(grid), dtype=bool)
    for camera, times_s in capture_s.items():
        away_s = np.abs(times_s - grid)
        far = away_s > max_skew_s
        if far.mean() > FAR_SHARE:
            worst = int(away_s.argmax())
            raise DatasetError(
                f'camera {camera!r}: {far.sum()} of {len(grid)} steps have no frame within {max_skew_s:.3f} s, allowed are'
                f' {FAR_SHARE:.0%}; the worst is {away_s[worst]:.3f} s away at {grid[worst]:.3f} s;'
                ' are the clocks in step, is the latency right, and does the camera keep its rate?'
                ' If the computer was just busy, --max-skew-s allows more'
            )
        any_far |= far
    return any_far


def _report(streams: Streams, grid: Floats, capture_s: dict[str, Floats], options: GridOptions) -> SyncReport:
    joint = streams.profile.arm_joints[0]
    reports = {'joint_states': stream_report(streams.joints.times_s(joint), streams.joints.overtaken)}
    if streams.has_reference:
        reports['controller_state'] = stream_report(streams.reference.times_s(joint), streams.reference.overtaken)
    if streams.chunks:
        reports['action_chunk'] = stream_report(np.array([chunk.stamp_s for chunk in streams.chunks]))
    cameras = {
        name: camera_report(track, grid, capture_s[name], options.max_skew_s) for name, track in streams.cameras.items()
    }
    return SyncReport(options.rate_hz, len(grid), cameras, reports)
