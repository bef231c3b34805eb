# SPDX-License-Identifier: Apache-2.0
"""Datasets of others, as Open X-Embodiment has them, become native episodes by a mapping."""

import json
from pathlib import Path

import cv2
import numpy as np
import pytest
import yaml
from run_tfds import needs_tfds, with_tfds

from genima.cameras.model import CameraModel, MountedCamera
from genima.convert.rlds.conversion import count, load
from genima.convert.rlds.dataset import read_dataset
from genima.convert.rlds.example import decode_example, encode_example
from genima.convert.rlds.features import Feature
from genima.convert.rlds.mapping import read_mapping
from genima.convert.rlds.tfrecord import write_record
from genima.convert.rlds.values import numbers
from genima.episodes.store import read_episode
from genima.errors import DatasetError


def silent(name: str) -> None:
    """Take the name of a finished episode."""


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
