# SPDX-License-Identifier: Apache-2.0
"""Asking services."""

import itertools
import threading
import time
from collections.abc import Callable
from typing import Any

from rosless.dds.endpoints import Reader, Writer
from rosless.interfaces.messages import decode_message, encode_message

from .callback_groups import CallbackGroup
from .context import Context
from .exceptions import InvalidHandle, RCLError
from .logging import RcutilsLogger
from .qos import QoSProfile
from .service_wire import PREFIX, RequestId, read_prefix, server_is_complete
from .task import Future
from .waitable import Work


class Client:
    """Sends requests to one service and receives the replies."""

    def __init__(
        self,
        requests: Writer,
        replies: Reader,
        srv_type: Any,
        srv_name: str,
        service_name: str,
        qos_profile: QoSProfile,
        callback_group: CallbackGroup,
        context: Context,
        logger: RcutilsLogger,
    ) -> None:
        self.writer, self.reader = requests, replies
        self.srv_type, self.qos_profile = srv_type, qos_profile
        self.srv_name, self.service_name = srv_name, service_name  # as given, and the full name after remapping
        self.callback_group, self.context = callback_group, context
        self._logger = logger
        self._numbers = itertools.count(1)
        self._pending: dict[int, Future] = {}
        self._lock = threading.Lock()

    def call_async(self, request: Any) -> Future:
        """Send a request and return a future for the reply.

        Raises:
            TypeError: if it is not a request of this service.
            RCLError, InvalidHandle: if the context has ended or the client was destroyed.
        """
        if not isinstance(request, self.srv_type.Request):
            raise TypeError(f'Expected {self.srv_type.Request}, got {type(request)}')
        if not self.context.ok():
            raise RCLError(f'Failed to call {self.service_name}: the context was shut down')
        if self.writer.handle < 0:
            raise InvalidHandle(f'the client of {self.service_name} was destroyed')
        future = Future()
        with self._lock:
            number = next(self._numbers)
            self._pending[number] = future
        future.add_done_callback(lambda _: self._forget(number))
        self.writer.write(encode_message(request, PREFIX.pack(self.writer.instance_handle, number)))
        return future

    def _forget(self, number: int) -> None:
        with self._lock:
            self._pending.pop(number, None)

    def remove_pending_request(self, future: Future) -> None:
        """Ignore the reply for a future, if it still comes."""
        with self._lock:
            for number in [number for number, pending in self._pending.items() if pending is future]:
                del self._pending[number]

    def call(self, request: Any, timeout_sec: float | None = None) -> Any:
        """Send a request and wait for the reply; another thread must spin the node. Return None on a time-out."""
        future = self.call_async(request)
        deadline = None if timeout_sec is None else time.monotonic() + timeout_sec
        while not future.wait(0.1 if deadline is None else max(0.0, min(0.1, deadline - time.monotonic()))):
            if not self.context.ok() or (deadline is not None and time.monotonic() >= deadline):
                future.cancel()
                return None
        return future.result()

    def _decode(self, payload: memoryview) -> tuple[RequestId, Any]:
        request = read_prefix(payload)
        if request.client != self.writer.instance_handle:
            return request, None  # a reply for another client
        return request, decode_message(payload, self.srv_type.Response, PREFIX.size)

    def take(self) -> Work | None:
        """Return what delivers the oldest reply."""
        try:
            taken = self.reader.take(self._decode)
        except ValueError as error:
            self._logger.error(f'dropped a reply of {self.service_name}: {error}', throttle_duration_sec=5.0)
            return None
        if taken is None or taken[0][1] is None:
            return None
        request, response = taken[0]
        with self._lock:
            future = self._pending.get(request.sequence)
        return None if future is None else Work(future.set_result, (response,))

    def service_is_ready(self) -> bool:
        """Return whether a server is there and connected in both directions."""
        return server_is_complete(self.writer, self.reader)

    def wait_for_service(self, timeout_sec: float | None = None) -> bool:
        """Wait until `service_is_ready`; return False on a time-out or when the context ends."""
        return wait_until_ready(self.service_is_ready, self.context, timeout_sec)

    def destroy(self) -> None:
        """Stop for good; `Node.destroy_client` does this and tells the others."""
        self.writer.close()
        self.reader.close()


def wait_until_ready(ready: Callable[[], bool], context: Context, timeout_sec: float | None) -> bool:
    """Wait until `ready()`; return False on a time-out or when the context ends."""
    deadline = None if timeout_sec is None else time.monotonic() + timeout_sec
    while context.ok():
        if ready():
            return True
        if deadline is not None and time.monotonic() >= deadline:
            return False
        time.sleep(0.01)
    return False
