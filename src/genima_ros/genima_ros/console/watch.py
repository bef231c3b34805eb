# SPDX-License-Identifier: Apache-2.0
"""Whether somebody watches: browsers that hold the watch must say so again and again."""

import threading
import time
from collections.abc import Callable

HOLD_S = 0.5


class Watch:
    """Counts the browsers that hold the watch; one that falls silent has lost it, and has to take it anew.

    Args:
        hold_s: how long a word counts [s].
        clock: a steady clock [s].
    """

    def __init__(self, hold_s: float = HOLD_S, clock: Callable[[], float] = time.monotonic) -> None:
        self._hold_s, self._clock = hold_s, clock
        self._said_s: dict[object, float] = {}
        self._lock = threading.Lock()  # browsers live in another thread than the node

    def take(self, browser: object) -> None:
        """Give the watch to a browser: a person has asked for it."""
        with self._lock:
            self._said_s[browser] = self._clock()

    def keep(self, browser: object) -> None:
        """Take note that a browser that holds the watch is alive; nothing where it was lost."""
        with self._lock:
            self._drop_silent()
            if browser in self._said_s:
                self._said_s[browser] = self._clock()

    def release(self, browser: object) -> None:
        """Take the watch from a browser."""
        with self._lock:
            self._said_s.pop(browser, None)

    def held_by(self, browser: object) -> bool:
        """Return whether this browser holds it."""
        with self._lock:
            self._drop_silent()
            return browser in self._said_s

    @property
    def holders(self) -> int:
        """How many browsers hold it."""
        with self._lock:
            self._drop_silent()
            return len(self._said_s)

    def _drop_silent(self) -> None:
        oldest_s = self._clock() - self._hold_s
        self._said_s = {browser: said_s for browser, said_s in self._said_s.items() if said_s >= oldest_s}
