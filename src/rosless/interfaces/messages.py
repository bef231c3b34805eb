# SPDX-License-Identifier: Apache-2.0
"""Message classes with rclpy's behaviour, made on first use from their definitions, and their serialised form."""

import struct
import threading
from collections.abc import Callable
from copy import copy
from operator import attrgetter
from typing import Any, ClassVar

import numpy as np

from rosless.interfaces.cdr import HEADER, HEADER_SIZE, PRIMITIVES, ByteCodec, Codec, ScalarCodec, StringCodec
from rosless.interfaces.definitions import EMPTY_MEMBER, Definition, DefinitionError, FieldType, find_message
from rosless.interfaces.sequences import ListCodec, NumericArrayCodec, NumericSequenceCodec

_store = object.__setattr__


class Message:
    """Base of all message classes. Fields are checked when they are assigned."""

    __slots__ = ()
    __hash__: ClassVar[None]  # type: ignore[assignment]
    ros_type: ClassVar[str]
    codecs: ClassVar[dict[str, Codec]]
    defaults: ClassVar[dict[str, Any]]

    def __init__(self, **fields: Any) -> None:
        """Set the given fields, and the others to their defaults.

        Raises:
            AssertionError: if a field does not exist or a value does not fit.
        """
        for name, codec in self.codecs.items():
            if name in fields:
                setattr(self, name, fields.pop(name))
            else:
                _store(self, name, copy(self.defaults[name]) if name in self.defaults else codec.default())
        if fields:
            raise AssertionError(f'{self.ros_type} has no field {", ".join(fields)}; it has {", ".join(self.codecs)}')

    def __setattr__(self, name: str, value: Any) -> None:
        codec = self.codecs.get(name)
        if codec is None:
            raise AttributeError(f'{self.ros_type} has no field {name!r}; it has {", ".join(self.codecs)}')
        try:
            _store(self, name, codec.check(value))
        except AssertionError as error:
            raise AssertionError(f"The '{name}' field of {self.ros_type} must {error}") from None

    def __eq__(self, other: object) -> bool:
        if type(self) is not type(other):
            return NotImplemented
        return all(np.array_equal(getattr(self, name), getattr(other, name)) for name in self.codecs)

    def __repr__(self) -> str:
        fields = ', '.join(f'{name}={getattr(self, name)!r}' for name in self.codecs if name != EMPTY_MEMBER)
        return f'{self.ros_type.replace("/", ".")}({fields})'

    @classmethod
    def get_fields_and_field_types(cls) -> dict[str, str]:
        """Return the type of every field in ROS 2's IDL spelling."""
        return {name: codec.type_name for name, codec in cls.codecs.items() if name != EMPTY_MEMBER}


class MessageCodec:
    """One nested message."""

    def __init__(self, message_class: type[Message]) -> None:
        self._class = message_class
        self.type_name = message_class.ros_type.replace('/msg/', '/')
        codecs = message_class.codecs
        self.smallest = sum(codec.smallest for codec in codecs.values())
        self._encoders = [(attrgetter(name), codec.encode) for name, codec in codecs.items()]
        self._decoders: list[tuple[Callable[[Any, Any], None], Callable[..., Any]]] = [
            (message_class.__dict__[name].__set__, codec.decode) for name, codec in codecs.items()
        ]

    def default(self) -> Message:
        return self._class()

    def check(self, value: Any) -> Message:
        if not isinstance(value, self._class):
            raise AssertionError(f'be a {self._class.ros_type}, got {value!r} of type {type(value).__name__}')
        return value

    def encode(self, out: bytearray, value: Message) -> None:
        for get, encode in self._encoders:
            encode(out, get(value))

    def decode(self, body: memoryview, at: int) -> tuple[Message, int]:
        message = self._class.__new__(self._class)
        for put, decode in self._decoders:
            field, at = decode(body, at)
            put(message, field)
        return message, at


_codecs: dict[str, MessageCodec] = {}
_classes: dict[str, type[Message]] = {}
_lock = threading.RLock()


def _single(field: FieldType) -> Codec:
    if field.is_message:
        message_class(field.base)
        return _codecs[field.base]
    if field.base == 'string':
        return StringCodec(field.string_bound)
    if field.base in ('byte', 'octet'):
        return ByteCodec()
    if field.base not in PRIMITIVES:
        raise DefinitionError(f'rosless has no field type {field.base!r}')
    return ScalarCodec(field.base)


def _codec(field: FieldType) -> Codec:
    numeric = field.base in PRIMITIVES and field.base not in ('bool', 'byte', 'octet')
    if field.container == 'array':
        return NumericArrayCodec(field.base, field.size) if numeric else ListCodec(_single(field), field.size)
    if field.container == 'sequence':
        return NumericSequenceCodec(field.base, field.size) if numeric else ListCodec(_single(field), None, field.size)
    return _single(field)


def _make_class(definition: Definition) -> type[Message]:
    package, kind, name = definition.name.split('/')
    codecs: dict[str, Codec] = {}
    for field, field_type in definition.fields.items():
        try:
            codecs[field] = _codec(field_type)
        except DefinitionError as error:
            raise DefinitionError(f'{definition.name}, field {field}: {error}') from error
    namespace = {
        '__slots__': tuple(codecs),
        '__doc__': f'The ROS 2 interface {definition.name}.',
        '__module__': f'{package}.{kind}',
        'ros_type': definition.name,
        'codecs': codecs,
        'defaults': {field: codecs[field].check(value) for field, value in definition.defaults.items()},
        **definition.constants,
    }
    return type(name, (Message,), namespace)


def message_class(name: str) -> type[Message]:
    """Return the class of 'package/msg/Name'.

    Raises:
        DefinitionError: if no such definition is known or one of its fields has an unknown type.
    """
    with _lock:
        if name not in _classes:
            definition = find_message(name)
            if definition is None:
                raise DefinitionError(f'no definition of {name} is known')
            new = _make_class(definition)
            _codecs[name], _classes[name] = MessageCodec(new), new
        return _classes[name]


def encode_message(message: Message, prefix: bytes = b'') -> bytearray:
    """Return the CDR header, `prefix` (a multiple of eight bytes) and the message.

    Raises:
        TypeError: if a field holds a value that does not fit, which only a change inside a sequence can cause.
    """
    out = bytearray(HEADER + prefix)
    try:
        _codecs[message.ros_type].encode(out, message)
    except (struct.error, AttributeError, ValueError, TypeError) as error:
        raise TypeError(f'{message.ros_type} cannot be serialised: {error}; {message!r:.500}') from error
    return out


def decode_message(payload: memoryview, wanted: type[Message], skip: int = 0) -> Message:
    """Return the message in a CDR payload; `skip` bytes between header and message are ignored.

    Raises:
        ValueError: if the payload is not little-endian plain CDR of that type.
    """
    if len(payload) < HEADER_SIZE or payload[0] != 0 or payload[1] != 1:
        raise ValueError(f'not little-endian plain CDR: it starts with {bytes(payload[:4]).hex()}')
    try:
        message, end = _codecs[wanted.ros_type].decode(payload[HEADER_SIZE + skip :], 0)
    except (struct.error, UnicodeDecodeError) as error:
        raise ValueError(f'no {wanted.ros_type}: {error}') from error
    if end + 3 < len(payload) - HEADER_SIZE - skip:
        raise ValueError(f'no {wanted.ros_type}: {len(payload)} bytes, {end + HEADER_SIZE + skip} expected')
    return message
