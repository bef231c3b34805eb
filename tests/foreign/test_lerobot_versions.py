# SPDX-License-Identifier: Apache-2.0
"""LeRobot datasets of older versions, and cameras that are declared channel first."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from lerobot_cases import PANDA_JOINTS, edit_info, make_episode, save, silent, smooth_episode

from genima.convert.formats import detect
from genima.convert.lerobot import conversion as lerobot
from genima.convert.lerobot.read import read_records
from genima.episodes.episode import Episode
from genima.episodes.store import read_episode
from genima.errors import DatasetError

AXES = ['height', 'width', 'channels']


def _inside(episode: Episode) -> Episode:
    """Return an episode whose joints are positions of a Panda."""
    episode.q_rad = episode.q_rad * 0.1 + [0.0, -0.2, 0.0, -2.3, 0.0, 2.1, 0.7]
    episode.q_command_rad = episode.q_rad + 0.01
    return episode


@pytest.fixture
def camera_params(tmp_path: Path) -> Path:
    episode = make_episode(cameras=2)
    described = {name: camera.to_dict() for name, camera in episode.cameras.items()}
    (tmp_path / 'cameras.json').write_text(json.dumps(described))
    return tmp_path / 'cameras.json'


def _version2(folder: Path, native: Path, version: str, images: str) -> Path:
    """Write a dataset as LeRobot 0.3 lays it out, two episodes to a chunk; the files of v3.0 give tables and videos."""
    (folder / 'meta').mkdir(parents=True)
    rows: list[dict[str, Any]] = []
    features: dict[str, Any] = {}
    for index, path in enumerate(sorted(native.glob('*.h5'))):
        alone = folder.with_name(f'{folder.name}_{index}')
        (alone / 'native').mkdir(parents=True)
        (alone / 'native' / path.name).hardlink_to(path)
        lerobot.export(alone / 'native', alone / 'v3', silent, images=images)
        info = json.loads((alone / 'v3/meta/info.json').read_text())
        features = {key: value for key, value in info['features'].items() if not key.startswith('genima.')}
        (table_path,) = alone.glob('v3/data/*/*.parquet')
        table = pq.read_table(table_path)
        table = table.select([name for name in table.column_names if not name.startswith('genima.')])
        for name in ('episode_index', 'task_index'):
            place = table.column_names.index(name)
            table = table.set_column(place, name, pa.array([index] * len(table), pa.int64()))
        target = folder / f'data/chunk-{index // 2:03d}/episode_{index:06d}.parquet'
        target.parent.mkdir(parents=True, exist_ok=True)
        pq.write_table(table, target)
        for video in alone.glob('v3/videos/*/*/*.mp4'):
            target = folder / f'videos/chunk-{index // 2:03d}/{video.parents[1].name}/episode_{index:06d}.mp4'
            target.parent.mkdir(parents=True, exist_ok=True)
            video.rename(target)
        rows.append({'episode_index': index, 'tasks': [f'task {index}'], 'length': len(table)})
    lines = [json.dumps(row) for row in rows]
    (folder / 'meta/episodes.jsonl').write_text('\n'.join(lines) + '\n')
    tasks = [json.dumps({'task_index': index, 'task': f'Würfel {index}'}, ensure_ascii=False) for index in range(len(rows))]
    (folder / 'meta/tasks.jsonl').write_text('\n'.join(tasks) + '\n', encoding='utf-8')
    info = {
        'codebase_version': version,
        'robot_type': 'panda',
        'fps': 10,
        'chunks_size': 2,
        'features': features,
        'data_path': 'data/chunk-{episode_chunk:03d}/episode_{episode_index:06d}.parquet',
        'video_path': 'videos/chunk-{episode_chunk:03d}/{video_key}/episode_{episode_index:06d}.mp4',
    }
    (folder / 'meta/info.json').write_text(json.dumps(info))
    return folder


@pytest.mark.parametrize('version', ['v2.0', 'v2.1'])
def test_version_2_with_images_is_read_exactly(version: str, camera_params: Path, tmp_path: Path) -> None:
    native = save(tmp_path / 'native', *(_inside(make_episode(seed, cameras=2)) for seed in range(3)))
    folder = _version2(tmp_path / 'old', native, version, 'png')
    assert detect(folder) == 'lerobot' and lerobot.count(folder) == 3
    lerobot.load(folder, tmp_path / 'again', silent, camera_params=camera_params)
    for number in range(3):
        before = read_episode(native / f'episode_{number * 3:06d}.h5')
        after = read_episode(tmp_path / f'again/episode_{number:06d}.h5')
        np.testing.assert_array_equal(after.q_rad, before.q_rad)
        np.testing.assert_array_equal(after.views['cam_1'], before.views['cam_1'])
        assert after.metadata['instruction'] == f'Würfel {number}' and after.metadata['joint_names'] == PANDA_JOINTS


def test_version_2_with_videos_is_read(camera_params: Path, tmp_path: Path) -> None:
    native = save(tmp_path / 'native', *(_inside(smooth_episode(seed)) for seed in range(2)))
    lerobot.load(
        _version2(tmp_path / 'old', native, 'v2.1', 'h264'), tmp_path / 'again', silent, camera_params=camera_params
    )
    before, after = read_episode(native / 'episode_000003.h5'), read_episode(tmp_path / 'again/episode_000001.h5')
    assert np.abs(after.views['cam_1'].astype(int) - before.views['cam_1']).mean() < 6


@pytest.fixture
def foreign(tmp_path: Path) -> Path:
    native = save(tmp_path / 'native', _inside(make_episode(cameras=2)))
    return _version2(tmp_path / 'old', native, 'v2.1', 'png')


@pytest.mark.parametrize('cameras', [('cam_0',), ('cam_0', 'cam_1')])
@pytest.mark.parametrize('names', [['channels', 'height', 'width'], ['channel', 'height', 'width'], None])
def test_cameras_declared_channel_first_are_read(
    foreign: Path, camera_params: Path, tmp_path: Path, cameras: tuple[str, ...], names: list[str] | None
) -> None:
    features = json.loads((foreign / 'meta/info.json').read_text())['features']
    for camera in cameras:
        feature = features[f'observation.images.{camera}']
        height, width, channels = feature['shape']
        feature |= {'shape': [channels, height, width], 'names': names}
    edit_info(foreign, features=features)
    lerobot.load(foreign, tmp_path / 'again', silent, camera_params=camera_params)
    before, after = read_episode(tmp_path / 'native/episode_000000.h5'), read_episode(tmp_path / 'again/episode_000000.h5')
    assert sorted(after.views) == ['cam_0', 'cam_1']
    np.testing.assert_array_equal(after.views['cam_0'], before.views['cam_0'])


def test_a_camera_whose_channels_nobody_can_find_is_refused_by_name(foreign: Path, tmp_path: Path) -> None:
    features = json.loads((foreign / 'meta/info.json').read_text())['features']
    features['observation.images.cam_1'] |= {'shape': [6, 5, 7], 'names': AXES}
    edit_info(foreign, features=features)
    with pytest.raises(DatasetError, match=r'observation\.images\.cam_1 has shape \[6, 5, 7\]'):
        lerobot.load(foreign, tmp_path / 'again', silent)


@pytest.mark.parametrize(
    'changes, words',
    [
        ({'codebase_version': 'v1.6'}, r'v2\.0, v2\.1 and v3\.0 are read: .*v1_to_v2'),
        ({'codebase_version': 'v9.0'}, 'update this program'),
        ({'data_path': 'data/chunk-{chunk_index:03d}/file-{file_index:03d}.parquet'}, 'no place'),
        ({'data_path': '../{episode_chunk}{episode_index}.parquet'}, 'leads out'),
    ],
)
def test_what_cannot_be_read_is_said_with_what_helps(
    foreign: Path, camera_params: Path, tmp_path: Path, changes: dict[str, str], words: str
) -> None:
    edit_info(foreign, **changes)
    with pytest.raises(DatasetError, match=words):
        lerobot.load(foreign, tmp_path / 'again', silent, camera_params=camera_params)


def test_a_list_of_episodes_that_is_missing_is_named(foreign: Path) -> None:
    (foreign / 'meta/episodes.jsonl').unlink()
    with pytest.raises(DatasetError, match=r'episodes\.jsonl cannot be read'):
        read_records(foreign)
