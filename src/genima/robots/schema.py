# SPDX-License-Identifier: Apache-2.0
"""Strict reading of nested YAML mappings: every unknown key and every wrong length is refused with its place."""

from collections.abc import Collection
from typing import Any

import numpy as np

from genima.errors import ProfileError


def require_mapping(data: Any, where: str, required: Collection[str], optional: Collection[str] = ()) -> dict[str, Any]:
    """Return `data` when it is a mapping with all `required` keys and no key beyond the `optional` ones."""
    if not isinstance(data, dict):
        raise ProfileError(f'{where}: expected a mapping, got {type(data).__name__}')
    allowed = [*required, *optional]
    unknown = [str(key) for key in data if key not in allowed]
    if unknown:
        raise ProfileError(f'{where}: unknown key(s) {", ".join(unknown)}; allowed: {", ".join(allowed)}')
    missing = [key for key in required if key not in data]
    if missing:
        raise ProfileError(f'{where}: missing key(s) {", ".join(missing)}; add them')
    return data


def require_text(data: Any, where: str) -> str:
    """Return `data` when it is a non-empty string."""
    if not isinstance(data, str) or not data.strip():
        raise ProfileError(f'{where}: expected a non-empty text, got {data!r}')
    return data


def require_list(data: Any, where: str) -> list[Any]:
    """Return `data` when it is a list."""
    if not isinstance(data, list):
        raise ProfileError(f'{where}: expected a list, got {type(data).__name__}')
    return data


def require_number(data: Any, where: str, minimum: float = -np.inf) -> float:
    """Return `data` as a finite float that is not below `minimum`."""
    return float(require_vector([data], where, 1, minimum)[0])


def require_vector(data: Any, where: str, length: int, minimum: float = -np.inf) -> np.ndarray:
    """Return `data` as a read-only float vector of `length` finite numbers that are not below `minimum`."""
    values = require_list(data, where)
    if len(values) != length:
        raise ProfileError(f'{where}: expected {length} numbers, got {len(values)}')
    if any(isinstance(value, bool) or not isinstance(value, (int, float)) for value in values):
        raise ProfileError(f'{where}: expected numbers, got {values}')
    vector = np.array(values, dtype=float)
    if not np.isfinite(vector).all() or (vector < minimum).any():
        raise ProfileError(f'{where}: expected finite numbers of at least {minimum}, got {values}')
    vector.flags.writeable = False
    return vector


def require_color(data: Any, where: str) -> tuple[int, int, int]:
    """Return `data` as red, green, blue in 0..255."""
    red, green, blue = (int(value) for value in require_vector(data, where, 3, 0.0))
    if max(red, green, blue) > 255:
        raise ProfileError(f'{where}: expected red, green, blue in 0..255, got {data}')
    return red, green, blue
