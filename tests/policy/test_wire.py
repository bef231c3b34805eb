# SPDX-License-Identifier: Apache-2.0
"""MessagePack with arrays: what goes in comes out, and nothing else is let in."""

import ast
import contextlib
import sys
from pathlib import Path

import hypothesis.strategies as st
import msgpack
import numpy as np
import pytest
from hypothesis import given
from hypothesis.extra import numpy as arrays

import genima_client
from genima_client.wire import MAX_ITEMS, WireError, pack, unpack

MAX = 1 << 20
KINDS = arrays.scalar_dtypes().filter(lambda dtype: dtype.kind in 'buif')


@given(arrays.arrays(KINDS, arrays.array_shapes(min_dims=0, max_dims=4, max_side=5)))
def test_arrays_come_back_to_the_bit(array: np.ndarray) -> None:
    back = unpack(pack({'value': array}), MAX)['value']
    assert back.dtype == array.dtype and back.shape == array.shape and back.tobytes() == array.tobytes()


@given(st.binary(max_size=300))
def test_any_bytes_are_a_message_or_refused(data: bytes) -> None:
    with contextlib.suppress(WireError):
        assert isinstance(unpack(data, MAX), dict)


def array(**changes: object) -> dict:
    return {
        b'__ndarray__': True,
        b'data': bytes(8),
        b'dtype': '<f8',
        b'shape': [1],
        **{key.encode(): value for key, value in changes.items()},
    }


@pytest.mark.parametrize(
    'message',
    [
        array(dtype='O'),
        array(dtype='|V8'),
        array(dtype='<c8'),
        array(dtype='S8'),
        array(dtype='f8,i4'),
        array(dtype=b'\xff'),
        array(dtype=7),
        array(shape=[2]),
        array(shape=[-1]),
        array(shape=[True]),
        array(shape=[2**62, 2**62]),
        array(shape=[1] * 40),
        array(shape='1'),
        array(data='text'),
        {b'__ndarray__': True},
    ],
    ids=lambda message: str({key: value for key, value in message.items() if key != b'data'})[:60],
)
def test_odd_arrays_are_refused(message: dict) -> None:
    with pytest.raises(WireError):
        unpack(msgpack.packb({'value': message}), MAX)


@pytest.mark.parametrize(
    'data',
    [
        b'\x81' * 5000 + b'\xc0',  # nested mappings
        b'\x91' * 100000 + b'\xc0',
        b'\xdd\xff\xff\xff\xff',  # a list of 2^32 values
        b'\xdf\xff\xff\xff\xff',
        b'\xc6\xff\xff\xff\xff',
        msgpack.packb([1, 2]),
        msgpack.packb({'value': msgpack.ExtType(4, b'x')}),
        msgpack.packb({'value': 'x' * 10000}),
        msgpack.packb({'value': list(range(MAX_ITEMS + 1))}),
        msgpack.packb({1: 2}),
        msgpack.packb({'a': 1}) + b'\x00',
        b'',
    ],
    ids=lambda data: repr(data[:8]),
)
def test_what_is_too_deep_too_long_or_no_mapping_is_refused(data: bytes) -> None:
    with pytest.raises(WireError):
        unpack(data, MAX)


def test_objects_are_not_sent() -> None:
    for value in (object(), np.array([object()]), np.array(['text']), np.array([1j]), {1, 2}, 2**70):
        with pytest.raises(WireError):
            pack({'value': value})


def test_a_message_has_a_largest_size() -> None:
    with pytest.raises(WireError, match='allowed are 100'):
        unpack(pack({'value': np.zeros(100)}), 100)


def test_the_client_needs_three_packages_and_python_3_8() -> None:
    allowed = {'numpy', 'msgpack', 'websockets', 'genima_client'} | set(sys.stdlib_module_names)
    for path in Path(genima_client.__file__).parent.glob('*.py'):
        tree = ast.parse(path.read_text(), feature_version=(3, 8))
        for node in ast.walk(tree):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ''] if isinstance(node, ast.ImportFrom) else []
            assert {name.partition('.')[0] for name in names} <= allowed, path
            assert not isinstance(node, ast.Match)
