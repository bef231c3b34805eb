# SPDX-License-Identifier: Apache-2.0
"""The poses of one frame in its parent over the last seconds."""

import threading
from bisect import bisect_left
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from .exceptions import ExtrapolationException

Floats = NDArray[np.float64]


class Sample(NamedTuple):
    """A pose of a child in its parent: when [ns], translation (3,) [m], quaternion x y z w (4,)."""

    time_ns: int
    parent: str
    shift: Floats
    turn: Floats


class History:
    """What is known of one child, in the order of the stamps; a static one is valid at any time.

    Args:
        is_static: Whether it came by /tf_static.
        keep_ns: How much older than the newest sample another one may be [ns].
    """

    def __init__(self, is_static: bool, keep_ns: int) -> None:
        self.is_static, self._keep_ns = is_static, keep_ns
        self._samples: list[Sample] = []
        self._lock = threading.Lock()

    def add(self, sample: Sample) -> None:
        """Keep a sample; one that is too old, or of a time that is known, is ignored."""
        with self._lock:
            if self.is_static:
                self._samples = [sample]
                return
            times = [known.time_ns for known in self._samples]
            place = bisect_left(times, sample.time_ns)
            if times and (sample.time_ns < times[-1] - self._keep_ns or times[place : place + 1] == [sample.time_ns]):
                return
            self._samples.insert(place, sample)
            newest_ns = self._samples[-1].time_ns
            while self._samples[0].time_ns < newest_ns - self._keep_ns:
                self._samples.pop(0)

    def newest(self) -> Sample:
        """Return the newest sample."""
        with self._lock:
            return self._samples[-1]

    def at(self, time_ns: int, child: str) -> Sample:
        """Return the pose of a moment, between the two samples around it.

        Raises:
            ExtrapolationException: if the moment is before the first or after the last sample.
        """
        with self._lock:
            samples = self._samples
            if self.is_static:
                return samples[-1]
            place = bisect_left([known.time_ns for known in samples], time_ns)
            if place < len(samples) and samples[place].time_ns == time_ns:
                return samples[place]
            if place in (0, len(samples)):
                side, edge = ('past', samples[0]) if place == 0 else ('future', samples[-1])
                raise ExtrapolationException(
                    f'Lookup would require extrapolation into the {side}.  Requested time {1e-9 * time_ns:.9f} but the'
                    f' {"earliest" if place == 0 else "latest"} data is at time {1e-9 * edge.time_ns:.9f}, frame [{child}]'
                )
            return _between(samples[place - 1], samples[place], time_ns)


def _between(before: Sample, after: Sample, time_ns: int) -> Sample:
    share = (time_ns - before.time_ns) / (after.time_ns - before.time_ns)
    if before.parent != after.parent:
        return before
    turn = after.turn if float(before.turn @ after.turn) >= 0.0 else -after.turn
    angle = float(np.arccos(np.clip(before.turn @ turn, -1.0, 1.0)))
    if angle < 1e-6:
        mixed = (1.0 - share) * before.turn + share * turn
    else:
        mixed = (np.sin((1.0 - share) * angle) * before.turn + np.sin(share * angle) * turn) / np.sin(angle)
    shift = (1.0 - share) * before.shift + share * after.shift
    return Sample(time_ns, before.parent, shift, mixed / np.linalg.norm(mixed))
