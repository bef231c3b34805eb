# SPDX-License-Identifier: Apache-2.0
"""What RLBench needs of a pickle is read; nothing that a pickle names is imported or called."""

import contextlib
import pickle
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from genima.convert.rlbench.safe_pickle import Record, read_pickle
from genima.errors import DatasetError


@pytest.mark.parametrize('protocol', [2, 3, 4, 5])
@pytest.mark.parametrize('dtype', ['f4', '>f8', 'i2', 'u1', 'u8', '?'])
def test_arrays_of_all_numbers_come_back(dtype: str, protocol: int) -> None:
    values = np.arange(12).reshape(2, 3, 2).astype(dtype)
    for array in (values, np.asfortranarray(values), values[:, ::2], values[:0], values[1, 1, 1]):
        got = read_pickle(pickle.dumps([array, array], protocol))
        np.testing.assert_array_equal(got[0], array)
        assert np.asarray(got[0]).shape == array.shape and got[1] is got[0]


@pytest.mark.parametrize(
    'data',
    [
        b"(S'touch /tmp/genima_attack'\nios\nsystem\n.",  # INST
        b"cos\nsystem\n(S'touch /tmp/genima_attack'\ntR.",  # GLOBAL, REDUCE
        b'Pname\n.',  # a persistent id
        b'\x80\x02\x82\x01.',  # an extension code
        b'\x80\x04\x8c\x05numpy\x8c\x07ndarray\x93\x8c\x01x\x85R.',  # ndarray called
        b'\x80\x04\x8c\x0crlbench.demo\x8c\x04Demo\x93)R.',  # Demo called
        b'\x80\x04\x8c\x05numpy\x8c\x05dtype\x93\x8c\x01O\x89\x88\x87R\x8c\x01x\x85b.',
        b'\x80\x04]}\x8c\x01as.',  # items set in a list
        b'\x80\x04}K\x01a.',  # a value appended to a dict
        b'\x80\x04\x85.', b'\x80\x04h\x05.', b'\x80\x04K\x01', b'\x80\x04e.', b'.', b'', b'PK',
    ],
)  # fmt: skip
def test_no_other_trick_works(data: bytes) -> None:
    with pytest.raises(DatasetError):
        read_pickle(data)
    assert not Path('/tmp/genima_attack').exists()


def test_an_array_of_objects_is_refused() -> None:
    with pytest.raises(DatasetError, match='something else than numbers'):
        read_pickle(pickle.dumps(np.array([{}, []], dtype=object), 4))


def test_a_name_is_not_imported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / 'rlbench').mkdir()
    (tmp_path / 'rlbench/__init__.py').write_text('')
    (tmp_path / 'rlbench/demo.py').write_text(f'open({str(tmp_path / "victim")!r}, "w")\nclass Demo: pass\n')
    monkeypatch.syspath_prepend(str(tmp_path))
    got = read_pickle(b'\x80\x04\x8c\x0crlbench.demo\x8c\x04Demo\x93)\x81}\x8c\x01aK\x07sb.')
    assert got == Record('Demo', {'a': 7})
    assert 'rlbench.demo' not in sys.modules and not (tmp_path / 'victim').exists()


VALID = pickle.dumps([{'a': np.arange(3.0), 'b': (1, 2.5, 'text', None, True)}, np.float32(2), b'raw', [10**30, -3]], 4)


@settings(max_examples=300)
@given(st.data())
def test_a_damaged_pickle_is_refused_or_read_but_never_crashes(data: st.DataObject) -> None:
    damaged = bytearray(VALID)
    for _ in range(data.draw(st.integers(1, 4))):
        damaged[data.draw(st.integers(0, len(VALID) - 1))] = data.draw(st.integers(0, 255))
    end = data.draw(st.integers(0, len(VALID)))
    with contextlib.suppress(DatasetError):
        read_pickle(bytes(damaged[:end]))
