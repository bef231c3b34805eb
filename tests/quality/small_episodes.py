# SPDX-License-Identifier: Apache-2.0
"""Small episodes of a Panda that waves in front of two cameras."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import h5py
import numpy as np

from genima.cameras.model import CameraModel, MountedCamera
from genima.episodes.episode import Episode
from genima.episodes.store import content_digest, write_episode
from genima.robots.profile import RobotProfile

STEPS = 30
RATE_HZ = 10.0
SIZE = (24, 32)


def camera(name: str, profile: RobotProfile) -> MountedCamera:
    """A camera before the robot that looks back at it."""
    K = np.array([[30.0, 0, 15.5], [0, 30.0, 11.5], [0, 0, 1]])
    T = np.eye(4)
    T[:3, :3] = np.array([[0.0, 0.5, -0.8660254037844386], [1, 0, 0], [0, -0.8660254037844386, -0.5]])
    T[:3, 3] = 1.4, 0.0, 0.9
    return MountedCamera(CameraModel(name, SIZE[1], SIZE[0], K), profile.base_link, T)


def make_episode(profile: RobotProfile, seed: int, steps: int = STEPS) -> Episode:
    """An episode without fault."""
    rng = np.random.default_rng(seed)
    times_s = np.arange(steps + 1) / RATE_HZ
    waves = np.sin(2 * np.pi * (times_s[:, None] / 3 + rng.random(profile.n_joints)))
    q_rad = profile.home_rad + 0.25 * waves
    rows, columns = np.mgrid[: SIZE[0], : SIZE[1]]
    scenes = {'front': 6 * columns, 'wrist': 200 - 6 * rows}  # each camera has a look of its own
    views = {
        name: (scene[None, :, :, None] + rng.integers(0, 30, (steps, *SIZE, 3))).astype(np.uint8)
        for name, scene in scenes.items()
    }
    gripper_open = (times_s[:-1] < 1.5).astype(float)
    metadata = {
        'robot': profile.name,
        'task': 'wave',
        'instruction': 'wave at the camera',
        'joint_names': list(profile.arm_joints),
        'rate_hz': RATE_HZ,
        'success': True,
        'seed': seed,
        'licence': 'CC-BY-4.0',
        'diversity': {'conditions': ['day', f'wall {seed % 3}']},
    }
    return Episode(
        timestamps_s=times_s[:-1],
        views=views,
        q_rad=q_rad[:-1].copy(),
        gripper_open=gripper_open.copy(),
        q_command_rad=q_rad[1:].copy(),
        gripper_command_open=gripper_open,
        cameras={name: camera(name, profile) for name in views},
        metadata=metadata,
        capture_s=dict.fromkeys(views, times_s[:-1] - 0.004),
    )


def write_dataset(folder: Path, profile: RobotProfile, episodes: int = 4) -> Path:
    """Write episodes with the seeds 0, 1, ... and return the folder."""
    for seed in range(episodes):
        write_episode(folder / f'episode_{seed:06d}.h5', make_episode(profile, seed))
    return folder


@contextmanager
def rewritten(path: Path) -> Iterator[h5py.File]:
    """Open an episode to change it as a wrong recorder would have written it: with a digest that fits."""
    with h5py.File(path, 'r+') as file:
        yield file
        file.attrs['content_sha256'] = content_digest(file)


def replace(file: h5py.File, name: str, values: np.ndarray) -> None:
    """Put another array under a name."""
    del file[name]
    file[name] = values
