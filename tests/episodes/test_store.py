# SPDX-License-Identifier: Apache-2.0
from pathlib import Path

import h5py
import numpy as np
import pytest

from genima.cameras.model import CameraModel, MountedCamera
from genima.episodes.episode import Episode
from genima.episodes.store import list_episodes, read_episode, write_episode
from genima.errors import DatasetError


@pytest.fixture
def episode() -> Episode:
    rng = np.random.default_rng(0)
    model = CameraModel('front', 6, 5, np.array([[4.0, 0, 2.5], [0, 4.0, 2.0], [0, 0, 1]]))
    return Episode(
        timestamps_s=np.arange(4) * 0.1,
        views={'front': rng.integers(0, 255, (4, 5, 6, 3), dtype=np.uint8)},
        q_rad=rng.normal(size=(4, 7)).astype(np.float32).astype(float),
        gripper_open=np.array([1.0, 1.0, 0.5, 0.5]),
        q_command_rad=rng.normal(size=(4, 7)).astype(np.float32).astype(float),
        gripper_command_open=np.array([1.0, 0.0, 0.0, 0.0]),
        plan_q_rad=rng.normal(size=(4, 20, 7)).astype(np.float32).astype(float),
        plan_gripper_open=np.zeros((4, 20)),
        cameras={'front': MountedCamera(model, 'base', np.eye(4))},
        metadata={'robot': 'panda', 'seed': 3, 'success': True},
    )


def test_round_trip(episode: Episode, tmp_path: Path) -> None:
    path = tmp_path / 'episode_000003.h5'
    write_episode(path, episode)
    again = read_episode(path)
    for name in ('timestamps_s', 'q_rad', 'gripper_open', 'q_command_rad', 'plan_q_rad', 'plan_gripper_open'):
        np.testing.assert_array_equal(getattr(again, name), getattr(episode, name))
    np.testing.assert_array_equal(again.views['front'], episode.views['front'])
    assert again.metadata == episode.metadata
    assert again.cameras['front'].to_dict() == episode.cameras['front'].to_dict()
    assert not read_episode(path, images=False).views
    assert list_episodes(tmp_path) == [path]


def test_what_does_not_fit_is_not_written(episode: Episode, tmp_path: Path) -> None:
    episode.q_rad = episode.q_rad[:-1]
    with pytest.raises(DatasetError, match='3 steps'):
        write_episode(tmp_path / 'episode_0.h5', episode)
    assert not list(tmp_path.iterdir())


def test_not_a_number_is_refused(episode: Episode, tmp_path: Path) -> None:
    episode.plan_q_rad[1, 2, 3] = np.nan
    with pytest.raises(DatasetError, match='finite'):
        write_episode(tmp_path / 'episode_0.h5', episode)


def test_time_must_increase(episode: Episode, tmp_path: Path) -> None:
    episode.timestamps_s[2] = episode.timestamps_s[1]
    with pytest.raises(DatasetError, match='time'):
        write_episode(tmp_path / 'episode_0.h5', episode)


def test_damaged_and_foreign_files_are_named(episode: Episode, tmp_path: Path) -> None:
    path = tmp_path / 'episode_000003.h5'
    write_episode(path, episode)
    path.write_bytes(path.read_bytes()[:600])
    with pytest.raises(DatasetError, match='episode_000003'):
        read_episode(path)
    with h5py.File(tmp_path / 'foreign.h5', 'w') as file:
        file['x'] = 1
    with pytest.raises(DatasetError, match='schema'):
        read_episode(tmp_path / 'foreign.h5')
    with pytest.raises(DatasetError, match='genima collect'):
        list_episodes(tmp_path / 'nowhere')
