# SPDX-License-Identifier: Apache-2.0
"""Opens an RLDS export with tensorflow_datasets and compares it with the native episodes.

Runs in an environment of its own, without genima: python tfds_opens.py EXPORT/VERSION NATIVE_FOLDER
Needs tensorflow (or tensorflow-cpu), tensorflow-datasets and h5py.
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
    'time': 'timestamps',
}


def compare(steps: list[dict], about: dict, file: h5py.File) -> int:
    """Return the number of equal pictures of an episode; raise AssertionError where something differs."""
    assert len(steps) == len(file['timestamps'])
    seen = [step['observation'] for step in steps]
    for ours, native in SAME.items():
        equal(np.stack([each[ours] for each in seen]), file[native][:], ours)
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
        if name.startswith('rgb_'):
            camera = name.removeprefix('rgb_')
            for each, frame in zip(seen, item, strict=True):
                equal(each[f'image_{camera}'], frame, camera)
                pictures += 1
    return pictures


def equal(ours: np.ndarray, native: np.ndarray, name: str) -> None:
    """Raise AssertionError unless types, shapes and all bits are equal."""
    assert ours.dtype == native.dtype and ours.shape == native.shape, (name, ours.dtype, native.dtype, ours.shape)
    assert ours.tobytes() == native.tobytes(), name


def main(export: str, native: Path) -> None:
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


if __name__ == '__main__':
    main(sys.argv[1], Path(sys.argv[2]))
