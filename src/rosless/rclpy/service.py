# SPDX-License-Identifier: Apache-2.0
"""Answering requests."""

from collections.abc import Callable
from typing import Any

from rosless.dds.endpoints import Reader, Writer
from rosless.dds.library import DDSError
from rosless.interfaces.messages import decode_message, encode_message

from .callback_groups import CallbackGroup
from .logging import RcutilsLogger
from .qos import QoSProfile
from .service_wire import PREFIX, RequestId, read_prefix, wait_for_reply_reader
from .waitable import Work


class Service:
    """Calls a function with every request and sends back what it returns."""

    def __init__(
        self,
        requests: Reader,
        replies: Writer,
        srv_type: Any,
        srv_name: str,
        service_name: str,
        callback: Callable[[Any, Any], Any],
        callback_group: CallbackGroup,
        qos_profile: QoSProfile,
        logger: RcutilsLogger,
    ) -> None:
        self.reader, self.writer = requests, replies
        self.srv_type, self.callback = srv_type, callback
        self.srv_name, self.service_name = srv_name, service_name  # as given, and the full name after remapping
        self.callback_group, self.qos_profile = callback_group, qos_profile
        self._logger = logger

    def _decode(self, payload: memoryview) -> tuple[RequestId, Any]:
        return read_prefix(payload), decode_message(payload, self.srv_type.Request, PREFIX.size)

    def take(self) -> Work | None:
        """Return the call for the oldest request; requests that cannot be read are dropped."""
        try:
            taken = self.reader.take(self._decode)
        except ValueError as error:
            self._logger.error(f'dropped a request to {self.service_name}: {error}', throttle_duration_sec=5.0)
            return None
        if taken is None:
            return None
        (request_id, request), origin = taken

        def reply(response: Any) -> None:
            self._reply(response, request_id, origin.writer_handle)

        return Work(self.callback, (request, self.srv_type.Response()), reply)

    def _reply(self, response: Any, request: RequestId, request_writer: int) -> None:
        if not isinstance(response, self.srv_type.Response):
            raise TypeError(
                f'the callback of {self.service_name} must return {self.srv_type.Response}, got {type(response)}'
            )
        payload = encode_message(response, PREFIX.pack(*request))
        wait_for_reply_reader(self.reader, self.writer, request_writer)
        try:
            self.writer.write(payload)
        except DDSError as error:
            self._logger.warning(f'no reply from {self.service_name}: {error}')

    def destroy(self) -> None:
        """Stop for good; `Node.destroy_service` does this and tells the others."""
        self.reader.close()
        self.writer.close()
