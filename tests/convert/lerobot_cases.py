# SPDX-License-Identifier: Apache-2.0
"""Small native datasets for the tests of the LeRobot converter."""

import json
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from genima.cameras.model import CameraModel, MountedCamera
from genima.episodes.episode import Episode
from genima.episodes.store import write_episode

PANDA_JOINTS = [f'panda_joint{index + 1}' for index in range(7)]


def make_episode(
    seed: int = 0, steps: int = 4, cameras: int = 1, plan: int = 0, joints: int = 7, size: tuple[int, int] = (6, 5)
) -> Episode:
    """Return an episode of noise whose every number differs."""
    rng = np.random.default_rng(seed)
    height, width = size
    times_s = 1.7e9 + np.cumsum(rng.uniform(0.09, 0.11, steps))
    names = [f'cam_{index}' for index in range(cameras)]
    model = CameraModel(
        'cam', width, height, np.array([[7.1, 0, 2.5], [0, 7.3, 2.0], [0, 0, 1]]), np.full(5, 0.01), 'plumb_bob'
    )
    pose = np.eye(4)
    pose[:3, 3] = rng.normal(size=3)
    success = [True, False, None][seed % 3]
    return Episode(
        timestamps_s=times_s,
        views={name: rng.integers(0, 256, (steps, height, width, 3), dtype=np.uint8) for name in names},
        q_rad=rng.normal(size=(steps, joints)),
        gripper_open=rng.random(steps),
        q_command_rad=rng.normal(size=(steps, joints)),
        gripper_command_open=rng.integers(0, 2, steps).astype(float),
        cameras={name: MountedCamera(model, 'panda_link0', pose) for name in names},
        metadata={
            'robot': 'panda',
            'task': 'pick',
            'instruction': f'pick number {seed % 2} – größer',
            'joint_names': PANDA_JOINTS[:joints],
            'rate_hz': 10.0,
            'success': success,
            'failure': 'timeout' if success is False else None,
            'seed': seed,
            'events': [{'time_s': 0.1 + 0.2, 'kind': 'mark', 'note': 'a "quote"'}],
        },
        plan_q_rad=rng.normal(size=(steps, plan, joints)) if plan else None,
        plan_gripper_open=rng.integers(0, 2, (steps, plan)).astype(float) if plan else None,
        capture_s={name: times_s - rng.uniform(0, 0.02, steps) for name in names},
        ignore=rng.random(steps) < 0.3,
    )


def smooth_episode(seed: int, steps: int = 5) -> Episode:
    """Return an episode whose two views are a moving gradient, which a video codec can hold."""
    episode = make_episode(seed, steps, cameras=2, size=(64, 96))
    down, right = np.mgrid[:64, :96]
    for shift, name in enumerate(episode.views):
        frames = [np.stack([down + 9 * t, right + 40 * shift, down + right], axis=-1) for t in range(steps)]
        episode.views[name] = np.stack(frames).astype(np.uint8)
    return episode


def save(folder: Path, *episodes: Episode) -> Path:
    for number, episode in enumerate(episodes):
        write_episode(folder / f'episode_{number * 3:06d}.h5', episode)
    return folder


def digests(folder: Path) -> dict[str, str]:
    return {path.name: h5py.File(path)['/'].attrs['content_sha256'] for path in sorted(folder.glob('episode_*.h5'))}


def silent(name: str) -> None:
    """Take no note of progress."""


def edit_info(folder: Path, **values: Any) -> None:
    path = folder / 'meta/info.json'
    path.write_text(json.dumps({**json.loads(path.read_text()), **values}))
