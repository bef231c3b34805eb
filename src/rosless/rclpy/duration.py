# SPDX-License-Identifier: Apache-2.0
"""A span of time in nanoseconds."""

from functools import total_ordering
from typing import Any

from builtin_interfaces.msg import Duration as DurationMessage

from .constants import S_TO_NS


@total_ordering
class Duration:
    """A span of time, positive or negative."""

    __slots__ = ('nanoseconds',)

    def __init__(self, *, seconds: float = 0, nanoseconds: int = 0) -> None:
        total = int(seconds * S_TO_NS) + int(nanoseconds)
        if not -(2**63) <= total < 2**63:
            raise OverflowError(f'a duration of {total} ns does not fit 64 bits')
        self.nanoseconds = total

    def to_msg(self) -> Any:
        """Return a builtin_interfaces/Duration."""
        seconds, nanoseconds = divmod(self.nanoseconds, S_TO_NS)
        return DurationMessage(sec=seconds, nanosec=nanoseconds)

    @classmethod
    def from_msg(cls, msg: Any) -> 'Duration':
        """Return the duration of a builtin_interfaces/Duration."""
        return cls(nanoseconds=msg.sec * S_TO_NS + msg.nanosec)

    def __eq__(self, other: object) -> bool:
        return self.nanoseconds == other.nanoseconds if isinstance(other, Duration) else NotImplemented

    def __lt__(self, other: 'Duration') -> bool:
        return self.nanoseconds < other.nanoseconds if isinstance(other, Duration) else NotImplemented

    def __hash__(self) -> int:
        return hash(self.nanoseconds)

    def __repr__(self) -> str:
        return f'Duration(nanoseconds={self.nanoseconds})'
