# SPDX-License-Identifier: Apache-2.0
"""Messages that no healthy sender makes, out of ones that are: every field may hold what its type allows."""

from array import array
from copy import deepcopy
from typing import Any

import numpy as np

from genima_bringup.faults.streams import Arrivals, StreamFault

NUMBERS = (float('nan'), float('inf'), -float('inf'), 1e308, -1e308, 5e-324, 0.0, -1.0)
LONG = 5000  # names, points, numbers
TEXTS = ('', 'x' * 200_000, '\x00', '../../etc/passwd', 'panda_joint1', '\udc80'.encode('utf-8', 'replace').decode())
MOST_CHANGES = 3


def garbage(message: Any, rng: np.random.Generator) -> Any:
    """Return a copy of a message with one to three of its fields spoiled, however deep they lie."""
    copy = deepcopy(message)
    for _ in range(int(rng.integers(1, MOST_CHANGES + 1))):
        _spoil(copy, rng)
    return copy


def spoiled() -> StreamFault:
    """Spoil every message."""
    return lambda message, rng: [(0.0, garbage(message, rng))]


def between() -> StreamFault:
    """Deliver each message, and spoiled ones around it."""

    def fault(message: Any, rng: np.random.Generator) -> Arrivals:
        return [(0.0, garbage(message, rng)), (0.0, message), (0.001, garbage(message, rng))]

    return fault


def _spoil(message: Any, rng: np.random.Generator) -> None:
    """Change one field; in a message in it or in a list of messages, one of those."""
    fields = message.get_fields_and_field_types()
    if not fields:
        return
    name = str(rng.choice(list(fields)))
    value = getattr(message, name)
    if hasattr(value, 'get_fields_and_field_types'):
        _spoil(value, rng)
        return
    nested = bool(len(value)) and hasattr(value[0], 'get_fields_and_field_types') if hasattr(value, '__len__') else False
    if nested and rng.random() < 0.5:
        _spoil(value[int(rng.integers(len(value)))], rng)
        return
    try:
        setattr(message, name, _other(value, rng))
    except (AssertionError, TypeError, ValueError, OverflowError):
        return  # a message cannot hold that: nobody can send it


def _other(value: Any, rng: np.random.Generator) -> Any:
    """Return something of the same type that nobody would expect."""
    if isinstance(value, bool):
        return not value
    if isinstance(value, str):
        return TEXTS[int(rng.integers(len(TEXTS)))]
    if isinstance(value, float):
        return NUMBERS[int(rng.integers(len(NUMBERS)))]
    if isinstance(value, int):
        return int(rng.choice([0, 1, 255, 2**31 - 1, 2**32 - 1, -(2**31), -1]))
    if isinstance(value, np.ndarray):
        return np.full_like(value, NUMBERS[int(rng.integers(3))]) if value.dtype.kind == 'f' else np.zeros_like(value)
    return _other_sequence(value, rng)


def _other_sequence(value: Any, rng: np.random.Generator) -> Any:
    """Return a sequence that is empty, cut, far too long, or holds numbers that are none."""
    kind = int(rng.integers(4))
    if kind == 0 or not len(value):
        return value[:0]
    if kind == 1:
        return value[: len(value) // 2]
    if kind == 2:
        return value * (LONG // len(value) + 1) if len(value) < LONG else value + value
    if isinstance(value, array) and value.typecode in 'df':
        spoiled_at = int(rng.integers(len(value)))
        return array(value.typecode, [*value[:spoiled_at], NUMBERS[int(rng.integers(3))], *value[spoiled_at + 1 :]])
    if isinstance(value, list) and isinstance(value[0], str):
        return [*value[1:], f'stranger_{int(rng.integers(10**9))}']
    return value + value
