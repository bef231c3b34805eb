# SPDX-License-Identifier: Apache-2.0
"""The real lerobot reads what we export; GENIMA_LEROBOT_PYTHON names a Python that has it (pip install lerobot==0.4.4)."""

import os
import subprocess
from pathlib import Path

import numpy as np
import pytest
from lerobot_cases import make_episode, save, silent, smooth_episode

from genima.convert.lerobot import conversion as lerobot
from genima.episodes.episode import Episode
from genima.episodes.store import read_episode


@pytest.mark.slow
@pytest.mark.skipif('GENIMA_LEROBOT_PYTHON' not in os.environ, reason='GENIMA_LEROBOT_PYTHON names no python with lerobot')
@pytest.mark.parametrize('images', ['png', 'video', 'h264'])
def test_lerobot_opens_and_iterates_our_export(tmp_path: Path, images: str) -> None:
    episodes = [smooth_episode(seed, steps=7 + seed) for seed in range(3)]
    for episode, plan in zip(episodes, (4, 0, 2), strict=True):
        like = make_episode(0, len(episode), plan=plan)
        episode.plan_q_rad, episode.plan_gripper_open = like.plan_q_rad, like.plan_gripper_open
    native = save(tmp_path / 'native', *episodes)
    lerobot.export(native, tmp_path / 'dataset', silent, images=images)
    script, seen = Path(__file__).with_name('lerobot_opens.py'), tmp_path / 'seen.npz'
    environment = {**os.environ, 'HF_HUB_OFFLINE': '1', 'HF_HOME': str(tmp_path / 'hf')}
    command = [os.environ['GENIMA_LEROBOT_PYTHON'], str(script), str(tmp_path / 'dataset'), str(seen)]
    result = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=400)
    assert result.returncode == 0, result.stderr[-3000:]
    print(result.stdout)
    _compare([read_episode(path) for path in sorted(native.glob('*.h5'))], dict(np.load(seen)), lossless=images == 'png')


def _compare(episodes: list[Episode], seen: dict[str, np.ndarray], lossless: bool) -> None:
    """Compare what LeRobot returned, frame by frame, with the native episodes."""
    state = np.concatenate([np.column_stack([each.q_rad, each.gripper_open]) for each in episodes])
    action = np.concatenate([np.column_stack([each.q_command_rad, each.gripper_command_open]) for each in episodes])
    np.testing.assert_array_equal(seen['observation.state'], state.astype(np.float32))
    np.testing.assert_array_equal(seen['action'], action.astype(np.float32))
    np.testing.assert_array_equal(seen['genima.time_s'], np.concatenate([each.timestamps_s for each in episodes]))
    assert seen['task'].tolist() == [each.metadata['instruction'] for each in episodes for _ in range(len(each))]
    assert seen['policy_features'].tolist() == [
        'action',
        *(f'observation.images.cam_{n}' for n in range(2)),
        'observation.state',
    ]
    for camera in ('cam_0', 'cam_1'):
        frames = np.concatenate([each.views[camera] for each in episodes]).astype(float)
        shown = seen[f'observation.images.{camera}'].transpose(0, 2, 3, 1)
        error = np.square(frames - shown).mean()
        assert error == 0 if lossless else 10 * np.log10(255**2 / error) > 30
    ahead = np.minimum(np.arange(len(episodes[0])) + 2, len(episodes[0]) - 1)
    np.testing.assert_array_equal(seen['action_ahead'][: len(episodes[0])], action[ahead].astype(np.float32))
