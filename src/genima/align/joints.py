# SPDX-License-Identifier: Apache-2.0
"""Joint positions by name over time: drivers send joints in any order and in parts."""

import math
from collections import deque
from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from genima.errors import DatasetError
from genima.robots.gripper import Gripper
from genima.stamps import is_overtaken

Floats = NDArray[np.float64]

BRIDGE = ' If the computer was only busy, --max-gap-s bridges longer silences'
"""What helps a recording with a gap."""


class JointTrack:
    """Merges messages that hold some joints each, and tells where the joints were at any time.

    Nodes append while the robot runs and ask for now; a conversion appends a whole recording and asks for a grid.
    A message that is a little older than what is known is left out; one that is over a second older comes from
    another clock, and the joint's history starts anew.

    Args:
        keep_s: how much history is kept of each joint [s].

    Attributes:
        overtaken: how many positions came too late to count.
        restarts: how often a joint's history started anew.
    """

    def __init__(self, keep_s: float = math.inf) -> None:
        self._keep_s = keep_s
        self._times_s: dict[str, deque[float]] = {}
        self._positions: dict[str, deque[float]] = {}
        self.overtaken = self.restarts = 0

    @property
    def names(self) -> list[str]:
        """The joints heard of, sorted."""
        return sorted(self._times_s)

    def add(self, names: Sequence[str], positions: Iterable[float], stamp_s: float) -> None:
        """Take one message: positions [rad or m] at a time [s]; positions that are not finite are left out."""
        for name, position in zip(names, positions, strict=False):
            if math.isfinite(position):
                self._add(name, float(position), stamp_s)

    def include(self, other: 'JointTrack') -> None:
        """Take everything of another track, of joints that this one has not heard of."""
        self._times_s |= other._times_s
        self._positions |= other._positions
        self.overtaken += other.overtaken
        self.restarts += other.restarts

    def newest(self, name: str) -> tuple[float, float] | None:
        """Return time [s] and position of a joint's newest sample, `None` if it was never heard of."""
        times_s = self._times_s.get(name)
        return (times_s[-1], self._positions[name][-1]) if times_s else None

    def times_s(self, name: str) -> Floats:
        """Return the times of a joint's samples, ascending [s]."""
        return np.array(self._times_s.get(name, ()))

    def span_s(self, names: Iterable[str]) -> tuple[float, float]:
        """Return from when to when all these joints are known [s].

        Raises:
            DatasetError: if one of them was never heard of; names the joint.
        """
        samples = [self._samples(name)[0] for name in names]
        return max(float(times_s[0]) for times_s in samples), min(float(times_s[-1]) for times_s in samples)

    def at(self, names: Sequence[str], times_s: ArrayLike, max_gap_s: float, hint: str = '') -> Floats:
        """Return positions at times (...) of n joints, shape (..., n), linear between the samples before and after.

        Before the first and after the last sample the nearest one holds, as it does for a node that asks for now.

        Args:
            names: the joints.
            times_s: when [s].
            max_gap_s: longest time between two samples that is bridged, and that a sample at the end holds [s].
            hint: end of the message about a longer gap.

        Raises:
            DatasetError: if a joint was never heard of, or a time lies in a longer gap; names joint, time and gap.
        """
        wanted_s = np.asarray(times_s, dtype=np.float64)
        columns = [self._interpolated(name, wanted_s, max_gap_s, hint) for name in names]
        return np.stack(columns, axis=-1)

    def _add(self, name: str, position: float, stamp_s: float) -> None:
        times_s = self._times_s.setdefault(name, deque())
        positions = self._positions.setdefault(name, deque())
        if times_s and is_overtaken(stamp_s, times_s[-1]):
            self.overtaken += 1
            return
        if times_s and stamp_s < times_s[-1]:
            self.restarts += 1
            times_s.clear()
            positions.clear()
        if times_s and stamp_s == times_s[-1]:
            positions[-1] = position
            return
        times_s.append(stamp_s)
        positions.append(position)
        while times_s[0] < stamp_s - self._keep_s:
            times_s.popleft()
            positions.popleft()

    def _samples(self, name: str) -> tuple[Floats, Floats]:
        if name not in self._times_s:
            known = ', '.join(self.names) or 'nothing'
            raise DatasetError(f'joint {name} was never heard of; heard {known}; is the right robot profile set?')
        return np.array(self._times_s[name]), np.array(self._positions[name])

    def _interpolated(self, name: str, wanted_s: Floats, max_gap_s: float, hint: str) -> Floats:
        known_s, positions = self._samples(name)
        after = np.searchsorted(known_s, wanted_s, side='left')
        inside = np.clip(after, 1, max(len(known_s) - 1, 1))
        steps_s = np.append(np.diff(known_s), 0.0)  # a single sample has no step
        hit = known_s[np.minimum(after, len(known_s) - 1)] == wanted_s
        gaps_s = np.where(hit, 0.0, steps_s[inside - 1])
        gaps_s = np.where(wanted_s < known_s[0], known_s[0] - wanted_s, gaps_s)
        gaps_s = np.where(wanted_s > known_s[-1], wanted_s - known_s[-1], gaps_s)
        if gaps_s.size and gaps_s.max() > max_gap_s:
            worst = int(gaps_s.argmax())
            raise DatasetError(
                f'joint {name}: nothing was heard for {gaps_s.flat[worst]:.3f} s around {wanted_s.flat[worst]:.3f} s,'
                f' allowed {max_gap_s:.3f} s; is its driver alive and its clock in step?{hint}'
            )
        return np.interp(wanted_s, known_s, positions)


def opening_joint(gripper: Gripper, heard: Iterable[str]) -> tuple[str, float, float]:
    """Return the joint that tells a gripper's opening, and its positions when closed and when open.

    A driver reports its own joint in its own units; a simulation reports the profile's first one. There is a gripper.

    Args:
        gripper: the gripper of the profile.
        heard: names of the joints that are reported.
    """
    names = set(heard)
    for driver in gripper.drivers.values():
        if driver.joint in names:
            return driver.joint, driver.closed, driver.open
    return gripper.joints[0], gripper.closed_m, gripper.open_m


def openings_at(gripper: Gripper, track: JointTrack, times_s: Floats, max_gap_s: float, advice: str = '') -> Floats:
    """Return openings in [0, 1] at times (T,); an arm without a gripper is always open. `advice`: as `JointTrack.at`.

    Raises:
        DatasetError: if the gripper's joint was never heard of, or a time lies in a longer gap.
    """
    if not gripper.is_there:
        return np.ones(len(times_s))
    joint, closed, opened = opening_joint(gripper, track.names)
    return openings(track.at([joint], times_s, max_gap_s, advice)[:, 0], closed, opened)


def gripper_joints(gripper: Gripper) -> set[str]:
    """Return the joints of which one tells the opening of a gripper, whatever reports it."""
    return {*gripper.joints, *(driver.joint for driver in gripper.drivers.values())}


def openings(positions: ArrayLike, closed: float, opened: float) -> Floats:
    """Return openings in [0, 1] for positions of the joint that `opening_joint` names."""
    return np.clip((np.asarray(positions, dtype=np.float64) - closed) / (opened - closed), 0.0, 1.0)
