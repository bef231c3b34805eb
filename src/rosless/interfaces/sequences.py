# SPDX-License-Identifier: Apache-2.0
"""CDR of arrays and sequences; numbers are an `array.array` (sequence) or `numpy.ndarray` (array), as in rclpy."""

from array import array
from collections.abc import Collection, Sequence
from typing import Any

import numpy as np

from rosless.interfaces.cdr import LENGTH, PRIMITIVES, Codec, ScalarCodec, pad, read_length


class NumericSequenceCodec:
    """A variable number of numbers: `array.array`."""

    smallest = 4

    def __init__(self, base: str, bound: int) -> None:
        self._code, self._item_size = PRIMITIVES[base]
        self._item, self._bound = ScalarCodec(base), bound
        self._dtype = np.dtype(self._code)
        self.type_name = f'sequence<{self._item.type_name}{f", {bound}" if bound else ""}>'

    def default(self) -> 'array[Any]':
        return array(self._code)

    def check(self, value: Any) -> 'array[Any]':
        try:
            result = self._convert(value)
        except (TypeError, ValueError, OverflowError) as error:
            raise AssertionError(f'be a sequence of {self._item.type_name}: {error}') from error
        if self._bound and len(result) > self._bound:
            raise AssertionError(f'have at most {self._bound} items, got {len(result)}')
        return result

    def _convert(self, value: Any) -> 'array[Any]':
        if isinstance(value, array):
            if value.typecode != self._code:
                raise TypeError(f'array.array must have the type code {self._code!r}, got {value.typecode!r}')
            return value
        result = array(self._code)
        if isinstance(value, np.ndarray):
            if value.ndim != 1:
                raise TypeError(f'numpy arrays must have one dimension, got the shape {value.shape}; use .ravel()')
            if np.can_cast(value.dtype, self._dtype, 'same_kind'):
                result.frombytes(np.ascontiguousarray(value, self._dtype).view(np.uint8).data)
            else:
                result.extend(value.tolist())
        elif isinstance(value, bytes | bytearray | memoryview):
            result.frombytes(value)
        elif isinstance(value, str) or not isinstance(value, Collection):
            raise TypeError(f'got {value!r} of type {type(value).__name__}')
        else:
            result.extend(value)
        return result

    def encode(self, out: bytearray, value: 'array[Any]') -> None:
        pad(out, 4)
        out += LENGTH.pack(len(value))
        if value:
            pad(out, self._item_size)
            out += memoryview(value).cast('B')

    def decode(self, body: memoryview, at: int) -> tuple['array[Any]', int]:
        count, at = read_length(body, at, self._item_size)
        result = array(self._code)
        if count:
            at = (at + self._item_size - 1) & -self._item_size
            end = at + count * self._item_size
            if end > len(body):
                raise ValueError('the message ends within a sequence')
            result.frombytes(body[at:end])
            at = end
        return result, at


class NumericArrayCodec:
    """A fixed number of numbers: `numpy.ndarray`."""

    def __init__(self, base: str, size: int) -> None:
        code, self._item_size = PRIMITIVES[base]
        self._dtype, self._size = np.dtype('<' + code), size
        self.smallest = size * self._item_size
        self.type_name = f'{ScalarCodec(base).type_name}[{size}]'

    def default(self) -> 'np.ndarray[Any, Any]':
        return np.zeros(self._size, self._dtype)

    def check(self, value: Any) -> 'np.ndarray[Any, Any]':
        try:
            result = np.ascontiguousarray(value, self._dtype)
        except (TypeError, ValueError, OverflowError) as error:
            raise AssertionError(f'be {self._size} numbers of type {self._dtype.name}: {error}') from error
        if result.shape != (self._size,):
            raise AssertionError(f'have the shape ({self._size},), got {result.shape}')
        return result

    def encode(self, out: bytearray, value: 'np.ndarray[Any, Any]') -> None:
        pad(out, self._item_size)
        out += value.tobytes()

    def decode(self, body: memoryview, at: int) -> tuple['np.ndarray[Any, Any]', int]:
        at = (at + self._item_size - 1) & -self._item_size
        return np.frombuffer(body, self._dtype, self._size, at).copy(), at + self.smallest


class ListCodec:
    """Several values of any other kind: a list; `size` items, or at most `bound` (0 without limit)."""

    def __init__(self, item: Codec, size: int | None, bound: int = 0) -> None:
        self._item, self._size, self._bound = item, size, bound
        self.smallest = 4 if size is None else size * item.smallest
        suffix = f', {bound}' if bound else ''
        self.type_name = f'sequence<{item.type_name}{suffix}>' if size is None else f'{item.type_name}[{size}]'

    def default(self) -> list[Any]:
        return [self._item.default() for _ in range(self._size or 0)]

    def check(self, value: Any) -> Sequence[Any]:
        if isinstance(value, str | bytes) or not isinstance(value, Collection):
            raise AssertionError(f'be a sequence of {self._item.type_name}, got {value!r}')
        items = value if isinstance(value, list) else list(value)  # rclpy, too, keeps the caller's own list
        if self._size is not None and len(items) != self._size:
            raise AssertionError(f'have {self._size} items, got {len(items)}')
        if self._bound and len(items) > self._bound:
            raise AssertionError(f'have at most {self._bound} items, got {len(items)}')
        for item in items:
            self._item.check(item)
        return items

    def encode(self, out: bytearray, value: Sequence[Any]) -> None:
        if self._size is None:
            pad(out, 4)
            out += LENGTH.pack(len(value))
        elif len(value) != self._size:
            raise ValueError(f'{self._size} items are needed, there are {len(value)}')
        encode = self._item.encode
        for item in value:
            encode(out, item)

    def decode(self, body: memoryview, at: int) -> tuple[list[Any], int]:
        count, items = self._size, []
        if count is None:
            count, at = read_length(body, at, self._item.smallest)
        decode = self._item.decode
        for _ in range(count):
            item, at = decode(body, at)
            items.append(item)
        return items, at
