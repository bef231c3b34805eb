# SPDX-License-Identifier: Apache-2.0
"""Whether somebody watches: browsers that hold the watch must say so again and again."""

import math
import threading
import time
from collections.abc import Callable

HOLD_S = 0.5
KNOWN_S = 60.0  # who held the watch so lately is expected back
MAX_HOLDERS = 16


class Watch:
    """Counts the browsers that hold the watch; one that falls silent has lost it, and has to take it anew.

    Each person who watches holds it; that somebody else takes it takes it from nobody.

    Args:
        hold_s: how long a word counts [s].
        clock: a steady clock [s].
    """

    def __init__(self, hold_s: float = HOLD_S, clock: Callable[[], float] = time.monotonic) -> None:
        self._hold_s, self._clock = hold_s, clock
        self._said_s: dict[str, float] = {}
        self._known_s: dict[str, float] = {}
        self._lock = threading.Lock()  # browsers live in another thread than the node

    def take(self, browser: str) -> None:
        """Give the watch to a browser, a person has asked for it; nothing where too many hold it."""
        with self._lock:
            self._drop_silent()
            if len(self._said_s) < MAX_HOLDERS:
                self._said_s[browser] = self._clock()

    def keep(self, browser: str) -> None:
        """Take note that a browser that holds the watch is alive; nothing where it was lost."""
        with self._lock:
            self._drop_silent()
            if browser in self._said_s:
                self._said_s[browser] = self._clock()

    def release(self, browser: str) -> None:
        """Take the watch from a browser."""
        with self._lock:
            self._forget(browser)

    def held_by(self, browser: str) -> bool:
        """Return whether this browser holds it."""
        with self._lock:
            self._drop_silent()
            return browser in self._said_s

    def was_held_by(self, browser: str) -> bool:
        """Return whether this browser holds it or has lost it lately."""
        with self._lock:
            self._drop_silent()
            return browser in self._said_s or self._known_s.get(browser, -math.inf) > self._clock() - KNOWN_S

    @property
    def holders(self) -> int:
        """How many browsers hold it."""
        with self._lock:
            self._drop_silent()
            return len(self._said_s)

    def _drop_silent(self) -> None:
        oldest_s = self._clock() - self._hold_s
        for browser in [browser for browser, said_s in self._said_s.items() if said_s < oldest_s]:
            self._forget(browser)

    def _forget(self, browser: str) -> None:
        said_s = self._said_s.pop(browser, None)
        if said_s is not None:
            self._known_s[browser] = said_s
            while len(self._known_s) > MAX_HOLDERS:
                del self._known_s[next(iter(self._known_s))]
