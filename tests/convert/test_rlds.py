# SPDX-License-Identifier: Apache-2.0
import contextlib
import json
import os
import subprocess
import sys
import zlib
from pathlib import Path

import cv2
import h5py
import numpy as np
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from genima.cameras.model import CameraModel, MountedCamera
from genima.convert.rlds.conversion import count, export, load
from genima.convert.rlds.dataset import read_dataset
from genima.convert.rlds.example import decode_example, encode_example
from genima.convert.rlds.features import Feature, from_json, to_json
from genima.convert.rlds.mapping import read_mapping
from genima.convert.rlds.tfrecord import list_records, write_record
from genima.convert.rlds.values import exact, numbers
from genima.episodes.episode import Episode
from genima.episodes.store import content_digest, read_episode, write_episode
from genima.errors import DatasetError

NAMES = ['episode_000000.h5', 'episode_000003.h5', 'episode_000007.h5']
# what tensorflow 2.21.0 serializes, and writes as a file with the records b'abc' and b''
TENSORFLOW_EXAMPLE = bytes.fromhex(
    '0a85020a320a06612f696e747312281a260a2400017f8001ac02ffffffffffffffffff01808080808080808040808080808080808080010a150a0162'
    '1210120e0a0c000000000000c0bfdb0f49400ab7010a016312b1010aae010a000a0378797a0aa401'
) + bytes(164)
TENSORFLOW_FILE = bytes.fromhex('0300000000000000b099490e6162636e57f121000000000000000029039807d8ea82a2')


def silent(name: str) -> None:
    """Take the name of a finished episode."""


def episode(seed: int, steps: int, plan_steps: int = 0) -> Episode:
    rng = np.random.default_rng(seed)
    single = lambda *shape: rng.normal(size=shape).astype(np.float32).astype(np.float64)  # noqa: E731
    model = CameraModel('front', 6, 5, np.array([[4.1, 0, 2.5], [0, 4.2, 2.0], [0, 0, 1]]))
    return Episode(
        timestamps_s=1.7e9 + np.cumsum(rng.uniform(0.03, 0.07, steps)),
        views={name: rng.integers(0, 256, (steps, 5, 6, 3), dtype=np.uint8) for name in ('front', 'wrist')},
        q_rad=single(steps, 7),
        gripper_open=rng.random(steps).astype(np.float32).astype(np.float64),
        q_command_rad=single(steps, 7),
        gripper_command_open=rng.integers(0, 2, steps).astype(np.float64),
        cameras={'front': MountedCamera(model, 'panda_link0', np.eye(4))},
        metadata={'robot': 'panda', 'instruction': f'pick number {seed}, größer', 'success': seed % 2 == 0, 'rate_hz': 20.0},
        plan_q_rad=single(steps, plan_steps, 7) if plan_steps else None,
        plan_gripper_open=rng.integers(0, 2, (steps, plan_steps)).astype(np.float64) if plan_steps else None,
        capture_s={'front': 1.7e9 + np.cumsum(rng.uniform(0.03, 0.07, steps))},
        ignore=rng.random(steps) < 0.3,
    )


@pytest.fixture
def native(tmp_path: Path) -> Path:
    """Episodes with a plan, with a shorter one, and with none."""
    for name, (seed, steps, plan_steps) in zip(NAMES, [(0, 4, 3), (1, 1, 2), (2, 7, 0)], strict=True):
        write_episode(tmp_path / 'native' / name, episode(seed, steps, plan_steps))
    (tmp_path / 'native/dataset.yaml').write_text('name: cubes\ndescription: Cubes.\nlicence: CC-BY-4.0\nversion: "1.2"\n')
    return tmp_path / 'native'


def digests(folder: Path) -> dict[str, str]:
    found = {}
    for path in sorted(folder.glob('episode_*.h5')):
        with h5py.File(path) as file:
            found[path.name] = content_digest(file)
    return found


