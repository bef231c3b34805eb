# SPDX-License-Identifier: Apache-2.0
"""The protobuf message `tf.train.Example`: named lists of bytes, of float32 or of int64.

    Example{1: Features}, Features{1: map<string, Feature>}, Feature{1: BytesList | 2: FloatList | 3: Int64List},
    and each list {1: repeated value}, numbers packed.

Source: tensorflow/core/example/{example,feature}.proto; https://protobuf.dev/programming-guides/encoding. Written out
here because the message is this small, because pieces can be written one by one (an episode has up to 2 GiB), and
because tensorflow, ROS and others each pin a protobuf runtime of their own.
"""

from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from genima.errors import DatasetError

MAX_BYTES = 2**31 - 1
"""Protobuf's limit for one message: https://protobuf.dev/programming-guides/proto-limits."""
MAX_VALUES = 10**6
"""Of one list, such as the images of a camera in one episode; numbers are packed, and so are one value."""

_BYTES, _FLOAT, _INT64 = 1, 2, 3
_VARINT, _LENGTH_DELIMITED, _FIXED32 = 0, 2, 5

Values = Sequence[bytes] | np.ndarray
Field = list[memoryview] | np.ndarray


def encode_example(features: Mapping[str, Values]) -> list[bytes]:
    """Return the pieces of a message; lists of bytes stay as they are, floats become float32, integers and bools int64.

    Raises:
        DatasetError: if the message would exceed `MAX_BYTES`.
    """
    entries: list[bytes] = []
    for name in sorted(features):
        entries += _nested(1, [*_nested(1, [name.encode()]), *_nested(2, _feature(features[name]))])
    message = _nested(1, entries)
    size = sum(len(piece) for piece in message)
    if size > MAX_BYTES:
        raise DatasetError(
            f'the episode has {size / 2**30:.1f} GiB as a tf.train.Example, which holds 2 GiB at most; '
            'record shorter episodes, or smaller or fewer views'
        )
    return message


def decode_example(data: memoryview) -> dict[str, Field]:
    """Return the lists of a message by name: bytes as views of `data`, numbers as (k,) float32 or int64.

    Raises:
        DatasetError: if the data are no such message.
    """
    try:
        return dict(_entry(entry) for features in _messages(data, 1) for entry in _messages(features, 1))
    except (IndexError, ValueError, OverflowError) as error:
        raise DatasetError(f'a record is no tf.train.Example ({error}); is the dataset one of tfds or RLDS?') from error


def _feature(values: Values) -> list[bytes]:
    if not isinstance(values, np.ndarray):
        return _nested(_BYTES, [piece for value in values for piece in _nested(1, [value])])
    if np.issubdtype(values.dtype, np.floating):
        return _nested(_FLOAT, _nested(1, [values.astype('<f4').tobytes()]))
    return _nested(_INT64, _nested(1, [_varints(values.astype(np.int64).ravel())]))


def _nested(number: int, pieces: list[bytes]) -> list[bytes]:
    """Return a length-delimited field."""
    return [bytes([number << 3 | _LENGTH_DELIMITED]) + _varint(sum(len(piece) for piece in pieces)), *pieces]


def _varint(value: int) -> bytes:
    encoded = bytearray()
    while value > 0x7F:
        encoded.append(value & 0x7F | 0x80)
        value >>= 7
    encoded.append(value)
    return bytes(encoded)


def _varints(values: np.ndarray) -> bytes:
    if not len(values) or (values.min() >= 0 and values.max() <= 0x7F):
        return values.astype(np.uint8).tobytes()
    return b''.join(_varint(int(value) & 0xFFFF_FFFF_FFFF_FFFF) for value in values)


def _entry(entry: memoryview) -> tuple[str, Field]:
    """Return name and list of an entry of the map."""
    name, values = '', np.zeros(0, dtype=np.float32)
    for number, _, value in _fields(entry):
        if number == 1:
            name = bytes(value).decode()
        elif number == 2:
            return name, next((_list(kind, content) for kind, _, content in _fields(value)), values)
    return name, values


def _list(kind: int, content: memoryview) -> Field:
    if kind == _BYTES:
        return _messages(content, 1)
    joined = b''.join(value for _, _, value in _fields(content))  # writers may split a packed list, or not pack it
    return np.frombuffer(joined, dtype='<f4') if kind == _FLOAT else _from_varints(np.frombuffer(joined, dtype=np.uint8))


def _from_varints(data: np.ndarray) -> np.ndarray:
    ends = np.flatnonzero(data < 0x80)
    if len(ends) == len(data):
        return data.astype(np.int64)
    starts = np.concatenate([[0], ends[:-1] + 1])
    place = np.arange(ends[-1] + 1) - np.repeat(starts, ends - starts + 1)
    groups = (data[: ends[-1] + 1] & 0x7F).astype(np.uint64) << (7 * place).astype(np.uint64)
    return np.add.reduceat(groups, starts).view(np.int64)


def _messages(data: memoryview, number: int) -> list[memoryview]:
    return [value for found, _, value in _fields(data) if found == number]


def _fields(data: memoryview) -> Iterator[tuple[int, int, memoryview]]:
    """Yield number, wire type and value of every field."""
    position = count = 0
    while position < len(data):
        count += 1
        if count > MAX_VALUES:
            raise ValueError(f'more than {MAX_VALUES} values')
        tag, position = _read_varint(data, position)
        kind, start = tag & 7, position
        if kind == _VARINT:
            _, position = _read_varint(data, position)
        elif kind == _LENGTH_DELIMITED:
            length, start = _read_varint(data, position)
            position = start + length
        elif kind == _FIXED32:
            position += 4
        else:
            raise ValueError(f'wire type {kind}')
        if position > len(data):
            raise ValueError('a field is longer than its message')
        yield tag >> 3, kind, data[start:position]


def _read_varint(data: memoryview, position: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = data[position]
        position += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, position
        shift += 7
        if shift > 63:
            raise ValueError('a number of more than 64 bits')
