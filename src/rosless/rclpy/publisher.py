# SPDX-License-Identifier: Apache-2.0
"""Sending messages."""

from typing import Any, Generic, TypeVar

from rosless.dds.endpoints import Writer
from rosless.dds.library import INFINITY_NS, DDSError
from rosless.interfaces.messages import encode_message

from .context import Context
from .duration import Duration
from .exceptions import InvalidHandle, RCLError
from .qos import QoSProfile

MsgType = TypeVar('MsgType')


class Publisher(Generic[MsgType]):
    """Sends messages of one type on one topic."""

    def __init__(
        self, writer: Writer, msg_type: type[MsgType], topic: str, qos_profile: QoSProfile, context: Context
    ) -> None:
        self.writer, self.msg_type, self.qos_profile = writer, msg_type, qos_profile
        self._topic, self._context = topic, context

    @property
    def topic_name(self) -> str:
        """The full name of the topic."""
        return self._topic

    topic = topic_name

    def publish(self, msg: MsgType | bytes) -> None:
        """Send a message (or one that is serialised already).

        Raises:
            TypeError: if it is of another type, or a field holds something that does not fit.
            RCLError: if the context has ended.
            InvalidHandle: if the publisher was destroyed.
        """
        self._require_alive()
        if isinstance(msg, bytes):
            payload = bytearray(msg)
        elif isinstance(msg, self.msg_type):
            payload = encode_message(msg)  # type: ignore[arg-type]
        else:
            raise TypeError(f'Expected {self.msg_type}, got {type(msg)}')
        try:
            self.writer.write(payload)
        except DDSError as error:
            self._require_alive()
            raise RCLError(f'Failed to publish on {self._topic}: {error}') from error

    def _require_alive(self) -> None:
        if not self._context.ok():
            raise RCLError(f"Failed to publish on {self._topic}: publisher's context is invalid (it was shut down)")
        if self.writer.handle < 0:
            raise InvalidHandle(f'the publisher of {self._topic} was destroyed')

    def get_subscription_count(self) -> int:
        """Return how many subscriptions get the messages."""
        return self.writer.matched_count()

    def assert_liveliness(self) -> None:
        """Tell subscriptions that this publisher is alive (only with LivelinessPolicy.MANUAL_BY_TOPIC)."""
        self.writer.assert_liveliness()

    def wait_for_all_acked(self, timeout: Duration | None = None) -> bool:
        """Wait until all reliable subscriptions have all messages; return False on a time-out."""
        unlimited = timeout is None or timeout.nanoseconds < 0
        return self.writer.wait_for_acknowledgement(INFINITY_NS if unlimited or timeout is None else timeout.nanoseconds)

    def destroy(self) -> None:
        """Stop for good; `Node.destroy_publisher` does this and tells the others."""
        self.writer.close()

    def __enter__(self) -> 'Publisher[Any]':
        return self

    def __exit__(self, *_: object) -> None:
        self.destroy()
