# SPDX-License-Identifier: Apache-2.0
"""A point in time of one kind of clock."""

from functools import total_ordering
from typing import Any

from builtin_interfaces.msg import Time as TimeMessage

from .clock_type import ClockType
from .constants import S_TO_NS
from .duration import Duration


@total_ordering
class Time:
    """Nanoseconds since the start of a clock; times of different kinds of clocks cannot be compared or subtracted."""

    __slots__ = ('clock_type', 'nanoseconds')

    def __init__(self, *, seconds: float = 0, nanoseconds: int = 0, clock_type: ClockType = ClockType.SYSTEM_TIME) -> None:
        if seconds < 0 or nanoseconds < 0:
            raise ValueError('a time must not be negative')
        total = int(seconds * S_TO_NS) + int(nanoseconds)
        if total >= 2**63:
            raise OverflowError(f'a time of {total} ns does not fit 64 bits')
        self.nanoseconds = total
        self.clock_type = clock_type

    def seconds_nanoseconds(self) -> tuple[int, int]:
        """Return whole seconds and the remaining nanoseconds."""
        return divmod(self.nanoseconds, S_TO_NS)

    def to_msg(self) -> Any:
        """Return a builtin_interfaces/Time."""
        seconds, nanoseconds = divmod(self.nanoseconds, S_TO_NS)
        return TimeMessage(sec=seconds, nanosec=nanoseconds)

    @classmethod
    def from_msg(cls, msg: Any, clock_type: ClockType = ClockType.ROS_TIME) -> 'Time':
        """Return the time of a builtin_interfaces/Time."""
        return cls(nanoseconds=msg.sec * S_TO_NS + msg.nanosec, clock_type=clock_type)

    def __add__(self, other: Duration) -> 'Time':
        if not isinstance(other, Duration):
            return NotImplemented
        return Time(nanoseconds=self.nanoseconds + other.nanoseconds, clock_type=self.clock_type)

    __radd__ = __add__

    def __sub__(self, other: Any) -> Any:
        if isinstance(other, Time):
            self._same_clock(other, 'subtract')
            return Duration(nanoseconds=self.nanoseconds - other.nanoseconds)
        if isinstance(other, Duration):
            return Time(nanoseconds=self.nanoseconds - other.nanoseconds, clock_type=self.clock_type)
        return NotImplemented

    def _same_clock(self, other: 'Time', verb: str) -> None:
        if self.clock_type != other.clock_type:
            kinds = f'{self.clock_type.name} and {other.clock_type.name}'
            raise TypeError(f"Can't {verb} times with different clock types: {kinds}")

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Time):
            return NotImplemented
        self._same_clock(other, 'compare')
        return self.nanoseconds == other.nanoseconds

    def __lt__(self, other: 'Time') -> bool:
        if not isinstance(other, Time):
            return NotImplemented
        self._same_clock(other, 'compare')
        return self.nanoseconds < other.nanoseconds

    def __hash__(self) -> int:
        return hash((self.nanoseconds, self.clock_type))

    def __repr__(self) -> str:
        return f'Time(nanoseconds={self.nanoseconds}, clock_type={self.clock_type.name})'
