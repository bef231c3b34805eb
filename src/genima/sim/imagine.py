# SPDX-License-Identifier: Apache-2.0
"""Motions of the expert without physics or pictures, from anywhere: what it would do if the arm were there.

Recorded demonstrations hardly hold the states into which a policy's own errors lead, such as a gripper on the table
beside the object. A controller that has not seen them follows its habit instead of the spheres.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache, partial
from typing import Any

import numpy as np

from genima.processes import in_processes
from genima.robots.kinematics import solve_ik, tcp_pose
from genima.robots.profile import RobotProfile
from genima.robots.transforms import axis_generators, rotation_about
from genima.tasks.base import DOWN
from genima.tasks.registry import find_task, tasks

STEPS = 61
PLAN_STEPS = 25
REACHED_M = 0.01


@dataclass(frozen=True)
class Imagined:
    """T states of one motion and the plan from each.

    Attributes:
        q_rad: (T, n) joints.
        gripper_open: (T,) opening.
        plan_q_rad: (T, C, n) next joint targets.
        plan_gripper: (T, C) next gripper commands.
    """

    q_rad: np.ndarray
    gripper_open: np.ndarray
    plan_q_rad: np.ndarray
    plan_gripper: np.ndarray


def knows(metadata: Mapping[str, Any]) -> bool:
    """Return whether an expert knows the task of an episode with such metadata: a simulated one."""
    return metadata.get('task') in tasks() and str(metadata.get('source', '')).startswith('simulation')


def imagine(robot: str, task: str, seeds: range, workers: int = 2) -> Iterator[Imagined]:
    """Yield one motion per seed; seeds that draw a start out of reach yield nothing."""
    job = partial(_one, robot, task)
    yield from (motion for motion in in_processes(job, seeds, workers, ordered=True) if motion is not None)


_load = lru_cache(maxsize=1)(RobotProfile.load)  # once per process


def _one(robot: str, task_name: str, seed: int) -> Imagined | None:
    profile, task, rng = _load(robot), find_task(task_name), np.random.default_rng([seed, 2])
    state = task.reset(rng)
    T = np.eye(4)
    yaw, tilt = rng.uniform(-0.8, 0.8), rng.uniform(-0.12, 0.12)
    vertical, sideways = axis_generators(np.array([0.0, 0.0, 1.0])), axis_generators(np.array([0.0, 1.0, 0.0]))
    T[:3, :3] = rotation_about(vertical, yaw) @ rotation_about(sideways, tilt) @ DOWN
    if rng.random() < 0.5:
        T[:3, 3] = state[task.objects[0].name][:3, 3] + rng.uniform([-0.09, -0.09, -0.012], [0.09, 0.09, 0.09])
    else:
        T[:3, 3] = rng.uniform([0.32, -0.28, 0.015], [0.68, 0.28, 0.42])
    q = solve_ik(profile, T, profile.home_rad + rng.normal(0.0, 0.1, profile.n_joints))
    if np.abs(tcp_pose(profile, q) - T)[:3, 3].max() > REACHED_M:
        return None
    opening = float(rng.choice([1.0, 1.0, 1.0, 1.0, 0.0, rng.uniform(0.0, 1.0)]))
    q_steps, commands, openings = task.expert(profile).rollout(q, opening, state, STEPS)
    q_all, open_all = np.concatenate([[q], q_steps]), np.concatenate([[opening], openings])
    starts = np.arange(STEPS - PLAN_STEPS + 1)
    window = starts[:, None] + np.arange(PLAN_STEPS)
    return Imagined(q_all[starts], open_all[starts], q_steps[window], commands[window])
