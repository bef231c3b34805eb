# SPDX-License-Identifier: Apache-2.0
"""What all executors share: waiting for timers, messages, requests and replies, and running one callback.

The wait itself happens in C without the interpreter lock. It is cut into slices so that Python can run its signal
handlers; ten empty slices a second cost about 0.1 % of a core.
"""

import inspect
import threading
import time
from collections import deque
from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Any

from .constants import S_TO_NS
from .context import Context
from .exceptions import ExternalShutdownException
from .ready_queue import ReadyQueue
from .task import Future, Task
from .utilities import get_default_context
from .waitable import ReaderWaitable, Waitable, Work

if TYPE_CHECKING:
    from .node_entities import NodeEntities as Node

_SLICE_NS = S_TO_NS // 10


class ShutdownException(Exception):
    """The executor was shut down."""


class TimeoutException(Exception):
    """A time-out passed."""


class Executor:
    """Base of the executors. Nodes can be added and removed by any thread, `spin…` is for one thread at a time."""

    def __init__(self, *, context: Context | None = None) -> None:
        """Prepare to spin nodes of `context` (the default one if None).

        Raises:
            NotInitializedException: if the context does not run.
        """
        self._context = context or get_default_context()
        self._queue = ReadyQueue(self._context.participant)
        self._lock = threading.RLock()
        self._nodes: list[Node] = []
        self._tasks: deque[Task] = deque()
        self._is_shutdown = False
        self._context.track(self)

    @property
    def context(self) -> Context:
        """The context whose end ends spinning."""
        return self._context

    # nodes and what they wait for

    def add_node(self, node: 'Node') -> bool:
        """Spin a node; return False if it is spun by this executor already."""
        with self._lock:
            if node in self._nodes:
                return False
            if node.executor is not None:
                node.executor.remove_node(node)
            self._nodes.append(node)
            node.attach_executor(self)
            for waitable in node.reader_waitables():
                self.add_waitable(waitable)
        self.wake()
        return True

    def remove_node(self, node: 'Node') -> None:
        """Stop spinning a node; nothing happens if it is not spun."""
        with self._lock:
            if node in self._nodes:
                self._nodes.remove(node)
                node.attach_executor(None)
                for waitable in node.reader_waitables():
                    self.remove_waitable(waitable)
        self.wake()

    def get_nodes(self) -> list['Node']:
        """Return the nodes that are spun."""
        with self._lock:
            return list(self._nodes)

    def add_waitable(self, waitable: ReaderWaitable) -> None:
        """Wait for a subscription, service or client of a node that is spun."""
        self._queue.add(waitable)

    def remove_waitable(self, waitable: ReaderWaitable) -> None:
        """Undo `add_waitable`."""
        self._queue.remove(waitable)

    def wake(self) -> None:
        """End the present wait, because something has changed."""
        self._queue.wake()

    # spinning

    def spin(self) -> None:
        """Run callbacks until the context or this executor is shut down.

        Raises:
            ExternalShutdownException: if the context ended while waiting.
        """
        while self._context.ok() and not self._is_shutdown:
            self.spin_once()

    def spin_once(self, timeout_sec: float | None = None) -> None:
        """Wait for one callback (at most `timeout_sec` seconds; None or negative: for ever) and run it.

        Raises:
            ExternalShutdownException: if the context has ended.
        """
        self._spin_once(timeout_sec, lambda: False)

    def spin_until_future_complete(self, future: Future, timeout_sec: float | None = None) -> None:
        """Run callbacks until a future is done, or for `timeout_sec` seconds."""
        future.add_done_callback(lambda _: self.wake())
        limited = timeout_sec is not None and timeout_sec >= 0
        deadline = time.monotonic() + timeout_sec if timeout_sec is not None and limited else float('inf')
        while self._context.ok() and not future.done() and not self._is_shutdown:
            remaining = deadline - time.monotonic()
            self._spin_once(max(0.0, remaining) if limited else None, future.done)
            if remaining <= 0:
                return

    def spin_once_until_future_complete(self, future: Future, timeout_sec: float | None = None) -> None:
        """Run one callback, unless a future is done before."""
        future.add_done_callback(lambda _: self.wake())
        self._spin_once(timeout_sec, future.done)

    def _spin_once(self, timeout_sec: float | None, stop: Callable[[], bool]) -> None:
        raise NotImplementedError

    def create_task(self, callback: Callable[..., Any] | Coroutine[Any, Any, Any], *args: Any, **kwargs: Any) -> Task:
        """Run a function or coroutine while spinning, and return a future for its result."""
        task = Task(callback, args, kwargs, executor=self)
        self.queue_task(task)
        return task

    def queue_task(self, task: Task) -> None:
        """Run a task (or continue with it) while spinning."""
        self._tasks.append(task)
        self.wake()

    # finding and running work

    def _find(self, timeout_sec: float | None, stop: Callable[[], bool]) -> tuple[Waitable, Work] | Task | None:
        """Wait for something to do; None after the time-out, after `shutdown` and when `stop()` is true."""
        limited = timeout_sec is not None and timeout_sec >= 0
        deadline = time.monotonic_ns() + int(timeout_sec * S_TO_NS) if limited and timeout_sec else 0
        while not self._is_shutdown and not stop():
            if not self._context.ok():
                raise ExternalShutdownException
            if self._tasks:
                return self._tasks.popleft()
            found = self._queue.pop()
            if found is not None:
                return found
            remaining = max(0, deadline - time.monotonic_ns()) if limited else _SLICE_NS
            ready = self._queue.wait(self.get_nodes(), min(remaining, _SLICE_NS))
            if limited and remaining == 0 and not ready and not self._tasks:
                return None
        return None

    def _run(self, waitable: Waitable, work: Work) -> None:
        """Run a callback; the callback group is free again when it (or the coroutine that it is) has ended."""
        running = False
        try:
            result = work.callback(*work.arguments)
            if inspect.iscoroutine(result):
                running = True
                self.create_task(self._run_coroutine(waitable, work, result))
            elif work.finish is not None:
                work.finish(result)
        finally:
            if not running:
                waitable.callback_group.ending_execution(waitable)

    async def _run_coroutine(self, waitable: Waitable, work: Work, coroutine: Coroutine[Any, Any, Any]) -> None:
        try:
            result = await coroutine
            if work.finish is not None:
                work.finish(result)
        finally:
            waitable.callback_group.ending_execution(waitable)

    def _execute(self, found: tuple[Waitable, Work] | Task) -> None:
        if not isinstance(found, Task):
            self._run(*found)
            return
        found()
        error = found.exception()
        if error is not None:
            raise error

    def shutdown(self, timeout_sec: float | None = None) -> bool:
        """End spinning and let go of the nodes; return whether all callbacks have ended within `timeout_sec`."""
        self._is_shutdown = True
        self.wake()
        for node in self.get_nodes():
            self.remove_node(node)
        self._queue.close()
        return True

    def __enter__(self) -> 'Executor':
        return self

    def __exit__(self, *_: object) -> None:
        self.shutdown()
