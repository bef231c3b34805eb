# SPDX-License-Identifier: Apache-2.0
"""The world under an arm that somebody else moves: the fingers lift the cube although nobody commands the arm here."""

import numpy as np

from genima.robots.profile import RobotProfile
from genima.sim.followed import LONGEST_GAP_S, Followed
from genima.sim.simulation import Simulation

STEP_S, STEPS = 0.1, 8


def test_a_followed_arm_lifts_the_cube(panda: RobotProfile) -> None:
    simulation = Simulation(panda, render=False)
    followed = Followed(simulation)
    q_rad, t_s, expert = panda.home_rad, 5.0, simulation.task.expert(panda)
    followed.begin(t_s, q_rad, 1.0, simulation.task.reset(np.random.default_rng(3)))
    for _ in range(12):
        path, openings, _ = expert.rollout(q_rad, simulation.gripper_open, simulation.state(), STEPS)
        for q_rad, opening in zip(path, openings, strict=True):
            simulation.command_gripper(float(opening > 0.5))
            t_s += STEP_S
            followed.follow(t_s, q_rad)
        if simulation.success():
            break
    assert simulation.success()
    assert np.abs(simulation.q_rad - q_rad).max() < 0.02


def test_a_gap_is_not_replayed_and_old_measurements_are_nothing(panda: RobotProfile) -> None:
    simulation = Simulation(panda, render=False)
    followed = Followed(simulation)
    followed.begin(0.0, panda.home_rad, 1.0, simulation.task.reset(np.random.default_rng(3)))
    followed.follow(1000.0, panda.home_rad + 0.05)
    assert simulation.time_s <= LONGEST_GAP_S + 0.01
    followed.follow(999.0, panda.home_rad)
    followed.follow(1000.5, panda.home_rad + 0.05)
    assert np.abs(simulation.q_rad - panda.home_rad - 0.05).max() < 0.01
