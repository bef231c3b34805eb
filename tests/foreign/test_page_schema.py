# SPDX-License-Identifier: Apache-2.0
"""Our episodes, opened by the words of the training-data page and by nothing else."""

import json
from pathlib import Path

import h5py
import numpy as np
import pytest
from small_episodes import STEPS, make_episode

from genima.episodes.annotate import write_ignored
from genima.episodes.episode import Episode
from genima.episodes.frames import open_views
from genima.episodes.page import page_views
from genima.episodes.store import content_digest, read_episode, write_episode
from genima.quality.salvage import salvage
from genima.quality.verify import verify
from genima.robots.profile import RobotProfile

RECORDED_AT, UNIX_S = '2026-01-02T03:04:05+00:00', 1767323045.0


@pytest.fixture
def episode() -> Episode:
    episode = make_episode(RobotProfile.load('panda'), seed=0)
    episode.metadata |= {'simulated': True, 'recorded_at': RECORDED_AT}
    return episode


@pytest.fixture
def path(episode: Episode, tmp_path: Path) -> Path:
    write_episode(tmp_path / 'episode_000000.h5', episode)
    return tmp_path / 'episode_000000.h5'


def test_a_reader_of_the_page_finds_its_words(path: Path, episode: Episode) -> None:
    with h5py.File(path) as file:
        for view, camera in {'rgb': 'front', 'rgb_wrist': 'wrist', 'rgb_third_person': 'front'}.items():
            images = file[f'observations/{view}']
            assert images.dtype == np.uint8
            np.testing.assert_array_equal(images[:], episode.views[camera])
        joints, gripper, times = file['actions/joint_positions'], file['actions/gripper'], file['timestamps']
        assert (joints.shape, joints.dtype) == ((STEPS, 7), np.float32)
        assert (gripper.shape, gripper.dtype) == ((STEPS, 1), np.bool_)
        assert (times.shape, times.dtype) == ((STEPS, 1), np.float64)
        np.testing.assert_allclose(times[:, 0], UNIX_S + episode.timestamps_s, rtol=0, atol=1e-6)
        np.testing.assert_allclose(file['observations/capture_time_front'][:], times[:, 0] - 0.004, rtol=0, atol=1e-6)
        assert 'simulated' in times.attrs['clock']
        camera = json.loads(file['metadata/camera_params'][()])['front']
        assert camera['intrinsics']['K'][0][0] == 30.0
        assert np.array(camera['extrinsics']['T_parent_camera']).shape == (4, 4)


def test_the_page_costs_no_second_copy_and_no_second_digest(path: Path, tmp_path: Path) -> None:
    with h5py.File(path, 'r+') as file:
        assert content_digest(file) == file.attrs['content_sha256']
        for view in ('rgb', 'rgb_third_person'):
            assert isinstance(file['observations'].get(view, getlink=True), h5py.SoftLink)
            del file[f'observations/{view}']
        assert content_digest(file) == file.attrs['content_sha256']
    with open_views(path) as views:
        assert sorted(views) == ['front', 'wrist']


def test_an_episode_keeps_its_clock_in_memory_and_its_file_when_it_is_written_again(path: Path, episode: Episode) -> None:
    again = read_episode(path)
    np.testing.assert_allclose(again.timestamps_s, episode.timestamps_s, rtol=0, atol=1e-6)
    assert sorted(again.views) == ['front', 'wrist'] and again.metadata == episode.metadata
    write_episode(path.with_name('episode_000001.h5'), again)
    with h5py.File(path) as first, h5py.File(path.with_name('episode_000001.h5')) as second:
        assert first.attrs['content_sha256'] == second.attrs['content_sha256']
    assert not [finding for finding in verify(path) if finding.severity == 'error']


@pytest.mark.parametrize('start_s, clock', [(1.7e9, 'Unix seconds'), (0.0, 'seconds; when it was recorded is not known')])
def test_no_epoch_is_invented(episode: Episode, tmp_path: Path, start_s: float, clock: str) -> None:
    del episode.metadata['recorded_at']
    episode.timestamps_s = episode.timestamps_s + start_s
    write_episode(tmp_path / 'episode_0.h5', episode)
    with h5py.File(tmp_path / 'episode_0.h5') as file:
        np.testing.assert_array_equal(file['timestamps'][:, 0], episode.timestamps_s)
        assert file['timestamps'].attrs['clock'] == clock


def test_versions_1_and_2_are_read(path: Path, episode: Episode) -> None:
    with h5py.File(path, 'r+') as file:
        for view in ('rgb', 'rgb_third_person', 'rgb_wrist'):
            if isinstance(file['observations'].get(view, getlink=True), h5py.SoftLink):
                del file[f'observations/{view}']
        del file['timestamps'], file['metadata/camera_params']
        file['timestamps'] = episode.timestamps_s
        cameras = {name: camera.to_dict() for name, camera in episode.cameras.items()}
        old = {name: {'model': each['intrinsics'], **each['extrinsics']} for name, each in cameras.items()}
        file['metadata/camera_params'] = json.dumps(old)
        for name in ('front', 'wrist'):
            file[f'observations/capture_time_{name}'][:] = episode.capture_s[name]
        file.attrs['schema_version'] = 2
        file.attrs['content_sha256'] = content_digest(file)
    again = read_episode(path)
    np.testing.assert_array_equal(again.timestamps_s, episode.timestamps_s)
    assert again.cameras['wrist'].to_dict() == episode.cameras['wrist'].to_dict()
    assert not [finding for finding in verify(path) if finding.severity == 'error']
    write_ignored(path, path.with_name('episode_000001.h5'), np.ones(STEPS, dtype=bool), {})
    assert read_episode(path.with_name('episode_000001.h5')).ignore.all()


def test_what_was_salvaged_and_marked_has_the_page_too(path: Path) -> None:
    salvage(path, path.with_name('episode_000001.h5'))
    write_ignored(path, path.with_name('episode_000002.h5'), np.ones(STEPS, dtype=bool), {})
    for number in (1, 2):
        with h5py.File(path.with_name(f'episode_00000{number}.h5')) as file:
            assert file['observations/rgb'] == file['observations/rgb_front'] and 'clock' in file['timestamps'].attrs


@pytest.mark.parametrize(
    'cameras, told, chosen',
    [
        (['cam_high', 'cam_wrist'], None, {'rgb': 'cam_high', 'rgb_wrist': 'cam_wrist', 'rgb_third_person': 'cam_high'}),
        (['side', 'front'], None, {'rgb': 'front', 'rgb_third_person': 'front'}),
        (['wrist'], None, {'rgb': 'wrist', 'rgb_wrist': 'wrist'}),
        (['a', 'b'], {'rgb_wrist': 'a', 'rgb': 'b', 'rgb_third_person': 'c', 'x': 'a'},
         {'rgb': 'b', 'rgb_wrist': 'a', 'rgb_third_person': 'a'}),
        ([], None, {}),
    ],
)  # fmt: skip
def test_which_camera_is_which(cameras: list[str], told: dict[str, str] | None, chosen: dict[str, str]) -> None:
    assert page_views(cameras, told) == chosen
