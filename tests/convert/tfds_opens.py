# SPDX-License-Identifier: Apache-2.0
"""Opens an RLDS export with tensorflow_datasets and compares it with the native episodes, or writes a dataset of its own.

Runs in an environment of its own, without genima; it needs tensorflow (or tensorflow-cpu), tensorflow-datasets and h5py:

    python tfds_opens.py compare EXPORT/VERSION NATIVE_FOLDER
    python tfds_opens.py write FOLDER
"""

import json
import os
import sys
from pathlib import Path

os.environ.setdefault('TF_CPP_MIN_LOG_LEVEL', '2')

import h5py
import numpy as np
import tensorflow_datasets as tfds

SAME = {
    'joint_positions': 'observations/joint_positions',
    'gripper': 'observations/gripper',
}


def compare(steps: list[dict], about: dict, file: h5py.File) -> int:
    """Return the number of equal pictures of an episode; raise AssertionError where something differs."""
    assert len(steps) == len(file['timestamps'])
    seen = [step['observation'] for step in steps]
    for ours, native in SAME.items():
        equal(np.stack([each[ours] for each in seen]), file[native][:], ours)
    equal(np.stack([each['time'] for each in seen]), file['timestamps'][:, 0], 'time')
    joints, gripper = file['actions/joint_positions'][:], file['actions/gripper'][:]
    equal(np.stack([step['action'] for step in steps]), np.hstack([joints, gripper.astype(np.float32)]), 'action')
    equal(np.stack([step['ignore'] for step in steps]), file['annotations/ignore'][:], 'ignore')
    assert [bool(step['is_first']) for step in steps] == [index == 0 for index in range(len(steps))]
    known = int(about['plan_steps'])
    if known:
        plan = np.stack([step['plan_joint_positions'][:known] for step in steps])
        equal(plan, file['actions/plan_joint_positions'][:], 'plan')
        equal(np.stack([step['plan_gripper'][:known] for step in steps]), file['actions/plan_gripper'][:], 'plan_gripper')
    assert json.loads(about['metadata']) == json.loads(file['metadata/episode'].asstr()[()])
    assert json.loads(about['camera_params']) == json.loads(file['metadata/camera_params'].asstr()[()])
    pictures = 0
    for name, item in file['observations'].items():
        if name.startswith('capture_time_'):
            equal(np.stack([each[name] for each in seen]), item[:], name)
        if name.startswith('rgb_') and name != 'rgb_third_person':  # a link
            camera = name.removeprefix('rgb_')
            for each, frame in zip(seen, item, strict=True):
                equal(each[f'image_{camera}'], frame, camera)
                pictures += 1
    return pictures


def equal(ours: np.ndarray, native: np.ndarray, name: str) -> None:
    """Raise AssertionError unless types, shapes and all bits are equal."""
    assert ours.dtype == native.dtype and ours.shape == native.shape, (name, ours.dtype, native.dtype, ours.shape)
    assert ours.tobytes() == native.tobytes(), name


def compare_all(export: str, native: Path) -> None:
    """Compare all episodes and say how many there were."""
    builder = tfds.builder_from_directory(export)
    print(builder.info.features)
    episodes = total = pictures = 0
    for episode in builder.as_dataset(split='train'):
        about = {name: value.numpy() for name, value in episode['episode_metadata'].items()}
        steps = list(tfds.as_numpy(episode['steps']))
        with h5py.File(native / about['file_path'].decode()) as file:
            pictures += compare(steps, about, file)
        episodes, total = episodes + 1, total + len(steps)
    assert episodes == builder.info.splits['train'].num_examples == len(list(native.glob('episode_*.h5')))
    print(f'{episodes} episodes, {total} steps, {pictures} pictures equal')


def write(folder: Path) -> None:
    """Write three episodes of 2, 3 and 4 steps as a lab would, with every way in which tfds stores a number."""
    folder.mkdir()
    observation = {
        'joint_position': tfds.features.Tensor(shape=(7,), dtype=np.float64),
        'state': tfds.features.Tensor(shape=(9,), dtype=np.float64, encoding='zlib'),
        'grip': tfds.features.Tensor(shape=(1,), dtype=np.uint8, encoding='bytes'),
        'count': np.int32,
        'image': tfds.features.Image(shape=(8, 10, 3)),
        'tokens': tfds.features.Sequence(np.int32),
    }
    steps = {'observation': observation, 'is_last': np.bool_, 'language_instruction': tfds.features.Text()}
    features = tfds.features.FeaturesDict(
        {'steps': tfds.features.Dataset(steps), 'kind': tfds.features.ClassLabel(num_classes=2)}
    )
    identity = tfds.core.dataset_info.DatasetIdentity(
        name='lab', version=tfds.core.Version('2.0.0'), data_dir=str(folder), module_name='lab'
    )
    info = tfds.core.DatasetInfo(builder=identity, features=features, license='MIT')
    writer = tfds.core.SequentialWriter(info, max_examples_per_shard=2)
    writer.initialize_splits(['train'])
    writer.add_examples(
        {'train': [{'steps': [_step(index, step) for step in range(index + 2)], 'kind': 1} for index in range(3)]}
    )
    writer.close_all()


def _step(index: int, step: int) -> dict:
    seen = {
        'joint_position': np.array([0.1, -0.2, 0.3, -2.0, 0.1, 2.0, 0.7]) + 0.01 * step,
        'state': np.arange(9) / 7 + step,
        'grip': np.array([200 - 100 * step % 201], dtype=np.uint8),
        'count': 1000 * index - 300,
        'image': np.random.default_rng([index, step]).integers(0, 256, (8, 10, 3), dtype=np.uint8),
        'tokens': list(range(step)),
    }
    return {'observation': seen, 'is_last': step == index + 1, 'language_instruction': 'tidy up'}


if __name__ == '__main__':
    if sys.argv[1] == 'write':
        write(Path(sys.argv[2]))
    else:
        compare_all(sys.argv[2], Path(sys.argv[3]))
