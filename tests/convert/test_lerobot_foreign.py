# SPDX-License-Identifier: Apache-2.0
"""LeRobot datasets of others: what they say is understood, what they do not say is asked for."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
from lerobot_cases import PANDA_JOINTS, edit_info, make_episode, save, silent

from genima.convert.lerobot import conversion as lerobot
from genima.episodes.store import read_episode
from genima.errors import DatasetError, GenimaError


@pytest.fixture
def foreign(tmp_path: Path) -> Path:
    """A dataset of a Panda as others would record it: no trace of us, joints in another order, a gripper in metres."""
    episodes = [make_episode(seed, cameras=2) for seed in range(2)]
    for episode in episodes:
        episode.q_rad = episode.q_rad * 0.1 + [0.0, -0.2, 0.0, -2.3, 0.0, 2.1, 0.7]
        episode.q_command_rad = episode.q_rad + 0.01
    folder = tmp_path / 'foreign'
    lerobot.export(save(tmp_path / 'original', *episodes), folder, silent, images='png')
    info = json.loads((folder / 'meta/info.json').read_text())
    features = {key: each for key, each in info['features'].items() if not key.startswith('genima.')}
    for key in ('observation.state', 'action'):
        features[key]['names'] = {'motors': [f'{name}.pos' for name in reversed(features[key]['names'])]}
    edit_info(folder, features=features, robot_type='franka')
    for path in sorted(folder.rglob('file-*.parquet')):
        table = pq.read_table(path)
        table = table.select([name for name in table.column_names if not name.startswith('genima')])
        for key in {'observation.state', 'action'} & set(table.column_names):
            values = np.array(table[key].to_pylist(), dtype=np.float32)[:, ::-1] * np.float32([0.08, *[1] * 7])
            table = table.set_column(table.column_names.index(key), key, [list(values)])
        pq.write_table(table, path)
    (folder / 'meta/genima.json').unlink()
    return folder


@pytest.fixture
def camera_params(tmp_path: Path) -> Path:
    cameras = make_episode(cameras=2).cameras
    (tmp_path / 'cameras.json').write_text(json.dumps({name: camera.to_dict() for name, camera in cameras.items()}))
    return tmp_path / 'cameras.json'


def test_a_foreign_dataset_is_read_when_it_is_explained(foreign: Path, camera_params: Path, tmp_path: Path) -> None:
    lerobot.load(foreign, tmp_path / 'again', silent, 1, 'panda', camera_params, (0.0, 0.08))
    for number in range(2):
        before = read_episode(tmp_path / f'original/episode_{number * 3:06d}.h5')
        after = read_episode(tmp_path / f'again/episode_{number:06d}.h5')
        np.testing.assert_array_equal(after.q_rad, before.q_rad)
        np.testing.assert_allclose(after.gripper_open, before.gripper_open, atol=1e-6)
        np.testing.assert_array_equal(after.gripper_command_open, before.gripper_command_open)
        np.testing.assert_array_equal(after.views['cam_1'], before.views['cam_1'])
        np.testing.assert_allclose(after.timestamps_s, np.arange(4) / 10)
        assert after.metadata['instruction'] == before.metadata['instruction']
        assert after.metadata['joint_names'] == PANDA_JOINTS
        assert after.metadata['success'] is None


def test_what_a_foreign_dataset_lacks_is_asked_for(foreign: Path, camera_params: Path, tmp_path: Path) -> None:
    def load(**told: Any) -> None:
        lerobot.load(foreign, tmp_path / 'again', silent, **told)

    with pytest.raises(DatasetError, match='--robot'):
        load()
    with pytest.raises(DatasetError, match=r'0\.\d+; say what it is when closed and when open with --gripper-range'):
        load(robot='panda', camera_params=camera_params, gripper_range=(0.0, 0.01))
    with pytest.raises(DatasetError, match='closed and when open'):
        load(robot='panda', camera_params=camera_params, gripper_range=(1.0, 1.0))
    with pytest.raises(DatasetError, match=r'cam_0, cam_1; give it with --camera-params'):
        load(robot='panda', gripper_range=(0.0, 0.08))
    with pytest.raises(DatasetError, match='ur5e has the joints'):
        load(robot='ur5e')
    with pytest.raises(GenimaError, match='nobody'):
        load(robot='nobody')
    one = json.loads(camera_params.read_text())
    del one['cam_1']
    camera_params.write_text(json.dumps(one))
    with pytest.raises(DatasetError, match='no calibration of cam_1'):
        load(robot='panda', camera_params=camera_params, gripper_range=(0.0, 0.08))


def test_joints_in_degrees_are_refused(foreign: Path, camera_params: Path, tmp_path: Path) -> None:
    path = foreign / 'data/chunk-000/file-000.parquet'
    table = pq.read_table(path)
    degrees = np.rad2deg(np.array(table['action'].to_pylist())).astype(np.float32)
    pq.write_table(table.set_column(table.column_names.index('action'), 'action', [list(degrees)]), path)
    with pytest.raises(DatasetError, match=r'panda_joint\d in action.*radians'):
        lerobot.load(foreign, tmp_path / 'again', silent, 1, 'panda', camera_params, (0.0, 0.08))