def test_an_episode_comes_back_bit_for_bit(native: Path, tmp_path: Path) -> None:
    done: list[str] = []
    export(native, tmp_path / 'cubes', done.append)
    load(tmp_path / 'cubes', tmp_path / 'again', done.append)
    assert done == NAMES * 2
    assert digests(tmp_path / 'again') == digests(native)
    for name in NAMES:
        before, after = read_episode(native / name), read_episode(tmp_path / 'again' / name)
        for key in ('timestamps_s', 'q_rad', 'gripper_open', 'q_command_rad', 'gripper_command_open', 'ignore'):
            np.testing.assert_array_equal(getattr(after, key), getattr(before, key))
        np.testing.assert_array_equal(after.capture_s['front'], before.capture_s['front'])
        for camera in ('front', 'wrist'):
            np.testing.assert_array_equal(after.views[camera], before.views[camera])
        assert after.metadata == before.metadata
        assert {k: v.to_dict() for k, v in after.cameras.items()} == {k: v.to_dict() for k, v in before.cameras.items()}
        assert (after.plan_q_rad is None) == (before.plan_q_rad is None)
        if before.plan_q_rad is not None:
            np.testing.assert_array_equal(after.plan_q_rad, before.plan_q_rad)
            np.testing.assert_array_equal(after.plan_gripper_open, before.plan_gripper_open)
    assert yaml.safe_load((tmp_path / 'again/dataset.yaml').read_text())['licence'] == 'CC-BY-4.0'


def test_episodes_of_another_image_size_share_a_dataset(native: Path, tmp_path: Path) -> None:
    larger = episode(5, 3)
    larger.views['wrist'] = np.zeros((3, 8, 6, 3), dtype=np.uint8)
    write_episode(native / 'episode_000009.h5', larger)
    export(native, tmp_path / 'cubes', silent)
    assert json.loads((tmp_path / 'cubes/1.2.0/features.json').read_text())
    load(tmp_path / 'cubes', tmp_path / 'again', silent)
    assert digests(tmp_path / 'again') == digests(native)


def test_files_are_named_as_tfds_wants_them(native: Path, tmp_path: Path) -> None:
    export(native, tmp_path / 'my cubes', silent)
    folder = tmp_path / 'my cubes/1.2.0'
    shards = [f'my_cubes-train.tfrecord-0000{number}-of-00003' for number in range(3)]
    assert sorted(path.name for path in folder.iterdir()) == [
        'dataset_info.json', 'features.json', 'genima_manifest.json', 'metadata.json', *shards,
    ]  # fmt: skip
    info = json.loads((folder / 'dataset_info.json').read_text())
    assert info['name'] == 'my_cubes' and info['version'] == '1.2.0'
    assert info['redistributionInfo'] == {'license': 'CC-BY-4.0'}
    assert info['splits'][0]['shardLengths'] == ['1', '1', '1']
    assert count(tmp_path / 'my cubes') == count(native) == 3
    assert not list((tmp_path / 'my cubes').glob('.*'))


def test_steps_say_where_an_episode_begins_ends_and_whether_it_succeeded(native: Path, tmp_path: Path) -> None:
    export(native, tmp_path / 'cubes', silent)
    shards = sorted((tmp_path / 'cubes/1.2.0').glob('*.tfrecord-*'))
    succeeded, failed = (decode_example(list_records(path)[0].read()) for path in shards[:2])
    assert succeeded['steps/is_first'].tolist() == [1, 0, 0, 0]
    assert succeeded['steps/is_last'].tolist() == succeeded['steps/is_terminal'].tolist() == [0, 0, 0, 1]
    assert succeeded['steps/reward'].tolist() == [0, 0, 0, 1]
    assert failed['steps/is_last'].tolist() == [1]
    assert failed['steps/is_terminal'].tolist() == failed['steps/reward'].tolist() == [0]
    assert bytes(failed['steps/language_instruction'][0]).decode() == 'pick number 1, größer'
    state, gripper = failed['steps/observation/state'], failed['steps/observation/gripper']
    np.testing.assert_array_equal(state, np.concatenate([failed['steps/observation/joint_positions'], gripper]))


def test_an_interrupted_export_goes_on_where_it_was(native: Path, tmp_path: Path) -> None:
    class PowerCutError(Exception):
        pass

    def stop(name: str) -> None:
        raise PowerCutError

    with pytest.raises(PowerCutError):
        export(native, tmp_path / 'cubes', stop)
    (finished,) = (tmp_path / 'cubes/.1.2.0.partial').iterdir()
    written = finished.stat().st_mtime_ns
    assert not (tmp_path / 'cubes/1.2.0').exists()
    done: list[str] = []
    export(native, tmp_path / 'cubes', done.append)
    assert done == NAMES
    assert (tmp_path / 'cubes/1.2.0/cubes-train.tfrecord-00000-of-00003').stat().st_mtime_ns == written


