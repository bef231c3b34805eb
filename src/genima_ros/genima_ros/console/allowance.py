# SPDX-License-Identifier: Apache-2.0
"""How much somebody may ask for: a rate, and a burst above it."""

import time
from collections.abc import Callable


class Allowance:
    """A token bucket.

    Args:
        per_s: What comes back each second.
        burst: What is there at first, and at most.
        clock: a steady clock [s].
    """

    def __init__(self, per_s: float, burst: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._per_s, self._burst, self._clock = per_s, burst, clock
        self._left, self._at_s = burst, clock()

    def admits(self, amount: float = 1.0) -> bool:
        """Take an amount, and return whether it was there."""
        now_s = self._clock()
        self._left = min(self._burst, self._left + self._per_s * (now_s - self._at_s)) - amount
        self._at_s = now_s
        return self._left >= 0.0
