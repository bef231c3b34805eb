# SPDX-License-Identifier: Apache-2.0
"""Records, examples and features are those of TensorFlow."""

import contextlib
import json
import zlib
from pathlib import Path

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from genima.convert.rlds.example import decode_example, encode_example
from genima.convert.rlds.features import Feature, from_json, to_json
from genima.convert.rlds.tfrecord import list_records, write_record
from genima.convert.rlds.values import exact, numbers
from genima.errors import DatasetError

# what tensorflow 2.21.0 serializes, and writes as a file with the records b'abc' and b''
TENSORFLOW_EXAMPLE = bytes.fromhex(
    '0a85020a320a06612f696e747312281a260a2400017f8001ac02ffffffffffffffffff01808080808080808040808080808080808080010a150a0162'
    '1210120e0a0c000000000000c0bfdb0f49400ab7010a016312b1010aae010a000a0378797a0aa401'
) + bytes(164)
TENSORFLOW_FILE = bytes.fromhex('0300000000000000b099490e6162636e57f121000000000000000029039807d8ea82a2')


def test_records_and_examples_are_those_of_tensorflow(tmp_path: Path) -> None:
    values = {
        'a/ints': np.array([0, 1, 127, 128, 300, -1, 2**62, -(2**63)]),
        'b': np.array([0.0, -1.5, 3.1415927], dtype=np.float32),
        'c': [b'', b'xyz', bytes(164)],
    }
    assert b''.join(encode_example(values)) == TENSORFLOW_EXAMPLE
    for number, data in enumerate((b'abc', b'')):
        write_record(tmp_path / str(number), [data])
    assert (tmp_path / '0').read_bytes() + (tmp_path / '1').read_bytes() == TENSORFLOW_FILE
    (tmp_path / 'both').write_bytes(TENSORFLOW_FILE)
    assert [bytes(record.read()) for record in list_records(tmp_path / 'both')] == [b'abc', b'']


@given(
    arrays(np.int64, st.integers(0, 20), elements=st.integers(-(2**63), 2**63 - 1)),
    arrays(np.float32, st.integers(0, 20), elements=st.floats(width=32, allow_nan=False)),
    st.lists(st.binary(max_size=300)),
)
def test_any_values_come_back(integers: np.ndarray, floats: np.ndarray, texts: list[bytes]) -> None:
    message = b''.join(encode_example({'i': integers, 'f': floats, 'b': texts}))
    fields = decode_example(memoryview(message))
    np.testing.assert_array_equal(fields['i'], integers)
    np.testing.assert_array_equal(fields['f'], floats)
    assert [bytes(value) for value in fields['b']] == texts


@given(st.binary(max_size=200))
def test_no_data_crash_the_decoder(data: bytes) -> None:
    with contextlib.suppress(DatasetError):
        decode_example(memoryview(data))


@given(arrays(np.float64, st.integers(1, 9)))
def test_float64_keeps_every_bit(values: np.ndarray) -> None:
    field = [memoryview(value) for value in exact(values)]
    again = numbers('time', Feature('tensor', 'float64', (), 'bytes'), field)
    assert again.tobytes() == values.tobytes()


def test_compressed_tensors_are_read() -> None:
    values = np.arange(12, dtype=np.float32).reshape(2, 3, 2)
    field = [memoryview(zlib.compress(value.tobytes())) for value in values]
    again = numbers('x', Feature('tensor', 'float32', (3, 2), 'zlib'), field)
    np.testing.assert_array_equal(again, values)


def test_features_come_back_from_json() -> None:
    features = {
        'steps/observation/image': Feature('image', 'uint8', (None, None, 3), 'png'),
        'steps/action': Feature('tensor', 'float32', (7,), description='what to do'),
        'steps/said': Feature('text'),
        'about/name': Feature('text'),
    }
    assert from_json(json.loads(json.dumps(to_json(features)))) == features
