# SPDX-License-Identifier: Apache-2.0
"""A recorded episode as chunks for the guard: the arm goes to its beginning, then the way that was recorded."""

import numpy as np

from genima.chunks.plan import Chunk
from genima.errors import LimitError
from genima.recording.jog import DT_S, LEASH_RAD, STEPS
from genima.robots.profile import RobotProfile

APPROACH_RAD_S = 0.3
SAME_RAD = 0.01  # of two places that are as near the earlier one counts: the way may come by again
MAX_APPROACH_RAD = 0.5
"""The way to the beginning is a straight line of joint positions: nobody has checked what stands in it."""


class Retrace:
    """Says what to do next; waits wherever the arm does, so that an arm that was held does not have to catch up.

    Args:
        profile: The robot.
        times_s: Times of the recorded steps (T,), increasing [s].
        q_rad: Commanded joint positions (T, n) [rad].
        gripper_open: Commanded openings (T,), 0 closed to 1 open.

    Raises:
        LimitError: if a position is not finite or leaves the range of its joint; names step and joint.
    """

    def __init__(self, profile: RobotProfile, times_s: np.ndarray, q_rad: np.ndarray, gripper_open: np.ndarray) -> None:
        _check(profile, q_rad)
        grid_s = np.arange(times_s[0], times_s[-1] + 1e-9, DT_S)
        self._q_rad = np.stack([np.interp(grid_s, times_s, column) for column in q_rad.T], axis=1)
        self._open = gripper_open[np.searchsorted(times_s, grid_s + 1e-9, side='right') - 1].astype(float)
        self._joints = profile.arm_joints
        self._step: int | None = None

    @property
    def progress(self) -> float:
        """How much of the way lies behind, 0 to 1."""
        return 0.0 if self._step is None else self._step / (len(self._q_rad) - 1) if len(self._q_rad) > 1 else 1.0

    @property
    def done(self) -> bool:
        """Whether the arm is at the end of the way."""
        return self._step is not None and self._step == len(self._q_rad) - 1

    def distance_rad(self, q_rad: np.ndarray) -> float:
        """Return how far the joint that is furthest off is from where the way is now [rad]."""
        return 0.0 if self._step is None else float(np.abs(self._q_rad[self._step] - q_rad).max())

    def chunk(self, stamp_s: float, q_rad: np.ndarray) -> Chunk:
        """Return the next chunk; call it every `DT_S`.

        Args:
            stamp_s: Time of the observation, ROS time [s].
            q_rad: Measured joint positions (n,) [rad].

        Raises:
            LimitError: if the arm is too far from the beginning; names the joint and how far to move it.
        """
        if self._step is None:
            self._begin(q_rad)
        else:
            self._go_on(q_rad)
        assert self._step is not None
        rows = np.minimum(self._step + 1 + np.arange(STEPS), len(self._q_rad) - 1)
        return Chunk(stamp_s, DT_S, self._q_rad[rows], self._open[rows])

    def _go_on(self, q_rad: np.ndarray) -> None:
        """Take the next step, or the one where the arm is: after a tick that was lost it has gone ahead on its chunk."""
        assert self._step is not None
        ahead = np.abs(self._q_rad[self._step : self._step + STEPS] - q_rad).max(axis=1)
        if ahead.min() <= LEASH_RAD:
            nearest = int(np.argmax(ahead <= ahead.min() + SAME_RAD))
            self._step = min(self._step + max(nearest, 1), len(self._q_rad) - 1)

    def _begin(self, q_rad: np.ndarray) -> None:
        """Put the way to the beginning before the recorded one."""
        way_rad = self._q_rad[0] - q_rad
        joint = int(np.abs(way_rad).argmax())
        if abs(way_rad[joint]) > MAX_APPROACH_RAD:
            raise LimitError(
                f'{self._joints[joint]} is at {q_rad[joint]:.2f} rad, the episode begins at {self._q_rad[0, joint]:.2f};'
                f' allowed is a distance of {MAX_APPROACH_RAD} rad: move the arm nearer to its beginning first'
            )
        steps = int(np.ceil(abs(way_rad[joint]) / (APPROACH_RAD_S * DT_S)))
        approach = q_rad + np.arange(steps)[:, None] / max(steps, 1) * way_rad
        self._q_rad = np.concatenate([approach, self._q_rad])
        self._open = np.concatenate([np.full(steps, self._open[0]), self._open])
        self._step = 0


def _check(profile: RobotProfile, q_rad: np.ndarray) -> None:
    limits = profile.limits
    outside = ~((q_rad >= limits.position_min_rad) & (q_rad <= limits.position_max_rad))
    if outside.any():
        step, joint = np.argwhere(outside)[0]
        low, high = limits.position_min_rad[joint], limits.position_max_rad[joint]
        raise LimitError(
            f'step {step}: {profile.arm_joints[joint]} is to be at {q_rad[step, joint]:.4f} rad,'
            f' {profile.name} allows {low:.4f} to {high:.4f}'
        )
