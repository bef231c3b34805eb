# SPDX-License-Identifier: Apache-2.0
"""Small episodes of a Panda that is somewhere else in every step, seen by cameras that are easy to reason about."""

from pathlib import Path

import numpy as np

from genima.cameras.model import CameraModel, MountedCamera
from genima.episodes.episode import Episode
from genima.episodes.store import write_episode
from genima.robots.profile import RobotProfile

PARENTS = {'front': 'panda_link0', 'left_shoulder': 'panda_link0', 'right_shoulder': 'panda_link0', 'wrist': 'panda_hand'}
WIDTH_PX, HEIGHT_PX = 160, 128


def camera(name: str, x_m: float = 1.6, distorted: bool = False) -> MountedCamera:
    """Return a camera that looks at the arm from the front, or along the hand."""
    K = np.array([[110.0, 0, 79.5], [0, 110.0, 63.5], [0, 0, 1]])
    T = np.eye(4)
    if name != 'wrist':
        T[:3, :3] = np.array([[0, 0, -1], [1, 0, 0], [0, -1, 0]])
        T[:3, 3] = x_m, 0.0, 0.5
    D, model = (np.array([-0.25, 0.06, 0.0, 0.0, 0.0]), 'plumb_bob') if distorted else (np.zeros(0), 'pinhole')
    return MountedCamera(CameraModel(name, WIDTH_PX, HEIGHT_PX, K, D, model), PARENTS[name], T)


def made(profile: RobotProfile, seed: int, steps: int = 5, x_m: float = 1.6, distorted: bool = False, **changes) -> Episode:
    """Return one episode; `changes` replace its fields."""
    rng = np.random.default_rng(seed)
    q = profile.home_rad + rng.uniform(-0.2, 0.2, (steps, 7))
    values = {
        'timestamps_s': 0.1 * np.arange(steps),
        'views': {name: rng.integers(90, 110, (steps, HEIGHT_PX, WIDTH_PX, 3), dtype=np.uint8) for name in PARENTS},
        'q_rad': q.astype(np.float32).astype(float),
        'gripper_open': np.ones(steps),
        'q_command_rad': q.astype(np.float32).astype(float),
        'gripper_command_open': (np.arange(steps) % 2).astype(float),
        'plan_q_rad': (q[:, None] + 0.01 * np.arange(1, 17)[None, :, None]).astype(np.float32).astype(float),
        'plan_gripper_open': np.tile((np.arange(steps) % 2)[:, None], (1, 16)).astype(float),
        'cameras': {name: camera(name, x_m, distorted) for name in PARENTS},
        'metadata': {'robot': 'panda', 'joint_names': list(profile.arm_joints), 'rate_hz': 10.0},
    }
    return Episode(**{**values, **changes})


def write(folder: Path, *episodes: Episode) -> Path:
    """Write episodes into a folder and return it."""
    for number, episode in enumerate(episodes):
        write_episode(folder / f'episode_{number:06d}.h5', episode)
    return folder
