# SPDX-License-Identifier: Apache-2.0
"""Whether a definition of messages that travels in a file can be used: it ends, and its messages have a bounded size.

A type within itself never ends; twenty types, each of which has the next one twice, are a million fields; and a sequence of
a type without fields may have four thousand million elements in eight bytes.
"""

from collections.abc import Mapping
from typing import Any

from rosbags.interfaces import Nodetype

from genima.errors import BorderError

MAX_FIELDS = 10**6
MAX_DEPTH = 32


def check_definitions(types: Mapping[str, Any]) -> None:
    """Check definitions as rosbags parses them, name to constants and fields; unknown names are of others.

    Raises:
        BorderError: naming the type that cannot be used.
    """
    sizes: dict[str, int] = {}
    for name in types:
        _size(name, types, sizes, ())


def _size(name: str, types: Mapping[str, Any], sizes: dict[str, int], around: tuple[str, ...]) -> int:
    """Return the number of values that a message of a type has at least."""
    if name in sizes or name not in types:
        return sizes.get(name, 1)
    if name in around or len(around) > MAX_DEPTH:
        raise BorderError(f'type {name} is within itself, or more than {MAX_DEPTH} types deep')
    total = 0
    for field, (kind, what) in types[name][1]:
        if kind in (Nodetype.ARRAY, Nodetype.SEQUENCE):
            (inner, value), count = what
            each = _size(value, types, sizes, (*around, name)) if inner == Nodetype.NAME else 1
            if not each:
                raise BorderError(f'field {field} of {name} has elements without fields')
            total += each * count if kind == Nodetype.ARRAY else 1
        else:
            total += _size(what, types, sizes, (*around, name)) if kind == Nodetype.NAME else 1
        if total > MAX_FIELDS:
            raise BorderError(f'a message of {name} has more than {MAX_FIELDS} values')
    sizes[name] = total
    return total
