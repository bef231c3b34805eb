# SPDX-License-Identifier: Apache-2.0
"""HDF5 of others: the page's own schema, robomimic, ALOHA."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import h5py
import numpy as np
import pytest
from small_episodes import SIZE, STEPS, camera, make_episode
from typer.testing import CliRunner

from genima.cli.convert import convert
from genima.convert.formats import detect
from genima.convert.hdf5.conversion import count, load
from genima.episodes.episode import Episode
from genima.episodes.store import read_episode
from genima.errors import DatasetError
from genima.quality.verify import verify
from genima.robots.profile import RobotProfile

PANDA = RobotProfile.load('panda')
UNIX_S = 1.75e9


@pytest.fixture
def episode() -> Episode:
    return make_episode(PANDA, seed=1)


def silent(name: str) -> None:
    """Take no note of progress."""


def write_page(group: h5py.Group, episode: Episode, params: Any, single: bool = False) -> None:
    """Write what the page names, and nothing else."""
    names = {'rgb': 'front'} if single else {'rgb_third_person': 'front', 'rgb_wrist': 'wrist'}
    for name, view in names.items():
        group[f'observations/{name}'] = episode.views[view]
    group['actions/joint_positions'] = episode.q_command_rad.astype(np.float32)
    group['actions/gripper'] = episode.gripper_command_open[:, None] > 0.5
    group['timestamps'] = UNIX_S + episode.timestamps_s[:, None]
    group['metadata/camera_params'] = json.dumps(params)


def ours(episode: Episode) -> dict[str, Any]:
    return {view: episode.cameras[name].to_dict() for view, name in {'third_person': 'front', 'rgb_wrist': 'wrist'}.items()}


def test_the_pages_own_file_becomes_an_episode(episode: Episode, tmp_path: Path) -> None:
    (tmp_path / 'page').mkdir()
    with h5py.File(tmp_path / 'page' / 'episode_000000.h5', 'w') as file:
        write_page(file, episode, ours(episode))
    assert detect(tmp_path / 'page') == 'page' and count(tmp_path / 'page') == 1
    load(tmp_path / 'page', tmp_path / 'out', silent, robot='panda')
    again = read_episode(tmp_path / 'out' / 'episode_000000.h5')
    np.testing.assert_allclose(again.q_command_rad, episode.q_command_rad, atol=1e-6)
    np.testing.assert_allclose(again.q_rad[1:], episode.q_command_rad[:-1], atol=1e-6)
    np.testing.assert_array_equal(again.gripper_command_open, episode.gripper_command_open)
    np.testing.assert_allclose(again.timestamps_s, UNIX_S + episode.timestamps_s, atol=1e-6, rtol=0)
    np.testing.assert_array_equal(again.views['third_person'], episode.views['front'])
    np.testing.assert_array_equal(again.views['wrist'], episode.views['wrist'])
    assert again.metadata['rate_hz'] == pytest.approx(10.0) and 'step before' in again.metadata['joints']
    assert not [finding for finding in verify(tmp_path / 'out') if finding.severity == 'error']


def test_a_file_may_hold_many_demonstrations_and_one_view(episode: Episode, tmp_path: Path) -> None:
    with h5py.File(tmp_path / 'all.hdf5', 'w') as file:
        for number in (10, 2, 1):
            episode.metadata['seed'] = number
            write_page(file.create_group(f'demo_{number}'), make_episode(PANDA, number), ours(episode)['third_person'], True)
    load(tmp_path / 'all.hdf5', tmp_path / 'out', silent, robot='panda')
    for number, seed in enumerate((1, 2, 10)):
        again = read_episode(tmp_path / 'out' / f'episode_{number:06d}.h5')
        assert list(again.views) == ['third_person']
        np.testing.assert_allclose(again.q_command_rad, make_episode(PANDA, seed).q_command_rad, atol=1e-6)


def test_matrices_need_their_direction_and_what_carries_the_wrist(episode: Episode, tmp_path: Path) -> None:
    def matrices(name: str) -> dict[str, Any]:
        mounted = episode.cameras[name]
        return {'intrinsics': mounted.model.K.tolist(), 'extrinsics': np.linalg.inv(mounted.T_parent_camera).tolist()}

    with h5py.File(tmp_path / 'a.h5', 'w') as file:
        write_page(file, episode, {'rgb_third_person': matrices('front'), 'rgb_wrist': matrices('wrist')})
    with pytest.raises(DatasetError, match='--extrinsics camera_in_parent'):
        load(tmp_path / 'a.h5', tmp_path / 'out', silent, robot='panda')
    told: dict[str, Any] = {'robot': 'panda', 'extrinsics': 'parent_in_camera'}
    with pytest.raises(DatasetError, match='--camera-parent wrist=LINK'):
        load(tmp_path / 'a.h5', tmp_path / 'out', silent, **told)
    load(tmp_path / 'a.h5', tmp_path / 'out', silent, **told, camera_parent=('wrist=panda_hand',))
    cameras = read_episode(tmp_path / 'out' / 'episode_000000.h5').cameras
    np.testing.assert_allclose(cameras['third_person'].T_parent_camera, camera('front', PANDA).T_parent_camera, atol=1e-9)
    assert cameras['wrist'].parent_link == 'panda_hand' and cameras['third_person'].parent_link == PANDA.base_link


def test_verify_gives_advice_that_works(episode: Episode, tmp_path: Path) -> None:
    (tmp_path / 'page').mkdir()
    with h5py.File(tmp_path / 'page' / 'episode_000000.h5', 'w') as file:
        write_page(file, episode, ours(episode))
    (finding,) = [each for each in verify(tmp_path / 'page') if each.code == 'schema']
    assert '--from page' in finding.text and '--robot' in finding.text
    with pytest.raises(DatasetError, match='--robot'):
        load(tmp_path / 'page', tmp_path / 'out', silent)


@pytest.fixture
def robomimic(episode: Episode, tmp_path: Path) -> Path:
    with h5py.File(tmp_path / 'image.hdf5', 'w') as file:
        data = file.create_group('data')
        data.attrs['env_args'] = json.dumps({'env_name': 'Lift', 'env_type': 1, 'env_kwargs': {'control_freq': 20}})
        demo = data.create_group('demo_0')
        demo['states'] = np.zeros((STEPS, 32))
        demo['actions'] = np.zeros((STEPS, 7))
        demo['obs/agentview_image'] = episode.views['front']
        demo['obs/robot0_joint_pos'] = episode.q_rad
        demo['obs/robot0_gripper_qpos'] = np.stack([1, -1] * 1, axis=0) * (0.04 * episode.gripper_open)[:, None]
        demo['next_obs/robot0_joint_pos'] = episode.q_rad
    return tmp_path / 'image.hdf5'


@pytest.fixture
def params(tmp_path: Path) -> Path:
    cameras = {name: camera(name, PANDA).to_dict() for name in ('agentview', 'cam_high')}
    (tmp_path / 'cameras.json').write_text(json.dumps(cameras))
    return tmp_path / 'cameras.json'


def test_robomimic_is_read_when_it_is_explained(robomimic: Path, params: Path, episode: Episode, tmp_path: Path) -> None:
    assert detect(robomimic) == 'robomimic'
    told: dict[str, Any] = {'robot': 'panda', 'camera_params': params}
    with pytest.raises(DatasetError, match=r'not joint positions\. --targets next'):
        load(robomimic, tmp_path / 'out', silent, **told)
    with pytest.raises(DatasetError, match='--gripper-range CLOSED OPEN'):
        load(robomimic, tmp_path / 'out', silent, **told, targets='next')
    load(robomimic, tmp_path / 'out', silent, **told, targets='next', gripper_range=(0.0, 0.04))
    again = read_episode(tmp_path / 'out' / 'episode_000000.h5')
    np.testing.assert_allclose(again.q_rad, episode.q_rad, atol=1e-6)
    np.testing.assert_allclose(again.q_command_rad[:-1], episode.q_rad[1:], atol=1e-6)
    np.testing.assert_allclose(again.gripper_open, episode.gripper_open, atol=1e-6)
    np.testing.assert_array_equal(again.views['agentview'], episode.views['front'])
    assert again.metadata['rate_hz'] == 20 and again.metadata['task'] == 'Lift'
    assert again.metadata['commands'] == 'joints observed one step later'


@pytest.mark.parametrize('compressed', [False, True])
@pytest.mark.parametrize('arms', [1, 2])
def test_aloha_is_read(params: Path, episode: Episode, tmp_path: Path, compressed: bool, arms: int) -> None:
    smooth = np.broadcast_to(np.arange(SIZE[1], dtype=np.uint8)[:, None] * [6, 3, 1], (STEPS, *SIZE, 3)).astype(np.uint8)
    qpos = np.concatenate([episode.q_rad, episode.gripper_open[:, None]], axis=1)
    action = np.concatenate([episode.q_command_rad, episode.gripper_command_open[:, None]], axis=1)
    with h5py.File(tmp_path / 'episode_0.hdf5', 'w') as file:
        file.attrs['sim'] = False
        file['observations/qpos'] = np.concatenate([qpos * 0 + 9] * (arms - 1) + [qpos], axis=1)
        file['action'] = np.concatenate([action * 0 + 9] * (arms - 1) + [action], axis=1)
        if compressed:  # as record_episodes.py of ALOHA pads them
            files = [cv2.imencode('.jpg', image, [cv2.IMWRITE_JPEG_QUALITY, 95])[1].ravel() for image in smooth]
            lengths = [len(each) for each in files]
            padded = np.zeros((STEPS, max(lengths) + 20), np.uint8)
            for row, each in zip(padded, files, strict=True):
                row[: len(each)] = each
            file['observations/images/cam_high'], file['compress_len'] = padded, np.array([lengths], dtype=float)
        else:
            file['observations/images/cam_high'] = smooth
    told: dict[str, Any] = {'robot': 'panda', 'camera_params': params}
    source = tmp_path / 'episode_0.hdf5'
    assert detect(source) == 'aloha'
    if arms == 2:
        with pytest.raises(DatasetError, match='16 columns, robot panda 7 joints'):
            load(source, tmp_path / 'out', silent, **told)
        told |= {'joints': 'observations/qpos[8:15]', 'gripper': 'observations/qpos[15]'}
    load(source, tmp_path / 'out', silent, **told)
    again = read_episode(tmp_path / 'out' / 'episode_000000.h5')
    np.testing.assert_allclose(again.q_rad, episode.q_rad, atol=1e-6)
    np.testing.assert_allclose(again.q_command_rad, episode.q_command_rad, atol=1e-6)
    np.testing.assert_array_equal(again.gripper_command_open, episode.gripper_command_open)
    assert np.abs(again.views['cam_high'].astype(int) - smooth).max() <= (12 if compressed else 0)
    assert again.metadata['rate_hz'] == 50


@pytest.mark.parametrize(
    'change, words',
    [
        (lambda file: file['data/demo_0/obs/robot0_joint_pos'].write_direct(np.full((STEPS, 7), 90.0)), 'in rad'),
        (lambda file: file['data/demo_0/obs/robot0_joint_pos'].write_direct(np.full((STEPS, 7), np.nan)), 'not finite'),
        (lambda file: file['data/demo_0/obs'].pop('robot0_joint_pos'), 'names no array'),
        (lambda file: file['data/demo_0/obs'].pop('agentview_image'), 'no colour images'),
    ],
)
def test_what_is_wrong_is_named(
    robomimic: Path, params: Path, tmp_path: Path, change: Callable[[h5py.File], None], words: str
) -> None:
    with h5py.File(robomimic, 'r+') as file:
        change(file)
    with pytest.raises(DatasetError, match=words):
        load(
            robomimic, tmp_path / 'out', silent, robot='panda', camera_params=params, targets='next', gripper_range=(0, 0.04)
        )


def test_the_command_passes_its_options_on(robomimic: Path, params: Path, tmp_path: Path) -> None:
    import typer

    app = typer.Typer()
    app.command()(convert)
    words = f'{robomimic} {tmp_path / "out"} --to hdf5 --robot panda --targets next --gripper-range 0 0.04'
    result = CliRunner().invoke(app, [*words.split(), '--camera-params', str(params)])
    assert result.exit_code == 0, result.output
    assert len(read_episode(tmp_path / 'out' / 'episode_000000.h5')) == STEPS


def test_a_file_of_no_known_layout_is_none(tmp_path: Path) -> None:
    with h5py.File(tmp_path / 'a.h5', 'w') as file:
        file['observations'], file['actions'], file['data'] = np.zeros(3), np.zeros(3), np.zeros(3)
    (tmp_path / 'b').mkdir()
    (tmp_path / 'b' / 'text.h5').write_text('no HDF5')
    for source in (tmp_path / 'a.h5', tmp_path / 'b'):
        with pytest.raises(DatasetError, match='no known'):
            detect(source)
        with pytest.raises(DatasetError, match='no known layout'):
            count(source)


def test_the_file_does_not_decide_how_much_is_read(robomimic: Path, params: Path, tmp_path: Path) -> None:
    with h5py.File(robomimic, 'r+') as file:
        del file['data/demo_0/obs/robot0_joint_pos']
        file.create_dataset('data/demo_0/obs/robot0_joint_pos', (10**11, 7), np.float64, chunks=(1024, 7))
    with pytest.raises(DatasetError, match='would unpack from 0 bytes to 5600000000000'):
        load(robomimic, tmp_path / 'out', silent, robot='panda', camera_params=params, targets='next')
