# SPDX-License-Identifier: Apache-2.0
"""Demonstrations of RLBench, recorded with the Panda, as native episodes.

RLBench stores no times: the stamps are made from the number of the observation. By default nothing is recorded while the
gripper moves (`record_gripper_closing` is off), so a step in which it has just closed lasted longer than its stamps say.
"""

import re
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from genima.convert.rlbench.cameras import mounted_cameras
from genima.convert.rlbench.demo import Demo, find_demos, read_demo
from genima.episodes.episode import Episode
from genima.episodes.store import write_episode
from genima.errors import DatasetError
from genima.processes import in_processes
from genima.robots.profile import RobotProfile

ROBOT = 'panda'
RATE_HZ = 20.0
"""Every step of the simulation is recorded, 50 ms: `_DT` of rlbench/task_environment.py."""


@dataclass(frozen=True)
class _Job:
    """The folder of a demonstration and the file that it becomes."""

    folder: Path
    target: Path


def load(
    source: Path, out: Path, on_done: Callable[[str], None], workers: int = 1, rate_hz: float = RATE_HZ
) -> None:  # fmt: skip
    """Write all demonstrations below `source` as native episodes; those that `out` has already are left as they are.

    A file is named after task, variation and episode, so more demonstrations can be added later.

    Args:
        source: Folder of RLBench's `save_path`, or of a task, a variation or an episode.
        out: Folder for the native episodes.
        on_done: Called with the file name of each finished episode.
        workers: Number of processes.
        rate_hz: Observations per second of simulated time.

    Raises:
        DatasetError: if a demonstration is damaged, refused, or not one of the Panda.
    """
    jobs = [_Job(folder, out / _file_name(folder)) for folder in find_demos(source)]
    twice = [name for name, times in Counter(job.target.name for job in jobs).items() if times > 1]
    if twice:
        raise DatasetError(f'{source} has several demonstrations that would become {twice[0]}: convert one folder at a time')
    for job in jobs:
        if job.target.is_file():
            on_done(job.target.name)
    todo = [job for job in jobs if not job.target.is_file()]
    for name in in_processes(partial(_load_one, rate_hz), todo, workers):
        on_done(name)


def count(source: Path) -> int:
    """Return the number of demonstrations below `source`."""
    return len(find_demos(source))


def to_episode(demo: Demo, rate_hz: float = RATE_HZ) -> Episode:
    """Return a demonstration as an episode.

    Joint targets are those that the motion planner commanded; older demonstrations do not hold them, there the joints one
    step later stand for them. The opening is that of the fingers where they are stored; `gripper_open` is only 0 or 1.

    Raises:
        DatasetError: if something is missing or does not fit the Panda.
    """
    robot = RobotProfile.load(ROBOT)
    q_rad = demo.array('joint_positions', robot.n_joints)
    is_open = demo.array('gripper_open', 1)
    action = demo.action()
    if action is None:
        seen = np.hstack([q_rad, is_open])
        action, commands = np.concatenate([seen[1:], seen[-1:]]), 'joints observed one step later'
    else:
        commands = 'of the motion planner'
    views = {name: demo.views(name) for name in demo.cameras}
    sizes = {name: (images.shape[2], images.shape[1]) for name, images in views.items()}
    return Episode(
        timestamps_s=np.arange(len(demo)) / rate_hz,
        views=views,
        q_rad=q_rad,
        gripper_open=_opening(demo, robot, is_open[:, 0]),
        q_command_rad=action[:, :-1],
        gripper_command_open=action[:, -1],
        cameras=mounted_cameras(demo, robot, q_rad, sizes),
        metadata=_metadata(demo, robot, rate_hz, commands),
    )


def _file_name(folder: Path) -> str:
    """Return a name that sorts as the demonstrations do: episode_reach_target_variation0000_episode0012.h5."""
    task, variation, _, episode = ('', '', '', *folder.parts)[-4:]
    numbered = [re.sub(r'\d+$', lambda digits: f'{int(digits[0]):04d}', name) for name in (variation, episode)]
    return re.sub(r'[^\w.]', '_', f'episode_{task}_{"_".join(numbered)}.h5')


def _opening(demo: Demo, robot: RobotProfile, is_open: np.ndarray) -> np.ndarray:
    if demo.observations[0].get('gripper_joint_positions') is None:
        return is_open
    fingers_m = demo.array('gripper_joint_positions', 2)
    return np.clip(fingers_m.mean(axis=1) / robot.gripper.open_m, 0.0, 1.0)


def _load_one(rate_hz: float, job: _Job) -> str:
    demo = read_demo(job.folder)
    try:
        write_episode(job.target, to_episode(demo, rate_hz))
    except DatasetError as error:
        if str(job.folder) in str(error):
            raise
        raise DatasetError(f'{job.folder}: {error}') from error
    return job.target.name


def _metadata(demo: Demo, robot: RobotProfile, rate_hz: float, commands: str) -> dict[str, Any]:
    variation = demo.folder.parent.parent
    return {
        'robot': robot.name,
        'task': variation.parent.name,
        'instruction': demo.descriptions[0] if demo.descriptions else '',
        'instructions': demo.descriptions,
        'joint_names': list(robot.arm_joints),
        'rate_hz': rate_hz,
        'success': True,  # RLBench keeps no demonstration that failed: rlbench/backend/scene.py, `get_demo`
        'source': f'simulation, RLBench {variation.name} {demo.folder.name}',
        'stamps': 'made from the number of the observation and rate_hz',
        'commands': commands,
    }
