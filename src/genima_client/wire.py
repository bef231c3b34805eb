# SPDX-License-Identifier: Apache-2.0
"""MessagePack with NumPy arrays, as client and server send it.

Arrays travel as openpi's client packs them ({b'__ndarray__': True, b'data', b'dtype', b'shape'}), so that this client can
also be understood. Nothing is executed: there are no objects, no extension types, and an array has a plain number type.
"""

from __future__ import annotations

import math
from typing import Any

import msgpack
import numpy as np

PROTOCOL = 1
MAX_ITEMS = 4096
"""Of a list or a mapping in a message; arrays are no lists."""
MAX_TEXT = 4096
KINDS = 'buif'  # bool, unsigned, signed, floating


class WireError(ValueError):
    """A message is not what the protocol allows."""


def pack(message: dict[Any, Any]) -> bytes:
    """Return a message as bytes.

    Raises:
        WireError: if it holds what the protocol does not know.
    """
    try:
        return bytes(msgpack.packb(message, default=_pack_array))
    except (TypeError, ValueError, OverflowError) as error:
        raise WireError(f'the message cannot be sent: {error}') from error


def unpack(data: bytes, max_bytes: int) -> dict[Any, Any]:
    """Return the mapping that bytes hold; arrays in it are read-only and share their memory.

    Raises:
        WireError: if the bytes are too many, damaged, nested too deeply, or hold no mapping.
    """
    if len(data) > max_bytes:
        raise WireError(f'a message of {len(data)} bytes; allowed are {max_bytes}')
    limits = {'max_bin_len': max_bytes, 'max_array_len': MAX_ITEMS, 'max_map_len': MAX_ITEMS, 'max_ext_len': 0}
    try:
        # StackError, a kind of ValueError, is raised where it is nested too deeply
        message = msgpack.unpackb(data, object_hook=_unpack_array, max_str_len=MAX_TEXT, strict_map_key=True, **limits)
    except WireError:
        raise
    except Exception as error:  # msgpack raises many kinds for damaged bytes; all of them mean the same here
        raise WireError(f'the message is not MessagePack: {type(error).__name__}: {error}') from error
    if not isinstance(message, dict):
        raise WireError(f'a message is a mapping, got {type(message).__name__}')
    return message


def _pack_array(value: Any) -> Any:
    if isinstance(value, np.generic):
        return value.item()
    if not isinstance(value, np.ndarray) or value.dtype.kind not in KINDS:
        raise TypeError(f'{type(value).__name__} is no number, text or array')
    return {b'__ndarray__': True, b'data': value.tobytes(), b'dtype': value.dtype.str, b'shape': list(value.shape)}


def _unpack_array(value: dict[Any, Any]) -> Any:
    if b'__npgeneric__' in value:
        return value.get(b'data')
    if b'__ndarray__' not in value:
        return value
    data, kind, shape = value.get(b'data'), value.get(b'dtype'), value.get(b'shape')
    if not isinstance(data, bytes) or not isinstance(kind, (str, bytes)) or not isinstance(shape, (list, tuple)):
        raise WireError('an array needs data, dtype and shape')
    try:
        dtype = np.dtype(kind.decode() if isinstance(kind, bytes) else kind)
    except (TypeError, ValueError, UnicodeDecodeError):
        raise WireError(f'an array of type {kind!r}'[:80]) from None
    sizes = [size for size in shape if isinstance(size, int) and not isinstance(size, bool) and 0 <= size < 2**31]
    if dtype.kind not in KINDS or dtype.hasobject or len(sizes) != len(shape) or len(shape) > 8:
        raise WireError(f'an array of type {dtype} and shape {shape}'[:200])
    expected = math.prod(sizes) * dtype.itemsize
    if expected != len(data):
        raise WireError(f'an array of {sizes} {dtype} needs {expected} bytes, got {len(data)}')
    return np.frombuffer(data, dtype).reshape(sizes)
