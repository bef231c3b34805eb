# SPDX-License-Identifier: Apache-2.0
"""How much a message may hold before it is read; a healthy sender stays far below."""

from collections.abc import Callable
from functools import cache
from typing import Any, TypeVar

from genima.errors import GenimaError

MOST_TEXT = 2000
"""Characters of a text, an instruction above all."""
MOST_DESCRIPTION = 4_000_000
"""Characters of a std_msgs/String: robot_description is one."""
MOST_NAMES = 200
"""Texts in a list: joints, cameras, reasons."""
MOST_PARTS = 1000
"""Messages in a list: points, transforms, markers."""
MOST_NUMBERS = 4096
"""Numbers in a list."""
MOST_BYTES = 2**26
"""Bytes of an image."""

Value = TypeVar('Value')
_BYTES = ('uint8', 'octet', 'byte', 'char')
_Check = Callable[[Any], 'str | None']


def keep(known: dict[str, Value], name: str, value: Value) -> Value:
    """Keep a value under a name that a message brought, and return what is kept under it.

    Raises:
        GenimaError: if too many names are known already; whoever sends new ones for ever would fill the memory.
    """
    if name not in known and len(known) >= MOST_NAMES:
        raise GenimaError(f'{name!r} is one name too many; {MOST_NAMES} are known: who makes them up?')
    known[name] = value
    return value


def oversized(message: Any) -> str | None:
    """Return which field of a message is too large and what is allowed, or None."""
    kind: Any = type(message)
    for name, check in _checks(kind):
        trouble = check(getattr(message, name))
        if trouble is not None:
            return f'{name}{trouble}'
    return None


@cache
def _checks(kind: Any) -> tuple[tuple[str, _Check], ...]:
    """Return what is to be checked of each field of a type of messages; numbers alone need no check."""
    fields = kind.get_fields_and_field_types()
    if list(fields) == ['data'] and fields['data'] == 'string':
        return (('data', _longest(MOST_DESCRIPTION, 'characters')),)
    found = ((name, _check(declared)) for name, declared in fields.items())
    return tuple((name, check) for name, check in found if check is not None)


def _check(declared: str) -> _Check | None:
    """Return the check of a field by its type, as ROS writes it: `sequence<double>`, `string`, `std_msgs/Header` ..."""
    if declared.startswith(('string', 'wstring')) and '[' not in declared:
        return _longest(MOST_TEXT, 'characters')
    if declared.startswith('sequence<') or '[' in declared:
        inner = declared.removeprefix('sequence<').rstrip('>').split('[')[0].split(',')[0].strip()
        return _sequence(inner)
    return _nested if '/' in declared else None


def _sequence(inner: str) -> _Check:
    if inner.startswith(('string', 'wstring')):
        each = _longest(MOST_TEXT, 'characters')
        return _each(_longest(MOST_NAMES, 'texts'), each)
    if '/' in inner:
        return _each(_longest(MOST_PARTS, 'parts'), _nested)
    return _longest(MOST_BYTES, 'bytes') if inner in _BYTES else _longest(MOST_NUMBERS, 'numbers')


def _longest(most: int, what: str) -> _Check:
    return lambda value: f' has {len(value)} {what}, allowed are {most}' if len(value) > most else None


def _each(all_of_them: _Check, each: _Check) -> _Check:
    def check(values: Any) -> str | None:
        return all_of_them(values) or next(filter(None, map(each, values)), None)

    return check


def _nested(message: Any) -> str | None:
    trouble = oversized(message)
    return None if trouble is None else f'.{trouble}'
