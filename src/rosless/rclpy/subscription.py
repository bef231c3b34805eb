# SPDX-License-Identifier: Apache-2.0
"""Receiving messages."""

import inspect
import time
from collections.abc import Callable
from typing import Any, Generic, TypeVar

from rosless.dds.endpoints import Reader
from rosless.interfaces.definitions import type_hash
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
        self._known_writers: set[int] = set()
        self._pass_info = not takes_arguments(callback, 1) and takes_arguments(callback, 2)

    @property
    def topic_name(self) -> str:
        """The full name of the topic."""
        return self._topic

    topic = topic_name

    def _decode(self, payload: memoryview) -> Any:
        return bytes(payload) if self.raw else decode_message(payload, self.msg_type)  # type: ignore[arg-type]

    def _compare_types(self, publisher_data: dict[str, str]) -> None:
        """Warn of a publisher with another definition of the type: its messages are read as garbage, or not at all."""
        own, other = type_hash(self.msg_type.ros_type), publisher_data.get('typehash', '')  # type: ignore[attr-defined]
        if other not in ('', own):
            self._logger.error(
                f'a publisher of {self._topic} was built with another definition of {self.msg_type.ros_type} '  # type: ignore[attr-defined]
                f'({other} there, {own} here); build both sides from the same .msg files',
                throttle_duration_sec=5.0,
            )

    def take(self) -> Work | None:
        """Return the call for the oldest message that was not taken; messages that cannot be read are dropped."""
        try:
            taken = self.reader.take(self._decode)
        except ValueError as error:
            self._logger.error(f'dropped a message on {self._topic}: {error}', throttle_duration_sec=5.0)
            for data in self.reader.matched_user_data():
                self._compare_types(data)
            return None
        if taken is None:
            return None
        message, origin = taken
        if origin.writer_handle not in self._known_writers:
            self._known_writers.add(origin.writer_handle)
            self._compare_types(self.reader.peer_user_data(origin.writer_handle))
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
