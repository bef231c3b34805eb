# SPDX-License-Identifier: Apache-2.0
"""The joint positions of now, and of a moment ago: the track that conversions use, shared by callbacks and workers."""

import threading
from collections.abc import Sequence

import numpy as np
from builtin_interfaces.msg import Time
from numpy.typing import NDArray

from genima.align.joints import JointTrack, gripper_joints, opening_joint, openings
from genima.errors import GenimaError
from genima.robots.profile import RobotProfile
from genima_ros.conversions.messages import seconds, stamp

STAMPS, OTHERS = 1000, 32
MEMORY_S = 3.0  # a slow painter takes as long from the picture to whoever asks where the joints were


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
        self._wanted = {*profile.arm_joints, *gripper_joints(profile.gripper)}
        self._others: set[str] = set()
        self._changed = threading.Condition()  # callbacks write, a worker reads; one reading must be of one message
        self._track = JointTrack(MEMORY_S)
        self._stamps: dict[float, Time] = {}  # seconds as a float lose the last hundreds of nanoseconds

    def add(self, names: Sequence[str], positions: Sequence[float], when: float | Time) -> None:
        """Take one message; stamps a little older than known, and joints without a finite position, are ignored.

        Of joints that are not the robot's a few names are kept, to say what was heard instead.
        """
        stamp_s = seconds(when) if isinstance(when, Time) else when
        known = [(name, position) for name, position in zip(names, positions, strict=False) if name in self._wanted]
        if len(known) < len(names) and len(self._others) < OTHERS:
            self._others.update(list(names)[:OTHERS])
        with self._changed:
            if isinstance(when, Time):
                self._stamps[stamp_s] = when
                if len(self._stamps) > STAMPS:
                    del self._stamps[next(iter(self._stamps))]
            self._changed.notify_all()
            self._track.add([name for name, _ in known], [position for _, position in known], stamp_s)

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

    def stamp_of(self, stamp_s: float) -> Time:
        """Return the stamp that `arm` told in seconds, exactly as it came."""
        return self._stamps.get(stamp_s) or stamp(stamp_s)

    def arm_at(self, time_s: float) -> NDArray[np.float64]:
        """Return where the arm was at a moment within the last seconds, shape (n,) [rad], as a conversion finds it.

        Args:
            time_s: for example when a picture was taken [s].

        Raises:
            DatasetError: if a joint is missing, or was silent around that moment for longer than `max_age_s`.
        """
        with self._changed:
            return self._track.at(self.profile.arm_joints, time_s, self.max_age_s)

    def gripper_open(self, now_s: float) -> float:
        """Return the gripper's opening in [0, 1]; 1 is open, and an arm without a gripper always is."""
        if not self.profile.gripper.is_there:
            return 1.0
        with self._changed:
            joint, closed, opened = opening_joint(self.profile.gripper, self._track.names)
            return float(openings(self._read(joint, now_s)[1], closed, opened))

    def _is_fresh(self, now_s: float) -> bool:
        newest = [self._track.newest(name) for name in self.profile.arm_joints]
        return all(reading is not None and now_s - reading[0] <= self.max_age_s for reading in newest)

    def _read(self, name: str, now_s: float) -> tuple[float, float]:
        reading = self._track.newest(name)
        if reading is None:
            known = ', '.join(sorted({*self._track.names, *self._others})) or 'nothing'
            raise StaleJointsError(f'joint_states: no {name}; heard {known}; is the right robot profile set?')
        if now_s - reading[0] > self.max_age_s:
            raise StaleJointsError(
                f'joint_states: {name} is {now_s - reading[0]:.3f} s old, allowed {self.max_age_s:.3f} s;'
                ' is the driver alive?'
            )
        return reading
