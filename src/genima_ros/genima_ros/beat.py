# SPDX-License-Identifier: Apache-2.0
"""A steady beat: results come out at equal distances although the work takes now longer, now shorter."""

import time
from collections.abc import Callable

POLL_S = 0.001


class Beat:
    """Times on a grid, a fixed delay after the tick that started the work.

    Args:
        period_s: distance of the ticks [s].
        delay_s: when a result is due after its tick [s].
    """

    def __init__(self, period_s: float, delay_s: float) -> None:
        self._period_s = period_s
        self._delay_s = delay_s
        self._origin_s: float | None = None

    def due_s(self, tick_s: float) -> float:
        """Return when the result of the tick at `tick_s` is due; a tick that came late does not move the beat."""
        if self._origin_s is None:
            self._origin_s = tick_s
        ticks = round((tick_s - self._origin_s) / self._period_s)
        return self._origin_s + ticks * self._period_s + self._delay_s

    def wait(self, tick_s: float, now_s: Callable[[], float], stop: Callable[[], bool]) -> None:
        """Wait until the result of a tick is due, or `stop()`, or the clock has jumped."""
        due_s = self.due_s(tick_s)
        while 0.0 < due_s - now_s() <= self._period_s and not stop():
            time.sleep(POLL_S)
