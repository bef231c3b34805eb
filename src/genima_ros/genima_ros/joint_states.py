# SPDX-License-Identifier: Apache-2.0
"""The newest joint positions, by name: drivers send joints in any order and in parts."""

import threading
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from genima.errors import GenimaError
from genima.robots.profile import RobotProfile
from genima.stamps import is_overtaken


class StaleJointsError(GenimaError):
    """A joint has not been heard of, or not lately."""


class JointStates:
    """Merges joint_states messages: the arm's and the gripper's may come apart.

    Args:
        profile: the robot whose joints are wanted.
        max_age_s: positions older than this are not used [s].
    """

    def __init__(self, profile: RobotProfile, max_age_s: float) -> None:
        self.profile = profile
        self.max_age_s = max_age_s
        self._changed = threading.Condition()  # callbacks write, a worker reads; one reading must be of one message
        self._newest: dict[str, tuple[float, float]] = {}  # name -> (stamp [s], position [rad or m])

    def add(self, names: Sequence[str], positions: Sequence[float], stamp_s: float) -> None:
        """Take one message; stamps a little older than known, and joints without a finite position, are ignored."""
        with self._changed:
            self._changed.notify_all()
            for name, position in zip(names, positions, strict=False):
                known = self._newest.get(name)
                if np.isfinite(position) and not (known and is_overtaken(stamp_s, known[0])):
                    self._newest[name] = (stamp_s, float(position))

    def arm(self, now_s: float, patience_s: float = 0.0) -> tuple[NDArray[np.float64], float]:
        """Return the arm's positions [rad], shape (n,), and the stamp of the oldest of them [s].

        Args:
            now_s: ROS time [s].
            patience_s: how long to wait (wall time) for positions that are young enough [s].

        Raises:
            StaleJointsError: if a joint is missing or too old; names the joint.
        """
        with self._changed:
            self._changed.wait_for(lambda: self._is_fresh(now_s), patience_s)
            readings = [self._read(name, now_s) for name in self.profile.arm_joints]
        return np.array([position for _, position in readings]), min(time_s for time_s, _ in readings)

    def gripper_open(self, now_s: float) -> float:
        """Return the gripper's opening in [0, 1]; 1 is open."""
        gripper = self.profile.gripper
        with self._changed:
            for driver in gripper.drivers.values():
                if driver.joint in self._newest:
                    return driver.opening(self._read(driver.joint, now_s)[1])
            return gripper.opening(self._read(gripper.joints[0], now_s)[1])

    def _is_fresh(self, now_s: float) -> bool:
        oldest_s = min(self._newest.get(name, (float('-inf'), 0.0))[0] for name in self.profile.arm_joints)
        return now_s - oldest_s <= self.max_age_s

    def _read(self, name: str, now_s: float) -> tuple[float, float]:
        if name not in self._newest:
            known = ', '.join(sorted(self._newest)) or 'nothing'
            raise StaleJointsError(f'joint_states: no {name}; heard {known}; is the right robot profile set?')
        time_s, position = self._newest[name]
        if now_s - time_s > self.max_age_s:
            raise StaleJointsError(
                f'joint_states: {name} is {now_s - time_s:.3f} s old, allowed {self.max_age_s:.3f} s; is the driver alive?'
            )
        return time_s, position
