# SPDX-License-Identifier: Apache-2.0
"""Slow work beside a node's callbacks: one thread, a slot for one job, the latest wins."""

import threading
import traceback
from collections.abc import Callable
from typing import Generic, TypeVar

import rclpy

Job = TypeVar('Job')


class LatestWorker(Generic[Job]):
    """Runs `work` on the newest job; jobs that were not begun when a newer one came are dropped.

    Args:
        work: called in the worker's thread; it handles its own errors.
        name: of the thread.
    """

    def __init__(self, work: Callable[[Job], None], name: str) -> None:
        self._work = work
        self._slot: list[Job] = []
        self._filled = threading.Condition()
        self.closing = False
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    def submit(self, job: Job) -> None:
        """Put a job into the slot; never waits for the work."""
        with self._filled:
            self._slot = [job]
            self._filled.notify()

    def close(self, timeout_s: float = 0.5) -> None:
        """Begin no more jobs, and wait a moment for the one at hand."""
        with self._filled:
            self.closing = True
            self._filled.notify()
        self._thread.join(timeout_s)

    def _run(self) -> None:
        while True:
            with self._filled:
                self._filled.wait_for(lambda: self.closing or self._slot)
                if self.closing:
                    return
                job = self._slot.pop()
            try:
                self._work(job)
            except Exception:
                # what is published into a context that was shut down a moment ago raises; anything else is a fault of
                # ours, and the next job may go well
                if not self.closing and rclpy.ok():
                    traceback.print_exc()
