# SPDX-License-Identifier: Apache-2.0
"""CDR, the byte form of ROS 2 messages (OMG CDR version 1, little-endian), for the parts that messages are made of.

A codec knows the default value, the check at assignment, and both directions for one kind of field. Assignments are
checked as in rclpy with ROS_PYTHON_CHECK_FIELDS=1 where real ROS 2 would send garbage otherwise: an int in a float
field, for example. This file holds the single values, `sequences.py` the arrays and sequences of them.
"""

import struct
from typing import Any, Protocol

import numpy as np

HEADER = b'\x00\x01\x00\x00'  # "plain CDR, little-endian"
HEADER_SIZE = len(HEADER)

# primitive: (struct and array type code, bytes)
PRIMITIVES = {
    'bool': ('?', 1), 'byte': ('B', 1), 'octet': ('B', 1), 'int8': ('b', 1), 'uint8': ('B', 1),
    'int16': ('h', 2), 'uint16': ('H', 2), 'int32': ('i', 4), 'uint32': ('I', 4), 'int64': ('q', 8),
    'uint64': ('Q', 8), 'float32': ('f', 4), 'float64': ('d', 8),
}  # fmt: skip
PADDING = [bytes(count) for count in range(8)]
LENGTH = struct.Struct('<I')


class Codec(Protocol):
    """What a message needs to know about one kind of field."""

    type_name: str
    smallest: int

    def default(self) -> Any:
        """Return a fresh default value."""

    def check(self, value: Any) -> Any:
        """Return the value to store; raise AssertionError with the end of the sentence "The 'x' field must …"."""

    def encode(self, out: bytearray, value: Any) -> None:
        """Append `value` to `out`, which starts with the four bytes of the CDR header."""

    def decode(self, body: memoryview, at: int) -> tuple[Any, int]:
        """Return the value at byte `at` of the body (without the CDR header) and the position after it."""


def pad(out: bytearray, alignment: int) -> None:
    """Append zeros until the next byte is aligned, counted from the end of the CDR header."""
    if missing := (HEADER_SIZE - len(out)) & (alignment - 1):
        out += PADDING[missing]


def read_length(body: memoryview, at: int, smallest: int) -> tuple[int, int]:
    """Return the number of items at the aligned position after `at`, and the position after it.

    Raises:
        ValueError: if so many items of at least `smallest` bytes cannot be in the rest of the body.
    """
    at = (at + 3) & ~3
    (count,) = LENGTH.unpack_from(body, at)
    at += 4
    if count * smallest > len(body) - at:
        raise ValueError(f'{count} items are announced, {len(body) - at} bytes are left')
    return count, at


class ScalarCodec:
    """One number or one bool."""

    def __init__(self, base: str) -> None:
        code, self.smallest = PRIMITIVES[base]
        self.type_name = {'bool': 'boolean', 'float64': 'double', 'float32': 'float'}.get(base, base)
        self._struct = struct.Struct('<' + code)
        self._is_float, self._is_bool = base.startswith('float'), base == 'bool'
        if not self._is_float and not self._is_bool:
            bits, signed = 8 * self.smallest, base.startswith('int')
            self._low = -(2 ** (bits - 1)) if signed else 0
            self._high = 2 ** (bits - signed) - 1

    def default(self) -> bool | int | float:
        return False if self._is_bool else 0.0 if self._is_float else 0

    def check(self, value: Any) -> bool | int | float:
        if self._is_float:
            if not isinstance(value, float):
                raise AssertionError(f"be of type 'float', got {value!r} of type {type(value).__name__}; use float(…)")
            return value
        if self._is_bool:
            if not isinstance(value, bool):
                raise AssertionError(f"be of type 'bool', got {value!r} of type {type(value).__name__}; use bool(…)")
            return value
        if not isinstance(value, int | np.integer):
            raise AssertionError(f"be of type 'int', got {value!r} of type {type(value).__name__}; use int(…)")
        if not self._low <= value <= self._high:
            raise AssertionError(f'be an integer in [{self._low}, {self._high}], got {value}')
        return int(value)

    def encode(self, out: bytearray, value: Any) -> None:
        if missing := (HEADER_SIZE - len(out)) & (self.smallest - 1):
            out += PADDING[missing]
        out += self._struct.pack(value)

    def decode(self, body: memoryview, at: int) -> tuple[Any, int]:
        size = self.smallest
        at = (at + size - 1) & -size
        return self._struct.unpack_from(body, at)[0], at + size


class ByteCodec:
    """One `byte`, which is a `bytes` of length one in rclpy."""

    type_name, smallest = 'octet', 1

    def default(self) -> bytes:
        return b'\x00'

    def check(self, value: Any) -> bytes:
        if not isinstance(value, bytes | bytearray) or len(value) != 1:
            raise AssertionError(f"be of type 'bytes' with length 1, got {value!r}")
        return bytes(value)

    def encode(self, out: bytearray, value: bytes) -> None:
        out += value

    def decode(self, body: memoryview, at: int) -> tuple[bytes, int]:
        if at >= len(body):
            raise ValueError('the message ends within a byte field')
        return bytes(body[at : at + 1]), at + 1


class StringCodec:
    """One string, UTF-8 on the wire with a closing zero."""

    smallest = 5

    def __init__(self, bound: int) -> None:
        self._bound = bound
        self.type_name = f'string<{bound}>' if bound else 'string'

    def default(self) -> str:
        return ''

    def check(self, value: Any) -> str:
        if not isinstance(value, str):
            raise AssertionError(f"be of type 'str', got {value!r} of type {type(value).__name__}")
        if self._bound and len(value) > self._bound:
            raise AssertionError(f'be a string not longer than {self._bound}, got {len(value)} characters')
        return value

    def encode(self, out: bytearray, value: str) -> None:
        data = value.encode()
        if missing := -len(out) & 3:
            out += PADDING[missing]
        out += LENGTH.pack(len(data) + 1)
        out += data
        out.append(0)

    def decode(self, body: memoryview, at: int) -> tuple[str, int]:
        count, at = read_length(body, at, 1)
        end = at + count
        return str(body[at : max(at, end - 1)], 'utf-8'), end
