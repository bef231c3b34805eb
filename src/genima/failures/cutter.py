# SPDX-License-Identifier: Apache-2.0
"""Cuts segments out of a stream of messages: some seconds before a flag, from memory, and some after it."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from genima.errors import DatasetError
from genima.failures.layout import Flag
from genima.failures.ring import NS_PER_S, Cut, Ring

MOST_PENDING = 8
PATIENCE_S = 10.0  # a clock that stands still does not keep a segment in memory for ever


@dataclass(frozen=True, eq=False)
class Segment:
    """What was flagged: where it will be written, why, and its messages."""

    folder: Path
    flag: Flag
    cut: Cut


class Cutter:
    """Remembers the last seconds, and hands out segments when they are complete. For one thread.

    Args:
        seconds: Before a flag.
        after_s: After a flag.
        max_bytes: Of the memory, and of what one segment may add to it.
        holds: Topics whose newest messages hold until others come, and how many.
    """

    def __init__(self, seconds: float, after_s: float, max_bytes: int, holds: Mapping[str, int]) -> None:
        self.ring = Ring(seconds, max_bytes, holds)
        self._after_s, self._max_bytes = after_s, max_bytes
        self._holding = {name for name, count in holds.items() if count}
        self._alive = False  # latched messages come from a robot that may be long gone
        self._pending: list[Segment] = []

    def put(self, name: str, log_time_ns: int, data: bytes) -> bool:
        """Take a message; it is always taken."""
        self.ring.put(name, log_time_ns, data)
        self._alive = self._alive or name not in self._holding
        for segment in self._pending:
            segment.cut.put(name, log_time_ns, data)
        return True

    def flag(self, folder: Path, flag: Flag, seconds_ago: float, now_ns: int, wall_s: float) -> None:
        """Begin a segment.

        Args:
            folder: Where it will be written.
            flag: Why.
            seconds_ago: How long the moment is past.
            now_ns: ROS time.
            wall_s: Time on a steady clock.

        Raises:
            DatasetError: if nothing is remembered of that moment, or too many segments are waiting; says what to do.
        """
        if not (math.isfinite(seconds_ago) and seconds_ago >= 0):
            raise DatasetError(f'seconds_ago is {seconds_ago}; it is a time that has passed, 0 or more')
        begins_ns = self.ring.begins_ns
        if begins_ns is None or not self._alive:
            raise DatasetError('nothing was heard yet: are robot and cameras running, and in this ROS domain?')
        moment_ns = now_ns - round(seconds_ago * NS_PER_S)
        if moment_ns < begins_ns:
            raise DatasetError(
                f'that was {seconds_ago:.1f} s ago, and the memory reaches back {(now_ns - begins_ns) / NS_PER_S:.1f} s: '
                'flag sooner, or give the node more memory (parameters seconds, memory_mb)'
            )
        if len(self._pending) >= MOST_PENDING:
            raise DatasetError(f'{MOST_PENDING} segments are waiting for their last seconds; flag again in a moment')
        due_ns = now_ns + round(self._after_s * NS_PER_S)
        cut = Cut(self.ring.snapshot(), due_ns, wall_s + self._after_s + PATIENCE_S, self._max_bytes)
        self._pending.append(Segment(folder, replace(flag, stamp_s=moment_ns / NS_PER_S), cut))

    def ready(self, now_ns: int, wall_s: float, ending: bool = False) -> list[Segment]:
        """Return the segments that are complete, or all of them when nothing more will come."""
        done: list[Segment] = []
        waiting: list[Segment] = []
        for segment in self._pending:
            (done if ending or segment.cut.is_due(now_ns, wall_s) else waiting).append(segment)
        self._pending = waiting
        return [replace(segment, flag=_spanned(segment)) for segment in done]


def _spanned(segment: Segment) -> Flag:
    before_s, after_s = segment.cut.span_s(round(segment.flag.stamp_s * NS_PER_S))
    return replace(segment.flag, seconds_before=before_s, seconds_after=max(after_s, 0.0))
