# SPDX-License-Identifier: Apache-2.0
"""What pages send: JSON that means what it says, with values of the right kind."""

import json
import math
import re
from collections.abc import Callable, Mapping
from typing import Any

from genima.errors import GenimaError

MAX_TEXT = 2000
MAX_NAME = 200
WHOLE = 2**31
DIGITS = 19  # of whole numbers; no field needs more
CONTROL = re.compile(r'[\x00-\x08\x0b-\x1f\x7f]')  # a NUL ends a text on its way through DDS


class RequestError(GenimaError):
    """A request that cannot be understood.

    Attributes:
        status: of the answer.
    """

    def __init__(self, text: str, status: int = 400) -> None:
        super().__init__(text)
        self.status = status


def read_object(data: bytes) -> dict[str, Any]:
    """Return a JSON object of single values and lists of texts; nothing is one without members.

    Raises:
        RequestError: if it is something else, or is read differently by different readers: names that come twice, numbers
            that are not finite or very long, half a character.
    """
    try:
        text = data.decode('utf-8') or '{}'
        values = json.loads(
            text, object_pairs_hook=_unique, parse_constant=_refuse, parse_float=_finite, parse_int=_short
        )
    except (ValueError, RecursionError) as error:
        reason = 'it is nested too deep' if isinstance(error, RecursionError) else str(error)
        raise RequestError(f'the request is not JSON: {shown(reason)}') from error
    if not isinstance(values, dict):
        raise RequestError(f'the request is not a JSON object, but {shown(values)}')
    for name, value in values.items():
        for each in [name, *(value if isinstance(value, list) else [value])]:
            _check_single(name, each)
    return values


def shown(value: Any) -> str:
    """Return a value for an error message: not the whole of what is long."""
    text = value if isinstance(value, str) else 'a list or object' if isinstance(value, (list, dict)) else repr(value)
    text = text.encode('utf-8', 'backslashreplace').decode()
    return text if len(text) <= MAX_NAME else f'{text[:MAX_NAME]} …'


def _check_single(name: str, value: Any) -> None:
    if isinstance(value, (list, dict)):
        raise RequestError(f'{shown(name)}: allowed is a single value or a list of texts, got one inside another')
    if isinstance(value, str):
        try:
            value.encode('utf-8')
        except UnicodeEncodeError as error:
            raise RequestError(f'{shown(name)}: half of a character ({shown(value)}); allowed is Unicode text') from error


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    values = dict(pairs)
    if len(values) < len(pairs):
        raise ValueError('a name comes twice')
    return values


def _refuse(text: str) -> Any:
    raise ValueError(f'{text} is not a number')


def _finite(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise ValueError(f'{text[:20]} is too large for a number')
    return value


def _short(text: str) -> int:
    if len(text) > DIGITS:
        raise ValueError(f'a whole number of {len(text)} digits; allowed are {DIGITS}')
    return int(text)


Field = Callable[[str, Any], Any]
"""Takes a name and what was given, None where nothing was; returns the value, or raises a RequestError."""


def text_of(name: str, value: Any) -> str:
    """Return a text without space around it."""
    value = '' if value is None else value
    if not isinstance(value, str) or len(value) > MAX_TEXT or CONTROL.search(value):
        raise RequestError(f'{name}: allowed is a text of at most {MAX_TEXT} characters without control characters')
    return value.strip()


def whole(default: int | None = None) -> Field:
    """Return a field for a whole number."""

    def read(name: str, value: Any) -> int | None:
        if value is None:
            return default
        if isinstance(value, bool) or not isinstance(value, int) or abs(value) >= WHOLE:
            raise RequestError(f'{name} {shown(value)} is not a whole number below {WHOLE}')
        return value

    return read


def needed(field: Field) -> Field:
    """Return a field that must be given."""

    def read(name: str, value: Any) -> Any:
        if value is None:
            raise RequestError(f'{name} is missing')
        return field(name, value)

    return read


def read_values(fields: Mapping[str, Field], given: Mapping[str, Any]) -> dict[str, Any]:
    """Return the value of every field out of what was given.

    Raises:
        RequestError: if a name or a value is wrong.
    """
    if unknown := [name for name in given if name not in fields]:
        raise RequestError(f'no field {shown(unknown[0])!r}; allowed: {", ".join(fields) or "none"}')
    return {name: field(name, given.get(name)) for name, field in fields.items()}
