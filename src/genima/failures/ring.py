# SPDX-License-Identifier: Apache-2.0
"""The last seconds of every stream in bounded memory, and the segments that are cut out of them."""

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

NS_PER_S = 1_000_000_000
CLOCK_SET_NS = NS_PER_S  # times that jump back by more are of another clock


class Kept(NamedTuple):
    """One message as it came: full name of its topic, ROS time of reception [ns], CDR."""

    topic: str
    log_time_ns: int
    data: bytes


class Ring:
    """Keeps the messages of the last seconds, for one thread.

    Args:
        seconds: How many.
        max_bytes: Of all messages together; above it the oldest go sooner.
        holds: Full name of a topic to how many of its messages hold until others come. These stay when they are older.
    """

    def __init__(self, seconds: float, max_bytes: int, holds: Mapping[str, int]) -> None:
        self._span_ns, self._max_bytes = round(seconds * NS_PER_S), max_bytes
        self._messages: deque[Kept] = deque()
        self._older = {name: deque[Kept](maxlen=count) for name, count in holds.items() if count}
        self.size_bytes = 0

    @property
    def begins_ns(self) -> int | None:
        """When the oldest message came, ROS time; None where nothing was heard."""
        return self._messages[0].log_time_ns if self._messages else None

    def put(self, name: str, log_time_ns: int, data: bytes) -> bool:
        """Take a message; it is always taken."""
        if self._messages and log_time_ns < self._messages[-1].log_time_ns - CLOCK_SET_NS:
            self._forget()
        self._messages.append(Kept(name, log_time_ns, data))
        self.size_bytes += len(data)
        oldest_ns = log_time_ns - self._span_ns
        while self._messages[0].log_time_ns < oldest_ns or (self.size_bytes > self._max_bytes and len(self._messages) > 1):
            self._drop()
        return True

    def snapshot(self) -> list[Kept]:
        """Return everything that is kept: first what holds since before, with the time of the oldest message."""
        begins_ns = self.begins_ns
        if begins_ns is None:
            return []
        held = (message for messages in self._older.values() for message in messages)
        return [message._replace(log_time_ns=begins_ns) for message in held] + list(self._messages)

    def _drop(self) -> None:
        message = self._messages.popleft()
        self.size_bytes -= len(message.data)
        older = self._older.get(message.topic)
        if older is not None and all(message.data != each.data for each in older):
            older.append(message)

    def _forget(self) -> None:
        while self._messages:
            self._drop()


@dataclass
class Cut:
    """A segment in the making: what the ring had when it was flagged, and what came since.

    Attributes:
        messages: In the order in which they came.
        due_ns: ROS time at which it is complete.
        due_wall_s: Time on a steady clock at which it is complete even if ROS time stands still.
        room_bytes: What may still be added.
        dropped: Messages for which there was no room.
    """

    messages: list[Kept]
    due_ns: int
    due_wall_s: float
    room_bytes: int
    dropped: int = 0

    def put(self, name: str, log_time_ns: int, data: bytes) -> None:
        """Take a message that came after the flag."""
        if log_time_ns > self.due_ns:
            return
        if len(data) > self.room_bytes:
            self.dropped += 1
            return
        self.room_bytes -= len(data)
        self.messages.append(Kept(name, log_time_ns, data))

    def is_due(self, now_ns: int, wall_s: float) -> bool:
        """Return whether nothing more belongs to it."""
        return now_ns >= self.due_ns or wall_s >= self.due_wall_s

    def span_s(self, moment_ns: int) -> tuple[float, float]:
        """Return how much lies before and after a moment [s]."""
        times_ns = [message.log_time_ns for message in self.messages]
        return 1e-9 * (moment_ns - min(times_ns)), 1e-9 * (max(times_ns) - moment_ns)
