# SPDX-License-Identifier: Apache-2.0
"""A task of another package, with its own object and words: found, collected, trained for some steps, evaluated."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import mujoco
import numpy as np
import pytest
from typer.testing import CliRunner

from genima.cli.main import app
from genima.episodes.store import read_episode
from genima.errors import TaskError
from genima.robots.kinematics import solve_ik, tcp_pose
from genima.robots.profile import RobotProfile
from genima.tasks.base import Floats, State, TaskObject
from genima.tasks.registry import find_task, tasks

SOUTH = -0.15


class PushExpert:
    """Goes behind the ball with a closed gripper and pushes it away from the operator."""

    def __init__(self, profile: RobotProfile) -> None:
        self._profile = profile

    def rollout(self, q_rad: Floats, gripper_open: float, state: State, steps: int) -> tuple[Floats, Floats, Floats]:
        T, q, rows = tcp_pose(self._profile, q_rad), np.asarray(q_rad), []
        ball = state['ball'][:3, 3]
        for _ in range(steps):
            behind = abs(T[0, 3] - ball[0]) < 0.02 and T[1, 3] < ball[1] - 0.03
            goal = ball + (np.array([0.0, 0.1, 0.0]) if behind and T[2, 3] < 0.06 else np.array([0.0, -0.09, 0.0]))
            goal[2] = 0.035 if behind else 0.12
            T = T.copy()
            T[:3, 3] += np.clip(goal - T[:3, 3], -0.025, 0.025)
            q = solve_ik(self._profile, T, q, iterations=8)
            rows.append(q)
        return np.stack(rows), np.zeros(steps), np.zeros(steps)


class Push:
    """Push a blue ball 5 cm forward."""

    name, instructions = 'push', ('push the blue ball', 'roll the ball away')
    objects = (TaskObject('ball', 0.05),)
    needs_gripper = False

    def build(self, scene: Any) -> None:
        body = scene.worldbody.add_body(name='ball', pos=[0.5, 0.0, 0.025])
        body.add_freejoint()
        body.add_geom(
            name='ball', type=mujoco.mjtGeom.mjGEOM_SPHERE, size=[0.025, 0, 0], rgba=[0.1, 0.2, 0.9, 1.0], mass=0.05,
            friction=[1.0, 0.02, 0.02], condim=6, contype=2, conaffinity=1,
        )  # fmt: skip

    def reset(self, rng: np.random.Generator) -> dict[str, Floats]:
        T = np.eye(4)
        T[:3, 3] = rng.uniform(0.45, 0.55), rng.uniform(SOUTH, SOUTH + 0.1), 0.025
        return {'ball': T}

    def success(self, state: State) -> bool:
        return self.measures(state)['pushed_m'] > 0.15

    def measures(self, state: State) -> dict[str, float]:
        return {'pushed_m': float(state['ball'][1, 3] - SOUTH)}

    def expert(self, profile: RobotProfile) -> PushExpert:
        return PushExpert(profile)


@pytest.fixture(autouse=True)
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Install this file as a package would be: an entry point, which other processes see as well."""
    info = tmp_path / 'own_task-1.0.dist-info'
    info.mkdir()
    (info / 'METADATA').write_text('Metadata-Version: 2.1\nName: own-task\nVersion: 1.0\n')
    (info / 'entry_points.txt').write_text(f'[genima.tasks]\npush = {__name__}:Push\n')
    monkeypatch.syspath_prepend(str(tmp_path))
    find_task.cache_clear()
    yield
    find_task.cache_clear()


def _run(*words: str) -> str:
    done = CliRunner().invoke(app, words, catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return done.output


def test_a_task_of_another_package_is_collected_trained_and_evaluated(tmp_path: Path) -> None:
    assert tasks() == ('pick', 'push') and find_task('push').instructions[0] == 'push the blue ball'
    data, policy, recipe = tmp_path / 'data', tmp_path / 'policy', tmp_path / 'push.yaml'
    _run('collect', '--task', 'push', '--out', str(data), '--episodes', '2', '--workers', '1', '--cameras', 'front')
    episode = read_episode(data / 'episode_000000.h5', images=False)
    assert (episode.metadata['task'], episode.metadata['instruction']) == ('push', 'push the blue ball')
    text = (Path(__file__).parents[2] / 'config' / 'policies' / 'one_camera.yaml').read_text()
    recipe.write_text(text.replace('task: pick', 'task: push').replace('pick up the red cube', 'push the blue ball'))
    short = ('--data', str(data), '--policy', str(policy), '--threads', '1', '--log-with', 'none', '--steps', '2')
    few = ('--autoencoder-steps', '2', '--polish-steps', '1', '--batch', '2')
    _run('train', 'painter', *short, *few, '--recipe', str(recipe))
    _run('train', 'controller', *short, '--batch', '2', '--imagined', '2')
    figures = tmp_path / 'figures.json'
    _run('evaluate', '--policy', str(policy), '--episodes', '1', '--episode-s', '1', '--json', str(figures))
    assert '"episodes": 1' in figures.read_text()


def test_a_task_that_nobody_has_is_refused_in_words() -> None:
    with pytest.raises(TaskError, match="no simulated task 'fold'; known are pick, push"):
        find_task('fold')