def test_a_changed_episode_is_not_taken_for_the_finished_one(native: Path, tmp_path: Path) -> None:
    export(native, tmp_path / 'cubes', silent)
    done: list[str] = []
    export(native, tmp_path / 'cubes', done.append)
    assert done == NAMES
    write_episode(native / NAMES[0], episode(8, 4, 3))
    with pytest.raises(DatasetError, match='release a new version'):
        export(native, tmp_path / 'cubes', silent)


def test_loading_leaves_what_is_there(native: Path, tmp_path: Path) -> None:
    export(native, tmp_path / 'cubes', silent)
    write_episode(tmp_path / 'again' / NAMES[1], episode(8, 2))
    done: list[str] = []
    load(tmp_path / 'cubes', tmp_path / 'again', done.append, workers=2)
    assert sorted(done) == NAMES
    assert len(read_episode(tmp_path / 'again' / NAMES[1])) == 2
    assert digests(tmp_path / 'again')[NAMES[2]] == digests(native)[NAMES[2]]


def test_episodes_with_other_cameras_are_refused(native: Path, tmp_path: Path) -> None:
    odd = episode(4, 3)
    del odd.views['wrist']
    write_episode(native / 'episode_000009.h5', odd)
    with pytest.raises(DatasetError, match=r"episode_000009.h5 has 7 joints and cameras \['front'\]"):
        export(native, tmp_path / 'cubes', silent)


def shard_of(tmp_path: Path, native: Path) -> Path:
    export(native, tmp_path / 'cubes', silent)
    return tmp_path / 'cubes/1.2.0/cubes-train.tfrecord-00002-of-00003'


