# SPDX-License-Identifier: Apache-2.0
"""Messages as bytes."""

from typing import Any

from rosless.interfaces.messages import decode_message, encode_message


def serialize_message(message: Any) -> bytes:
    """Return the CDR form of a message."""
    return bytes(encode_message(message))


def deserialize_message(serialized_message: bytes, message_type: type[Any]) -> Any:
    """Return the message in a CDR form.

    Raises:
        ValueError: if it is not one of that type.
    """
    return decode_message(memoryview(serialized_message), message_type)
