# SPDX-License-Identifier: Apache-2.0
"""Receiving messages."""

import inspect
import time
from collections.abc import Callable
from typing import Any, Generic, TypeVar

from rosless.dds.endpoints import Reader
from rosless.interfaces.messages import decode_message

from .callback_groups import CallbackGroup
from .logging import RcutilsLogger
from .qos import QoSProfile
from .waitable import Work

MsgType = TypeVar('MsgType')


def takes_arguments(callback: Callable[..., Any], count: int) -> bool:
    """Return whether a callback can be called with so many arguments."""
    try:
        inspect.signature(callback).bind(*range(count))
    except (TypeError, ValueError):
        return False
    return True


class Subscription(Generic[MsgType]):
    """Calls a function with every message of one type on one topic."""

    def __init__(
        self,
        reader: Reader,
        msg_type: type[MsgType],
        topic: str,
        callback: Callable[..., Any],
        callback_group: CallbackGroup,
        qos_profile: QoSProfile,
        raw: bool,
        logger: RcutilsLogger,
    ) -> None:
        self.reader, self.msg_type, self.callback, self.qos_profile = reader, msg_type, callback, qos_profile
        self.callback_group, self.raw = callback_group, raw
        self._topic, self._logger = topic, logger
        self._pass_info = not takes_arguments(callback, 1) and takes_arguments(callback, 2)

    @property
    def topic_name(self) -> str:
        """The full name of the topic."""
        return self._topic

    topic = topic_name

    def _decode(self, payload: memoryview) -> Any:
        return bytes(payload) if self.raw else decode_message(payload, self.msg_type)  # type: ignore[arg-type]

    def take(self) -> Work | None:
        """Return the call for the oldest message that was not taken; messages that cannot be read are dropped."""
        try:
            taken = self.reader.take(self._decode)
        except ValueError as error:
            self._logger.error(f'dropped a message on {self._topic}: {error}', throttle_duration_sec=5.0)
            return None
        if taken is None:
            return None
        message, origin = taken
        if not self._pass_info:
            return Work(self.callback, (message,))
        info = {'source_timestamp': origin.source_timestamp_ns, 'received_timestamp': time.time_ns()}
        return Work(self.callback, (message, info))

    def get_publisher_count(self) -> int:
        """Return how many publishers this gets messages from."""
        return self.reader.matched_count()

    def destroy(self) -> None:
        """Stop for good; `Node.destroy_subscription` does this and tells the others."""
        self.reader.close()

    def __enter__(self) -> 'Subscription[Any]':
        return self

    def __exit__(self, *_: object) -> None:
        self.destroy()
