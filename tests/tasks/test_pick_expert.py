# SPDX-License-Identifier: Apache-2.0
import numpy as np
import pytest

from genima.episodes.episode import Episode
from genima.robots.kinematics import tcp_pose
from genima.robots.profile import RobotProfile
from genima.sim.collect import PLAN_STEPS, CollectConfig, record
from genima.sim.simulation import Simulation


@pytest.fixture(scope='module')
def simulation() -> Simulation:
    return Simulation(RobotProfile.load('panda'), render=False)


def _blind(simulation: Simulation) -> Simulation:
    simulation.render = lambda: {  # type: ignore[method-assign]
        name: np.zeros((4, 4, 3), np.uint8) for name in simulation.cameras
    }
    return simulation


def _plan(simulation: Simulation, q_rad: np.ndarray, gripper_open: float, steps: int) -> tuple[np.ndarray, np.ndarray]:
    expert = simulation.task.expert(simulation.profile)
    q, gripper, _ = expert.rollout(q_rad, gripper_open, simulation.state(), steps)
    return q, gripper


def test_plan_picks_the_cube_up(simulation: Simulation, panda: RobotProfile) -> None:
    simulation.reset(3)
    q, gripper = _plan(simulation, simulation.q_rad, 1.0, 60)
    T = tcp_pose(panda, q)
    closing = int(np.argmin(gripper))
    np.testing.assert_allclose(T[closing, :3, 3], simulation.state()['cube'][:3, 3], atol=0.008)
    assert T[-1, 2, 3] > 0.15 and gripper[-1] == 0.0
    np.testing.assert_array_equal(gripper[:closing], 1.0)


def test_plan_is_a_function_of_the_state(simulation: Simulation, panda: RobotProfile) -> None:
    """What the expert intends from a state that it planned to be in is what it intended before."""
    simulation.reset(4)
    q, gripper = _plan(simulation, simulation.q_rad, 1.0, 20)
    again, gripper_again = _plan(simulation, q[5], 1.0, 10)
    assert np.abs(tcp_pose(panda, again[6]) - tcp_pose(panda, q[12]))[:3, 3].max() < 0.05
    np.testing.assert_array_equal(gripper_again[:3], gripper[6:9])


def test_closed_gripper_is_opened_again(simulation: Simulation, panda: RobotProfile) -> None:
    simulation.reset(5)
    _, gripper = _plan(simulation, simulation.q_rad, 0.0, 10)
    np.testing.assert_array_equal(gripper[:5], 1.0)


def test_a_held_cube_is_never_let_go(simulation: Simulation, panda: RobotProfile) -> None:
    """Fingers that hold press a little into the cube: it must count as held all the way up."""
    blind = _blind(simulation)
    opened = [_opened_with_the_cube(record(blind, seed, CollectConfig(push=0.0, steps=90)), panda) for seed in range(4)]
    assert not any(opened)


def _opened_with_the_cube(episode: Episode, panda: RobotProfile) -> bool:
    """Return whether a plan opens the gripper at a step where the cube has left the table."""
    height_m = tcp_pose(panda, episode.q_rad)[:, 2, 3]
    lifting = (height_m > 0.05) & (np.abs(episode.gripper_open - 0.489) < 0.01)
    assert lifting.sum() > 3
    return bool((episode.plan_gripper_open[lifting] > 0.5).any())


def test_demonstrations_succeed_from_perturbed_states(simulation: Simulation) -> None:
    blind = _blind(simulation)
    episodes = [record(blind, seed, CollectConfig()) for seed in range(6)]
    assert sum(episode.metadata['success'] for episode in episodes) >= 5
    for episode in episodes:
        _check(episode)


def _check(episode: Episode) -> None:
    episode.check()
    assert episode.plan_q_rad.shape[1:] == (PLAN_STEPS, 7)
    np.testing.assert_array_equal(episode.plan_q_rad[:, 0], episode.q_command_rad)


def test_same_seed_same_demonstration(simulation: Simulation) -> None:
    blind = _blind(simulation)
    first, second = (record(blind, 11, CollectConfig()) for _ in range(2))
    np.testing.assert_array_equal(first.q_rad, second.q_rad)
    np.testing.assert_array_equal(first.plan_q_rad, second.plan_q_rad)
