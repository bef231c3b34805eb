# SPDX-License-Identifier: Apache-2.0
"""Chunks and plans as trajectory messages, and back."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from trajectory_msgs.msg import JointTrajectory, JointTrajectoryPoint

from genima.chunks.plan import Chunk
from genima.errors import ContractError, LimitError
from genima.robots.profile import RobotProfile
from genima_msgs.msg import ActionChunk
from genima_ros.conversions.messages import duration, seconds, stamp

Floats = NDArray[np.float64]
MAX_POINTS = 1000
"""Of a chunk or a trajectory; a message with more is refused before it is read."""


def chunk_message(chunk: Chunk, profile: RobotProfile, contract: str, instruction: str = '') -> ActionChunk:
    """Return a chunk as a trajectory that any tool can plot: arm joints [rad] and the gripper's first joint [m], if any."""
    message = ActionChunk(contract=contract, instruction=instruction, joint_names=_chunk_joints(profile))
    message.header.stamp = stamp(chunk.stamp_s)
    message.header.frame_id = profile.base_link
    message.points = [
        JointTrajectoryPoint(
            positions=[*q_rad, *[profile.gripper.position_m(opening)][: len(profile.gripper.joints)]],
            time_from_start=duration((i + 1) * chunk.dt_s),
        )
        for i, (q_rad, opening) in enumerate(zip(chunk.q_rad.tolist(), chunk.gripper_open.tolist(), strict=True))
    ]
    return message


def chunk_from_message(message: ActionChunk, profile: RobotProfile) -> Chunk:
    """Return the chunk of an action_chunk message.

    Raises:
        ContractError: if a joint of the profile is missing, there are too many points, one has another number of
            positions than there are joints, or they are not evenly spaced in time.
    """
    wanted = _chunk_joints(profile)
    if len(message.points) > MAX_POINTS or len(message.joint_names) > len(wanted):
        got = f'{len(message.points)} points of {len(message.joint_names)} joints'
        raise ContractError(f'action_chunk: {got}; allowed are {MAX_POINTS} points of {len(wanted)} joints')
    names = list(message.joint_names)
    if sorted(names) != sorted(wanted):
        raise ContractError(f'action_chunk: joints {names}; robot {profile.name!r} has {wanted}; do robot and policy match?')
    times_s = np.array([seconds(point.time_from_start) for point in message.points])
    if not len(times_s) or not np.allclose(np.diff(times_s, prepend=0.0), times_s[0], atol=1e-6) or times_s[0] <= 0:
        raise ContractError(
            f'action_chunk: points at {times_s.tolist()} s; they must be evenly spaced and start one step on'
        )
    sizes = sorted({len(point.positions) for point in message.points})
    if sizes != [len(wanted)]:
        raise ContractError(f'action_chunk: points with {sizes} positions for {len(wanted)} joints')
    order = [names.index(name) for name in wanted]
    positions = np.array([np.asarray(point.positions, dtype=np.float64)[order] for point in message.points])
    opening = np.ones(len(positions))
    if profile.gripper.is_there:
        opening = np.array([profile.gripper.opening(position_m) for position_m in positions[:, -1]])
    return Chunk(seconds(message.header.stamp), float(times_s[0]), positions[:, : profile.n_joints], opening)


def _chunk_joints(profile: RobotProfile) -> list[str]:
    return [*profile.arm_joints, *profile.gripper.joints[:1]]


def trajectory_arrays(message: JointTrajectory, joints: Sequence[str]) -> tuple[float, Floats, Floats, Floats | None]:
    """Return stamp [s], times from it (T,) [s], positions (T, n) [rad] and velocities (T, n) [rad/s] or `None`.

    Args:
        message: what a joint_trajectory_controller is sent.
        joints: all joints of that controller, in the wanted order.

    Raises:
        LimitError: if the joints differ, there are too many points, or they are of different kinds; the real controller
            refuses the latter, too.
    """
    if len(message.points) > MAX_POINTS or len(message.joint_names) > len(joints):
        got = f'{len(message.points)} points of {len(message.joint_names)} joints'
        raise LimitError(f'{got}; allowed are {MAX_POINTS} points of {len(joints)} joints')
    names = list(message.joint_names)
    if sorted(names) != sorted(joints):
        raise LimitError(f'joints {names}; the controller has {list(joints)}')
    order = [names.index(name) for name in joints]
    sizes = {(len(point.positions), len(point.velocities)) for point in message.points}
    if sizes not in ({(len(names), 0)}, {(len(names), len(names))}):
        raise LimitError(f'points with (positions, velocities) of sizes {sorted(sizes)} for {len(names)} joints')
    times_s = np.array([seconds(point.time_from_start) for point in message.points])
    q_rad = np.array([np.asarray(point.positions)[order] for point in message.points])
    if not len(message.points[0].velocities):
        return seconds(message.header.stamp), times_s, q_rad, None
    v_rad_s = np.array([np.asarray(point.velocities)[order] for point in message.points])
    return seconds(message.header.stamp), times_s, q_rad, v_rad_s


def plan_message(joints: Sequence[str], stamp_s: float, times_s: Floats, q_rad: Floats, v_rad_s: Floats) -> JointTrajectory:
    """Return what is sent to a joint_trajectory_controller; shapes as in `trajectory_arrays`."""
    message = JointTrajectory(joint_names=list(joints))
    message.header.stamp = stamp(stamp_s)
    message.points = [
        JointTrajectoryPoint(positions=q, velocities=v, time_from_start=duration(time_s))
        for q, v, time_s in zip(q_rad.tolist(), v_rad_s.tolist(), times_s.tolist(), strict=True)
    ]
    return message
