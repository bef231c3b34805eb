# SPDX-License-Identifier: Apache-2.0
"""What must be true outside of the guard: emergency stop released, deadman held, robot program running ..."""

from collections.abc import Iterator
from dataclasses import dataclass

from genima.guard.status import Reason

# a report may be stamped by a clock that runs a little ahead
AHEAD_S = 0.5


@dataclass(frozen=True)
class Condition:
    """Something that must hold before the arm may move.

    Attributes:
        kind: By which violations are counted.
        unknown: What to say as long as nobody has reported it.
        max_age_s: How long a report counts; None: until the next one.
        before_arming: The guard is not even armed while it does not hold.
    """

    kind: str
    unknown: str
    max_age_s: float | None = None
    before_arming: bool = False


class Conditions:
    """The newest report on each condition. What is required and was never reported counts as violated."""

    def __init__(self) -> None:
        """Require nothing."""
        self._required: dict[str, Condition] = {}
        self._reports: dict[str, tuple[float, str | None]] = {}

    def require(self, condition: Condition) -> None:
        """Let the arm move only while this holds."""
        self._required[condition.kind] = condition

    def report(self, kind: str, at_s: float, trouble: str | None) -> None:
        """Take note that a required condition held at ROS time `at_s`, or of what is wrong with it."""
        if kind not in self._required:
            raise KeyError(f'condition {kind!r} was never required; known: {", ".join(self._required) or "none"}')
        self._reports[kind] = at_s, trouble

    def violated(self, now_s: float, arming: bool = False) -> Reason | None:
        """Return the first condition that does not hold, as `all_violated` finds them."""
        return next(self.all_violated(now_s, arming), None)

    def all_violated(self, now_s: float, arming: bool = False) -> Iterator[Reason]:
        """Find the conditions that do not hold, in the order in which they were required.

        Args:
            now_s: ROS time.
            arming: Ask for those only without which the guard is not armed.
        """
        for kind, condition in self._required.items():
            if arming and not condition.before_arming:
                continue
            if kind not in self._reports:
                yield Reason(kind, condition.unknown)
                continue
            at_s, trouble = self._reports[kind]
            if trouble is not None:
                yield Reason(kind, trouble)
                continue
            age_s, allowed_s = now_s - at_s, condition.max_age_s
            if allowed_s is not None and not -AHEAD_S <= age_s <= allowed_s:
                text = f'the last report is {age_s:.2f} s old, allowed are {allowed_s:.2f} s'
                yield Reason(kind, f'{condition.unknown} ({text})')