@pytest.mark.parametrize(
    ('damage', 'message'),
    [
        (lambda data: data[:-5], 'bytes before record 0 does'),
        (lambda data: data[:6], 'within the header'),
        (lambda data: data[:500] + bytes([data[500] ^ 1]) + data[501:], 'CRC-32C'),
        (lambda data: b'\x01' + data[1:], 'no TFRecord header'),
        (lambda data: b'', 'has 0 records'),
    ],
    ids=['cut', 'cut header', 'flipped bit', 'other length', 'empty'],
)
def test_a_damaged_shard_is_named(damage, message: str, native: Path, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    shard = shard_of(tmp_path, native)
    shard.write_bytes(damage(shard.read_bytes()))
    with pytest.raises(DatasetError, match=message) as error:
        load(tmp_path / 'cubes', tmp_path / 'again', silent)
    assert shard.name in str(error.value)


def test_an_episode_that_is_not_the_exported_one_is_refused(native: Path, tmp_path: Path) -> None:
    shard = shard_of(tmp_path, native)
    record = {name: field if isinstance(field, np.ndarray) else [bytes(value) for value in field]
              for name, field in decode_example(list_records(shard)[0].read()).items()}  # fmt: skip
    record['steps/observation/time'] = exact(np.arange(7.0))
    write_record(shard, encode_example(record))
    with pytest.raises(DatasetError, match='not what was exported'):
        load(tmp_path / 'cubes', tmp_path / 'again', silent)
    assert not (tmp_path / 'again' / NAMES[2]).exists()


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


# an export of somebody else, as tensorflow_datasets writes its description


def message(kind: str, content: dict, name: str = '') -> dict:
    return {'pythonClassName': f'tensorflow_datasets.core.features.{name or kind}', kind: content}


def tensor(dtype: str, *shape: int) -> dict:
    dimensions = {'dimensions': [str(size) for size in shape]} if shape else {}
    return message('tensor', {'shape': dimensions, 'dtype': dtype, 'encoding': 'none'}, 'tensor_feature.Tensor')


def image(*shape: int, coded: str = 'jpeg', dtype: str = 'uint8') -> dict:
    dimensions = {'dimensions': [str(size) for size in shape]}
    return message('image', {'shape': dimensions, 'dtype': dtype, 'encodingFormat': coded}, 'image_feature.Image')


def group(**features: dict) -> dict:
    return message('featuresDict', {'features': features}, 'features_dict.FeaturesDict')


JOINTS = np.array([0.1, -0.2, 0.3, -2.0, 0.1, 2.0, 0.7])
STEPS = [3, 2, 4]


@pytest.fixture
def foreign(tmp_path: Path) -> Path:
    """Three episodes in two shards: joints and gripper within `state`, an RGB, a wrist and a depth picture."""
    folder = tmp_path / 'lab_cubes/0.1.0'
    folder.mkdir(parents=True)
    observation = group(
        image=image(8, 10, 3),
        wrist_image=image(-1, -1, 3, coded='png'),
        depth=image(8, 10, 1, coded='png', dtype='float32'),
        state=tensor('float32', 9),
        tokens=message('sequence', {'feature': tensor('int32'), 'length': '-1'}, 'sequence_feature.Sequence'),
    )
    steps = group(
        observation=observation,
        action=tensor('float32', 7),
        is_last=message('tensor', {'shape': {}, 'dtype': 'bool', 'encoding': 'none'}, 'scalar.Scalar'),
        language_instruction=message('text', {}, 'text_feature.Text'),
    )
    features = group(steps=message('sequence', {'feature': steps, 'length': '-1'}, 'dataset_feature.Dataset'))
    info = {
        'name': 'lab_cubes', 'version': '0.1.0', 'fileFormat': 'tfrecord', 'citation': 'none',
        'redistributionInfo': {'license': 'MIT'},
        'splits': [{'name': 'train', 'shardLengths': ['2'], 'filepathTemplate': ''},
                   {'name': 'val', 'shardLengths': ['1']}],
    }  # fmt: skip
    (folder / 'features.json').write_text(json.dumps(features))
    (folder / 'dataset_info.json').write_text(json.dumps(info))
    for index in range(3):
        write_record(tmp_path / f'{index}', encode_example(foreign_record(index)))
    two = (tmp_path / '0').read_bytes() + (tmp_path / '1').read_bytes()
    (folder / 'lab_cubes-train.tfrecord-00000-of-00001').write_bytes(two)
    (folder / 'lab_cubes-val.tfrecord-00000-of-00001').write_bytes((tmp_path / '2').read_bytes())
    return tmp_path / 'lab_cubes'


def foreign_record(index: int) -> dict:
    steps = STEPS[index]
    state = np.zeros((steps, 9), dtype=np.float32)
    state[:, 1:8] = JOINTS + 0.01 * np.arange(steps)[:, None]
    state[:, 8] = np.linspace(0.0, 0.08, steps)
    rgb = foreign_picture(index)
    return {
        'steps/observation/image': [cv2.imencode('.jpg', rgb[..., ::-1])[1].tobytes()] * steps,
        'steps/observation/wrist_image': [cv2.imencode('.png', rgb[..., ::-1])[1].tobytes()] * steps,
        'steps/observation/depth': [b'unread'] * steps,
        'steps/observation/state': state,
        'steps/observation/tokens/ragged_flat_values': np.arange(4),
        'steps/action': np.zeros((steps, 7), dtype=np.float32),
        'steps/is_last': np.arange(steps) == steps - 1,
        'steps/language_instruction': [b'put the cube away'] * steps,
    }


def foreign_picture(index: int) -> np.ndarray:
    rgb = np.full((8, 10, 3), (200, 30, 60 + index), dtype=np.uint8)
    rgb[:4] = (10, 220, 90)
    return rgb


def mapping(tmp_path: Path, **changes: object) -> Path:
    values = {
        'robot': 'panda', 'rate_hz': 15, 'joints': 'observation/state[1:8]',
        'gripper': {'key': 'observation/state[8]', 'open': 0.08, 'closed': 0.0},
    }  # fmt: skip
    values.update(changes)
    (tmp_path / 'mapping.yaml').write_text(
        yaml.safe_dump({key: value for key, value in values.items() if value is not None})
    )
    return tmp_path / 'mapping.yaml'


def test_a_dataset_of_open_x_embodiment_is_read(foreign: Path, tmp_path: Path) -> None:
    assert count(foreign) == 3
    done: list[str] = []
    load(foreign, tmp_path / 'native', done.append, mapping=mapping(tmp_path, metadata={'task': 'tidy'}))
    assert done == [f'episode_00000{index}.h5' for index in range(3)]
    for index, name in enumerate(done):
        got = read_episode(tmp_path / 'native' / name)
        assert len(got) == STEPS[index]
        joints = (JOINTS + 0.01 * np.arange(len(got))[:, None]).astype(np.float32)
        np.testing.assert_array_equal(got.q_rad, joints)
        np.testing.assert_array_equal(got.q_command_rad, [*joints[1:], joints[-1]])
        np.testing.assert_allclose(got.gripper_open, np.linspace(0, 1, len(got)), atol=1e-6)
        np.testing.assert_allclose(got.timestamps_s, np.arange(len(got)) / 15)
        assert sorted(got.views) == ['image', 'wrist_image']
        np.testing.assert_array_equal(got.views['wrist_image'], [foreign_picture(index)] * len(got))
        difference = np.abs(got.views['image'].astype(int) - foreign_picture(index))
        assert np.median(difference) < 3 and not got.cameras  # a JPEG; swapped colours would be 140 off
    assert got.metadata['instruction'] == 'put the cube away' and got.metadata['task'] == 'tidy'
    assert got.metadata['source'] == 'RLDS lab_cubes 0.1.0, split val, episode 2'
    assert got.metadata['licence'] == 'MIT' and got.metadata['success'] is None and got.metadata['rate_hz'] == 15


def test_commands_views_and_calibration_can_be_named(foreign: Path, tmp_path: Path) -> None:
    camera = MountedCamera(CameraModel('wrist', 10, 8, np.diag([9.0, 9.0, 1.0])), 'panda_hand', np.eye(4))
    given = mapping(
        tmp_path,
        joint_command='action',
        gripper_command={'key': 'action[6]', 'open': -1, 'closed': 0},
        views={'wrist': 'observation/wrist_image'},
        camera_params={'wrist': camera.to_dict()},
    )
    load(foreign, tmp_path / 'native', silent, mapping=given)
    got = read_episode(tmp_path / 'native/episode_000001.h5')
    assert not got.q_command_rad.any() and not got.gripper_command_open.any()
    assert list(got.views) == ['wrist'] and got.cameras['wrist'].to_dict() == camera.to_dict()


@pytest.mark.parametrize(
    ('changes', 'expected'),
    [
        ({'joints': None}, r'no joint positions were found.*observation/state \(tensor float32 9\)'),
        ({'joints': 'observation/states'}, r"joints: 'observation/states' is no key.*observation/state"),
        ({'joints': 'observation/state[0:6]'}, 'gives 6 of 9 columns, 7 are needed'),
        ({'joints': 'observation/state[2:12]'}, 'gives 10 of 9 columns'),
        ({'joints': 'observation/state[0:7]'}, r'panda_joint4 is 0\.\d+ rad beyond the limits'),
        ({'robot': None, 'rate_hz': None}, r'does not say what robot, rate_hz \(or time_s\) is'),
        ({'gripper': {'key': 'observation/state[8]'}}, 'gripper needs key, open and closed'),
        ({'gripper': {'key': 'observation/state[8]', 'open': 1, 'closed': 1}}, 'must differ'),
        ({'views': {'top': 'observation/depth'}}, r'observation/depth.* is no RGB picture'),
        ({'instruction': 'said'}, "there is no key 'said'"),
        ({'rate_hz': -3}, 'must be a number above 0'),
        ({'speed': 3}, r"unknown keys \['speed'\]"),
        ({'camera_params': {'wrist': {'K': 1}}}, 'camera_params of the mapping file cannot be used'),
    ],
)
def test_what_cannot_be_mapped_is_refused(changes: dict, expected: str, foreign: Path, tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match=expected):
        load(foreign, tmp_path / 'native', silent, mapping=mapping(tmp_path, **changes))
    assert not list((tmp_path / 'native').glob('*.h5'))


def test_without_a_mapping_the_message_lists_the_keys(foreign: Path, tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match=r'robot, gripper, rate_hz .* observation/wrist_image \(image uint8 \?x\?x3\)'):
        load(foreign, tmp_path / 'native', silent)


def test_joints_are_found_by_name(tmp_path: Path) -> None:
    features = {
        'steps/observation/joint_state': Feature('tensor', 'float32', (14,)),
        'steps/observation/joint_position': Feature('tensor', 'float64', (7,)),
        'steps/observation/grip': Feature('tensor', 'float32', (1,)),
        'steps/observation/image_top': Feature('image', 'uint8', (4, 4, 3), 'jpeg'),
        'steps/observation/natural_language_instruction': Feature('tensor', 'string'),
    }
    given = mapping(tmp_path, joints=None, gripper={'key': 'observation/grip', 'open': 0, 'closed': 1})
    found = read_mapping(given, features)
    assert found.joints.name == 'steps/observation/joint_position'
    assert found.views == {'top': 'steps/observation/image_top'}
    assert found.instruction == 'steps/observation/natural_language_instruction'


@pytest.mark.parametrize(
    ('file', 'content', 'expected'),
    [
        ('dataset_info.json', '{"name": "x", "version": "1.0.0", "fileFormat": "array_record"}', 'only tfrecord'),
        ('dataset_info.json', '{"version": "1.0.0"}', 'cannot be read'),
        ('dataset_info.json', '[]', 'holds a list'),
        ('features.json', '{"type": "tensorflow_datasets.FeaturesDict", "content": {}}', 'before 4.6'),
        ('features.json', '{', 'cannot be read'),
    ],
)
def test_a_description_that_is_not_understood_is_refused(
    file: str, content: str, expected: str, foreign: Path, tmp_path: Path
) -> None:
    (foreign / '0.1.0' / file).write_text(content)
    with pytest.raises(DatasetError, match=expected):
        load(foreign, tmp_path / 'native', silent, mapping=mapping(tmp_path))


def test_a_folder_without_a_dataset_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match='it is no dataset of tfds'):
        load(tmp_path, tmp_path / 'native', silent)


