# SPDX-License-Identifier: Apache-2.0
"""What the arm is commanded, cycle by cycle: the trajectory controller's plan through the tracker, or a smooth stop."""

from copy import copy

import numpy as np

from genima.errors import LimitError
from genima.fci.door import CYCLE_S, N_JOINTS, ArmState
from genima.fci.tracker import Tracker
from genima.robots.profile import JointLimits
from genima.sim.trajectory_controller import TrajectoryController

JUMP_RAD = 0.02  # a message that jumps further from the plan that runs is refused
STOP_S = 0.3  # time in which the plan slows down to nothing: 7.5 rad/s² from 1.5 rad/s
REST_RAD_S = 1e-4


class Motion:
    """A joint trajectory controller with the rules of ros2_controllers, for one motion of the robot.

    All times count from the epoch of the loop's clock.

    Attributes:
        time_s: Of the last step.
    """

    _controller: TrajectoryController
    _q_rad: np.ndarray  # what was wanted in the last cycle
    _v_rad_s: np.ndarray

    def __init__(self, limits: JointLimits, t_s: float, q_rad: np.ndarray) -> None:
        """Rest at `q_rad`, shape (7,)."""
        self._tracker = Tracker(limits, q_rad)
        self._limits = limits
        self.time_s = self._plan_s = t_s
        self._stopping_s: float | None = None
        self._hold()

    @property
    def reference(self) -> tuple[np.ndarray, np.ndarray]:
        """The last command: position and velocity, (7,) each."""
        return self._tracker.q_rad, self._tracker.v_rad_s

    @property
    def running_s(self) -> float | None:
        """Stamp of the message that is executed; None for a hold."""
        return self._controller.start_s

    @property
    def at_rest(self) -> bool:
        """Whether nothing moves and nothing will."""
        return self._plan_s >= self._controller.end_s and float(np.abs(self._tracker.v_rad_s).max()) < REST_RAD_S

    @property
    def stopping(self) -> bool:
        """Whether it is coming to rest, and takes no trajectory."""
        return self._stopping_s is not None

    def take(
        self, stamp_s: float, times_s: np.ndarray, q_rad: np.ndarray, v_rad_s: np.ndarray | None
    ) -> None:
        """Replace the plan.

        Args:
            stamp_s: When it begins; 0: at once.
            times_s: Of the points after the stamp, (T,).
            q_rad: Positions (T, 7), and `v_rad_s`, velocities or None.

        Raises:
            LimitError: if it cannot be executed; the plan that runs goes on, to its end at rest.
        """
        if self.stopping:
            raise LimitError('a trajectory came while the arm is brought to rest')
        now_s = self._plan_s + CYCLE_S
        candidate = copy(self._controller)
        candidate.set_trajectory(now_s, stamp_s, times_s, q_rad, v_rad_s)
        old_rad = self._controller.sample(now_s)[0]
        starts_s = now_s if stamp_s == 0 else stamp_s
        self._refuse(np.abs(candidate.sample(now_s)[0] - old_rad), JUMP_RAD, 'starts', 'rad off the plan that runs')
        beyond = np.maximum(q_rad - self._limits.position_max_rad, self._limits.position_min_rad - q_rad).max(axis=0)
        already = np.maximum(old_rad - self._limits.position_max_rad, self._limits.position_min_rad - old_rad)
        self._refuse(beyond - np.maximum(already, 0.0), 0.0, 'is led', 'rad beyond its range')
        points_s, points_rad = starts_s + times_s, q_rad
        if points_s[0] > now_s:
            points_s, points_rad = np.r_[now_s, points_s], np.vstack((old_rad, points_rad))
        speed = np.abs(np.diff(points_rad, axis=0) / np.diff(points_s)[:, None]).max(axis=0, initial=0.0)
        self._refuse(speed / self._limits.velocity_rad_s, 1.0, 'is to move at', 'times its greatest velocity')
        self._controller = candidate
        self._look_back()

    def stop(self) -> None:
        """Come to rest on the path of the plan, and hold."""
        if self._stopping_s is None:
            self._stopping_s = 0.0

    def step(self, t_s: float, state: ArmState) -> np.ndarray:
        """Return the next command (7,) for a state at `t_s`."""
        step_s, self.time_s = t_s - self.time_s, t_s
        self._tracker.account_for(round(step_s / CYCLE_S) - 1, np.array(state.q_d_rad))
        pace = self._pace(step_s)
        if abs(step_s - CYCLE_S) > 0.1 * CYCLE_S:  # packets were lost
            self._plan_s += (step_s - CYCLE_S) * pace
            self._look_back()
        self._plan_s += min(step_s, CYCLE_S) * pace
        q = self._controller.sample(self._plan_s)[0]
        v = (q - self._q_rad) / CYCLE_S
        command = self._tracker.step(self._q_rad - self._tracker.q_rad, self._v_rad_s, (v - self._v_rad_s) / CYCLE_S)
        self._q_rad, self._v_rad_s = q, v
        return command

    def _pace(self, step_s: float) -> float:
        """Return how fast time passes on the plan: 1, and smoothly less where it stops."""
        if self._stopping_s is None:
            return 1.0
        self._stopping_s += step_s
        x = self._stopping_s / STOP_S
        if x < 1.0:
            return 1.0 - x * x * (3.0 - 2.0 * x)
        if float(np.abs(self._tracker.v_rad_s).max()) < REST_RAD_S:
            self._stopping_s, self._plan_s = None, self.time_s
            self._hold()
        return 0.0

    def _hold(self) -> None:
        """Forget the plan and stay where the last command is."""
        self._controller = TrajectoryController(N_JOINTS, self._tracker.q_rad, CYCLE_S)
        self._look_back()

    def _look_back(self) -> None:
        """Sample the plan in the two cycles before this one: its differences are its own, not those to another plan."""
        before, last = (self._controller.sample(self._plan_s - n * CYCLE_S)[0] for n in (1, 0))
        self._q_rad, self._v_rad_s = last, (last - before) / CYCLE_S

    def _refuse(self, by: np.ndarray, allowed: float, what: str, unit: str) -> None:
        worst = int(by.argmax())
        if by[worst] > allowed:
            raise LimitError(f'joint {worst + 1} {what} {by[worst]:.3f} {unit}; allowed are {allowed:g}')
