# SPDX-License-Identifier: Apache-2.0
from pathlib import Path

import h5py
import numpy as np
import pytest

from genima.cameras.model import CameraModel, MountedCamera
from genima.episodes.episode import Episode
from genima.episodes.store import content_digest, list_episodes, read_episode, write_episode
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


def test_capture_times_and_ignored_steps_come_back(episode: Episode, tmp_path: Path) -> None:
    episode.capture_s['front'] = episode.timestamps_s - 0.012
    episode.ignore[2] = True
    write_episode(tmp_path / 'episode_0.h5', episode)
    again = read_episode(tmp_path / 'episode_0.h5')
    np.testing.assert_array_equal(again.capture_s['front'], episode.timestamps_s - 0.012)
    assert again.ignore.tolist() == [False, False, True, False]


def test_without_a_plan_what_was_commanded_afterwards_is_the_intention(episode: Episode, tmp_path: Path) -> None:
    episode.plan_q_rad = episode.plan_gripper_open = None
    write_episode(tmp_path / 'episode_0.h5', episode)
    again = read_episode(tmp_path / 'episode_0.h5')
    assert again.plan_q_rad is None
    q_rad, gripper_open = again.intended(3)
    np.testing.assert_array_equal(q_rad[0], episode.q_command_rad[:3])
    np.testing.assert_array_equal(q_rad[3], episode.q_command_rad[[3, 3, 3]])
    assert gripper_open[0].tolist() == [1.0, 0.0, 0.0]


def test_a_plan_that_is_too_short_is_refused(episode: Episode) -> None:
    assert episode.intended(20)[0].shape == (4, 20, 7)
    with pytest.raises(DatasetError, match='20 steps, 21'):
        episode.intended(21)


def test_files_of_version_1_are_read(episode: Episode, tmp_path: Path) -> None:
    path = tmp_path / 'episode_0.h5'
    write_episode(path, episode)
    with h5py.File(path, 'r+') as file:
        del file['annotations'], file['observations/capture_time_front'], file.attrs['content_sha256']
        file.attrs['schema_version'] = 1
    again = read_episode(path)
    np.testing.assert_array_equal(again.capture_s['front'], episode.timestamps_s)
    assert not again.ignore.any()


def test_the_digest_sees_every_number(episode: Episode, tmp_path: Path) -> None:
    path = tmp_path / 'episode_0.h5'
    write_episode(path, episode)
    with h5py.File(path, 'r+') as file:
        stored = file.attrs['content_sha256']
        assert content_digest(file) == stored
        for name, change in (('observations/rgb_front', 1), ('timestamps', 1e-9), ('actions/gripper', True)):
            row = file[name][1]
            file[name][1] = row ^ change if row.dtype == bool else row + np.asarray(change, dtype=row.dtype)
            assert content_digest(file) != stored, name
            file[name][1] = row
        assert content_digest(file) == stored


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