def with_tfds(*arguments: object) -> str:
    script = Path(__file__).with_name('tfds_opens.py')
    command = [os.environ['GENIMA_TFDS_PYTHON'], script, *arguments]
    ran = subprocess.run([str(part) for part in command], capture_output=True, text=True, timeout=500)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    return ran.stdout


needs_tfds = pytest.mark.skipif(
    'GENIMA_TFDS_PYTHON' not in os.environ, reason='GENIMA_TFDS_PYTHON names no python with tfds'
)


@pytest.mark.slow
@needs_tfds
def test_tfds_opens_an_export_and_reads_the_same(native: Path, tmp_path: Path) -> None:
    export(native, tmp_path / 'cubes', silent)
    said = with_tfds('compare', tmp_path / 'cubes/1.2.0', native)
    sys.stdout.write(said)
    assert '3 episodes, 12 steps, 24 pictures equal' in said


@pytest.mark.slow
@needs_tfds
def test_what_tfds_writes_is_read(tmp_path: Path) -> None:
    with_tfds('write', tmp_path / 'lab')
    given = mapping(tmp_path, joints=None, gripper={'key': 'observation/grip', 'open': 0, 'closed': 200})
    load(tmp_path / 'lab', tmp_path / 'native', silent, mapping=given)
    assert count(tmp_path / 'lab') == len(list((tmp_path / 'native').glob('*.h5'))) == 3
    got = read_episode(tmp_path / 'native/episode_000002.h5')
    np.testing.assert_allclose(got.q_rad, JOINTS + 0.01 * np.arange(4)[:, None], atol=1e-6)
    np.testing.assert_allclose(got.gripper_open, [0, 0.5, 1, 1 - 101 / 200], atol=1e-6)
    pictures = [np.random.default_rng([2, step]).integers(0, 256, (8, 10, 3), dtype=np.uint8) for step in range(4)]
    np.testing.assert_array_equal(got.views['image'], pictures)
    assert got.metadata['instruction'] == 'tidy up' and got.metadata['licence'] == 'MIT'
    dataset = read_dataset(tmp_path / 'lab')
    record = decode_example(dataset.records()[2][1].read())
    state = numbers('state', dataset.features['steps/observation/state'], record['steps/observation/state'])
    np.testing.assert_array_equal(state, np.arange(9) / 7 + np.arange(4)[:, None])
    assert record['steps/observation/count'].tolist() == [1700] * 4
