# SPDX-License-Identifier: Apache-2.0
"""Which callbacks may run at the same time."""

import threading
from collections.abc import Callable
from typing import Any


class CallbackGroup:
    """Base: decides whether a callback may start now."""

    def can_execute(self, entity: Any) -> bool:
        """Return whether a callback of the group may start now."""
        raise NotImplementedError

    def beginning_execution(self, entity: Any) -> bool:
        """Take the right to run; return whether it was free."""
        raise NotImplementedError

    def ending_execution(self, entity: Any) -> None:
        """Give the right back."""
        raise NotImplementedError

    def begin_or_wait(self, entity: Any, suspend: Callable[[], None], resume: Callable[[], None]) -> bool:
        """Take the right to run and return True; or call `suspend` now, and `resume` once it may be free."""
        return self.beginning_execution(entity)


class ReentrantCallbackGroup(CallbackGroup):
    """Any number of its callbacks may run at the same time."""

    def can_execute(self, entity: Any) -> bool:
        return True

    def beginning_execution(self, entity: Any) -> bool:
        return True

    def ending_execution(self, entity: Any) -> None:
        pass


class MutuallyExclusiveCallbackGroup(CallbackGroup):
    """One of its callbacks runs at a time."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._busy = False
        self._waiting: list[Callable[[], None]] = []

    def can_execute(self, entity: Any) -> bool:
        return not self._busy

    def beginning_execution(self, entity: Any) -> bool:
        with self._lock:
            free, self._busy = not self._busy, True
            return free

    def begin_or_wait(self, entity: Any, suspend: Callable[[], None], resume: Callable[[], None]) -> bool:
        with self._lock:
            if self._busy:
                suspend()  # under the lock, so that it cannot come after `resume`
                self._waiting.append(resume)
                return False
            self._busy = True
            return True

    def ending_execution(self, entity: Any) -> None:
        with self._lock:
            self._busy = False
            waiting, self._waiting = self._waiting, []
        for resume in waiting:
            resume()
