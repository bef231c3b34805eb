# SPDX-License-Identifier: Apache-2.0
"""The executors: callbacks in the spinning thread, or in a pool of threads."""

import contextlib
import os
import threading
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from .context import Context
from .exceptions import ExternalShutdownException
from .executor_base import Executor, ShutdownException, TimeoutException
from .signals import shield
from .task import Task
from .waitable import Waitable, Work

__all__ = [
    'Executor', 'ExternalShutdownException', 'MultiThreadedExecutor', 'ShutdownException', 'SingleThreadedExecutor',
    'TimeoutException',
]  # fmt: skip


class SingleThreadedExecutor(Executor):
    """Runs the callbacks in the thread that spins."""

    def _spin_once(self, timeout_sec: float | None, stop: Callable[[], bool]) -> None:
        with shield:
            found = self._find(timeout_sec, stop)
        if found is not None:
            self._execute(found)


class MultiThreadedExecutor(Executor):
    """Runs the callbacks in `num_threads` threads (None: one per core, at least two)."""

    def __init__(self, num_threads: int | None = None, *, context: Context | None = None) -> None:
        super().__init__(context=context)
        count = num_threads or max(2, len(os.sched_getaffinity(0)))
        self._pool = ThreadPoolExecutor(count, thread_name_prefix='executor')
        self._free = threading.Semaphore(count)
        self._errors: deque[BaseException] = deque()

    def _spin_once(self, timeout_sec: float | None, stop: Callable[[], bool]) -> None:
        with shield, contextlib.suppress(ExternalShutdownException):  # as in rclpy, `spin` then simply returns
            self._submit_one(timeout_sec, stop)
        if self._errors:
            raise self._errors.popleft()

    def _submit_one(self, timeout_sec: float | None, stop: Callable[[], bool]) -> None:
        if self._errors:
            return
        if not self._free.acquire(timeout=0.1 if timeout_sec is None or timeout_sec < 0 else min(0.1, timeout_sec)):
            return
        try:
            found = self._find(timeout_sec, lambda: stop() or bool(self._errors))
            if found is not None:
                self._pool.submit(self._execute_in_thread, found)
        except BaseException:
            self._free.release()
            raise
        if found is None:
            self._free.release()

    def _execute_in_thread(self, found: tuple[Waitable, Work] | Task) -> None:
        try:
            self._execute(found)
        except BaseException as error:  # raised by the spinning thread
            self._errors.append(error)
            self.wake()
        finally:
            self._free.release()

    def shutdown(self, timeout_sec: float | None = None) -> bool:
        """End spinning and wait for the callbacks that run; return whether all have ended within `timeout_sec`."""
        super().shutdown(timeout_sec)
        self._pool.shutdown(wait=False, cancel_futures=True)
        deadline = float('inf') if timeout_sec is None or timeout_sec < 0 else time.monotonic() + timeout_sec
        for thread in list(self._pool._threads):
            thread.join(None if deadline == float('inf') else max(0.0, deadline - time.monotonic()))
        return not any(thread.is_alive() for thread in self._pool._threads)
