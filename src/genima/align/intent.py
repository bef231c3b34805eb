# SPDX-License-Identifier: Apache-2.0
"""What was commanded and intended from each step of a demonstration on."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from genima.align.grid import to_nanoseconds, to_seconds
from genima.align.joints import BRIDGE, JointTrack
from genima.chunks.plan import Chunk

Floats = NDArray[np.float64]

PLANNED_SHARE = 0.5  # with a plan on fewer steps an episode counts as one without plans


def next_commands(
    reference: JointTrack | None, arm: Sequence[str], q_rad: Floats, grid_s: Floats, period_s: float, max_gap_s: float
) -> Floats:
    """Return the joint targets for the next step, shape (T, n): the command of the robot's controller one period on.

    Args:
        reference: what the controller told; `None` where it told nothing: then what was reached one step on.
        arm: n joints.
        q_rad: (T, n) measured positions.
        grid_s: (T,) times of the steps [s].
        period_s: one step [s].
        max_gap_s: longest silence of the controller [s].

    Raises:
        DatasetError: if the controller was silent for longer.
    """
    if reference is None:
        return np.concatenate([q_rad[1:], q_rad[-1:]])
    step_ns = to_nanoseconds(period_s)
    next_s = [to_seconds(to_nanoseconds(time_s) + step_ns) for time_s in grid_s.tolist()]
    return reference.at(arm, next_s, max_gap_s, BRIDGE)


def plans(
    chunks: Sequence[Chunk], grid_s: Floats, ahead_s: Floats, command_rad: Floats, command_open: Floats
) -> tuple[Floats | None, Floats | None]:
    """Return what was intended for the next C steps, shapes (T, C, n) and (T, C), or None where too little is known.

    That is the newest chunk stamped at or before the step, linear between its points and held at its end. A step
    without a chunk that still lasts gets what was commanded from there on, and so does the gripper of a chunk that says
    nothing of it (NaN).

    Args:
        chunks: ascending in time.
        grid_s: (T,) times of the steps [s].
        ahead_s: (C,) how far ahead the targets are [s].
        command_rad: (T, n) targets that were commanded for the next step.
        command_open: (T,) likewise for the gripper.
    """
    stamps_s = [chunk.stamp_s for chunk in chunks]
    later = np.minimum(np.arange(len(grid_s))[:, None] + np.arange(len(ahead_s)), len(grid_s) - 1)
    plan_q, plan_gripper, known = command_rad[later], command_open[later], 0
    for k, i in enumerate(np.searchsorted(stamps_s, grid_s, side='right') - 1):
        if i < 0 or grid_s[k] >= chunks[i].times_s[-1]:
            continue
        chunk = chunks[i]
        points_s, asked_s = chunk.dt_s * np.arange(1.0, len(chunk.q_rad) + 1), grid_s[k] - chunk.stamp_s + ahead_s
        plan_q[k] = np.stack([np.interp(asked_s, points_s, column) for column in chunk.q_rad.T], axis=-1)
        if np.isfinite(chunk.gripper_open).all():
            plan_gripper[k] = np.interp(asked_s, points_s, chunk.gripper_open)
        known += 1
    return (plan_q, plan_gripper) if known > PLANNED_SHARE * len(grid_s) else (None, None)
