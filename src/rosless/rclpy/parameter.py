# SPDX-License-Identifier: Apache-2.0
"""One parameter: a name, a type and a value."""

from array import array
from collections.abc import Sequence
from enum import IntEnum
from typing import Any

import numpy as np
from rcl_interfaces.msg import Parameter as ParameterMessage
from rcl_interfaces.msg import ParameterType, ParameterValue

PARAMETER_SEPARATOR_STRING = '.'

_FIELDS = (
    '', 'bool_value', 'integer_value', 'double_value', 'string_value', 'byte_array_value', 'bool_array_value',
    'integer_array_value', 'double_array_value', 'string_array_value',
)  # fmt: skip
_PYTHON_TYPES = (type(None), bool, int, float, str, bytes, bool, int, float, str)


class Parameter:
    """A name with a value of one of nine types."""

    class Type(IntEnum):
        """The type of a value."""

        NOT_SET = ParameterType.PARAMETER_NOT_SET
        BOOL = ParameterType.PARAMETER_BOOL
        INTEGER = ParameterType.PARAMETER_INTEGER
        DOUBLE = ParameterType.PARAMETER_DOUBLE
        STRING = ParameterType.PARAMETER_STRING
        BYTE_ARRAY = ParameterType.PARAMETER_BYTE_ARRAY
        BOOL_ARRAY = ParameterType.PARAMETER_BOOL_ARRAY
        INTEGER_ARRAY = ParameterType.PARAMETER_INTEGER_ARRAY
        DOUBLE_ARRAY = ParameterType.PARAMETER_DOUBLE_ARRAY
        STRING_ARRAY = ParameterType.PARAMETER_STRING_ARRAY

        @classmethod
        def from_parameter_value(cls, value: Any) -> 'Parameter.Type':
            """Return the type of a Python value.

            Raises:
                TypeError: if it is no parameter value.
            """
            for kind in (cls.NOT_SET, cls.BOOL, cls.INTEGER, cls.DOUBLE, cls.STRING):
                if isinstance(value, _PYTHON_TYPES[kind]):
                    return kind
            if isinstance(value, array):
                return cls.INTEGER_ARRAY if value.typecode in 'bBhHiIlLqQ' else cls.DOUBLE_ARRAY
            if isinstance(value, Sequence) and not isinstance(value, bytes):
                for kind in list(cls)[cls.BYTE_ARRAY :]:
                    if all(isinstance(item, _PYTHON_TYPES[kind]) for item in value):
                        return kind
            raise TypeError(
                f'The given value is not one of the allowed types: {value!r} of type {type(value).__name__}; '
                'allowed: bool, int, float, str, and lists of bytes, bool, int, float or str'
            )

        def check(self, value: Any) -> bool:
            """Return whether a Python value has this type."""
            if isinstance(value, Sequence) and not value and self >= Parameter.Type.BYTE_ARRAY:
                return True
            return Parameter.Type.from_parameter_value(value) == self

    def __init__(self, name: str, type_: 'Parameter.Type | None' = None, value: Any = None) -> None:
        """Take the type from the value if it is not given.

        Raises:
            ValueError, TypeError: if type and value do not fit each other.
        """
        if type_ is None:
            type_ = Parameter.Type.from_parameter_value(value)
        if not isinstance(type_, Parameter.Type):
            raise TypeError(f"type must be a Parameter.Type, got '{type_!r}'")
        if not type_.check(value):
            raise ValueError(f"Type '{type_}' and value '{value}' do not agree")
        self._name, self._type_, self._value = name, type_, value

    @property
    def name(self) -> str:
        """The full name, parts separated by dots."""
        return self._name

    @property
    def type_(self) -> 'Parameter.Type':
        """The type of the value."""
        return self._type_

    @property
    def value(self) -> Any:
        """The value; None where there is none."""
        return self._value

    def get_parameter_value(self) -> Any:
        """Return a rcl_interfaces/ParameterValue."""
        message = ParameterValue(type=int(self._type_))
        if self._type_ != Parameter.Type.NOT_SET:
            setattr(message, _FIELDS[self._type_], self._value)
        return message

    def to_parameter_msg(self) -> Any:
        """Return a rcl_interfaces/Parameter."""
        return ParameterMessage(name=self._name, value=self.get_parameter_value())

    @classmethod
    def from_parameter_msg(cls, message: Any) -> 'Parameter':
        """Return the parameter in a rcl_interfaces/Parameter."""
        return cls(message.name, Parameter.Type(message.value.type), parameter_value_to_python(message.value))

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Parameter):
            return NotImplemented
        same = (self._name, self._type_) == (other._name, other._type_)
        return bool(same and np.array_equal(self._value, other._value))

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f'Parameter(name={self._name!r}, type_={self._type_!r}, value={self._value!r})'


def parameter_value_to_python(message: Any) -> Any:
    """Return the value in a rcl_interfaces/ParameterValue; None where none is set."""
    if message.type == ParameterType.PARAMETER_NOT_SET:
        return None
    value = getattr(message, _FIELDS[message.type])
    return value.tolist() if isinstance(value, array) else value
