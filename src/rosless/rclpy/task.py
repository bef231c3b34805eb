# SPDX-License-Identifier: Apache-2.0
"""Results that come later."""

import inspect
import threading
from collections.abc import Callable, Generator
from typing import Any


class Future:
    """The result of something that is not done yet."""

    def __init__(self, *, executor: Any = None) -> None:
        self._executor = executor
        self._event = threading.Event()
        self._lock = threading.Lock()
        self._callbacks: list[Callable[[Any], None]] = []
        self._result: Any = None
        self._exception: BaseException | None = None
        self._cancelled = False

    def __await__(self) -> Generator['Future', None, Any]:
        while not self.done():
            yield self
        return self.result()

    def done(self) -> bool:
        """Return whether there is a result, an exception or a cancellation."""
        return self._event.is_set()

    def cancelled(self) -> bool:
        """Return whether `cancel` was called before a result came."""
        return self._cancelled

    def cancel(self) -> None:
        """Give up; a result that comes later is ignored."""
        self._finish(cancelled=True)

    def result(self) -> Any:
        """Return the result; None while there is none. Raise the exception if there was one."""
        if self._exception is not None:
            raise self._exception
        return self._result

    def exception(self) -> BaseException | None:
        """Return the exception, or None."""
        return self._exception

    def set_result(self, result: Any) -> None:
        """Set the result and call the callbacks."""
        self._finish(result=result)

    def set_exception(self, exception: BaseException) -> None:
        """Set the exception and call the callbacks."""
        self._finish(exception=exception)

    def _finish(self, result: Any = None, exception: BaseException | None = None, cancelled: bool = False) -> None:
        with self._lock:
            if self.done():
                return
            self._result, self._exception, self._cancelled = result, exception, cancelled
            self._event.set()
            callbacks, self._callbacks = self._callbacks, []
        for callback in callbacks:
            callback(self)

    def wait(self, timeout_sec: float | None = None) -> bool:
        """Block this thread until the future is done; return whether it is (not in rclpy; used by `Client.call`)."""
        return self._event.wait(timeout_sec)

    def add_done_callback(self, callback: Callable[[Any], None]) -> None:
        """Call `callback(future)` once when this is done, at once if it is."""
        with self._lock:
            if not self.done():
                self._callbacks.append(callback)
                return
        callback(self)


class Task(Future):
    """A callback or coroutine that an executor runs; as a future it holds what that returns."""

    def __init__(
        self,
        handler: Any,
        args: tuple[Any, ...] = (),
        kwargs: dict[str, Any] | None = None,
        executor: Any = None,
    ) -> None:
        super().__init__(executor=executor)
        self._handler, self._args, self._kwargs = handler, args, kwargs or {}

    def __call__(self) -> None:
        """Run until the end or until it awaits something; what it awaits queues it again."""
        if self.done():
            return
        try:
            if not inspect.iscoroutine(self._handler):
                self._handler = self._handler(*self._args, **self._kwargs)
                if not inspect.iscoroutine(self._handler):
                    self.set_result(self._handler)
                    return
            awaited = self._handler.send(None)
        except StopIteration as end:
            self.set_result(end.value)
        except Exception as error:  # kept for whoever asks, and raised by the executor
            self.set_exception(error)
        else:
            if isinstance(awaited, Future):
                awaited.add_done_callback(lambda _: self._executor.queue_task(self))
            else:
                self._executor.queue_task(self)
