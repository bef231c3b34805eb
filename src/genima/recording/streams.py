# SPDX-License-Identifier: Apache-2.0
"""Is a stream of messages alive and regular? What a recorder shows while it records."""

from collections import deque
from statistics import median

MEMORY = 50  # intervals
LEAST = 5  # below this a period is not known
GAP_PERIODS = 2.5
MISSING_PERIODS = 1.5
LEAST_PAUSE_S = 0.25  # what is shorter may still wait in the queue of the subscription
LEAST_SILENCE_S = 2.0


class StreamWatch:
    """Watches one topic by the stamps of its messages (capture times, where they have some) and by a steady clock.

    The period is the median of the last intervals; an interval beyond `GAP_PERIODS` of it is a gap, and one beyond
    `MISSING_PERIODS` lacks messages. A stamp that goes backwards is of another clock, and begins anew.
    """

    def __init__(self) -> None:
        """Nothing was heard yet."""
        self._intervals_s: deque[float] = deque(maxlen=MEMORY)
        self._stamp_s: float | None = None
        self._heard_wall_s: float | None = None
        self._period_s: float | None = None
        self.begin()

    def begin(self) -> None:
        """Count from now on; what is known of the period stays."""
        self.count = self.gaps = self.missing = self.lost = 0
        self.largest_gap_s = 0.0

    def add(self, stamp_s: float, wall_s: float) -> float | None:
        """Take a message; return the interval before it if that was a gap [s].

        Args:
            stamp_s: Its stamp [s].
            wall_s: Time of arrival on a steady clock [s].
        """
        previous_s, self._stamp_s, self._heard_wall_s = self._stamp_s, stamp_s, wall_s
        self.count += 1
        if previous_s is None or stamp_s == previous_s:
            return None
        interval_s = stamp_s - previous_s
        if interval_s < 0:
            self._intervals_s.clear()
            self._period_s = None
            return None
        period_s = self._period_s
        self._intervals_s.append(interval_s)
        if len(self._intervals_s) >= LEAST:
            self._period_s = median(self._intervals_s)
        if self.count == 1:
            return None  # the interval began before counting did
        self.largest_gap_s = max(self.largest_gap_s, interval_s)
        if period_s is None or interval_s <= MISSING_PERIODS * period_s:
            return None
        self.missing += round(interval_s / period_s) - 1
        if interval_s <= GAP_PERIODS * period_s:
            return None
        self.gaps += 1
        return interval_s

    @property
    def period_s(self) -> float | None:
        """Median time between two messages; None where too few are known [s]."""
        return self._period_s

    @property
    def rate_hz(self) -> float:
        """Messages per second by their stamps; 0 where too few are known [Hz]."""
        total_s = sum(self._intervals_s)
        return len(self._intervals_s) / total_s if len(self._intervals_s) >= LEAST and total_s > 0 else 0.0

    def pause_s(self, now_s: float) -> float | None:
        """Return for how long nothing has come if that is a gap by now, and can be seen while it lasts [s].

        Args:
            now_s: On the clock of the stamps [s].
        """
        if self._stamp_s is None or self._period_s is None:
            return None
        pause_s = now_s - self._stamp_s
        return pause_s if pause_s > max(LEAST_PAUSE_S, GAP_PERIODS * self._period_s) else None

    def silent(self, wall_s: float) -> bool:
        """Return whether the stream is dead: nothing ever, or nothing for two seconds and many periods.

        Args:
            wall_s: On the steady clock [s].
        """
        if self._heard_wall_s is None:
            return True
        return wall_s - self._heard_wall_s > max(LEAST_SILENCE_S, 2 * GAP_PERIODS * (self._period_s or 0.0))
