# SPDX-License-Identifier: Apache-2.0
"""The simulation judges where the robot is commanded to, whatever the guard thought of it."""

import mujoco
import numpy as np
import pytest

from genima.robots.kinematics import solve_ik, tcp_pose
from genima.robots.profile import RobotProfile
from genima.robots.reading import profile_names
from genima.sim.intrusion import COLLISION_TOLERANCE_M, WORKSPACE_TOLERANCE_M, IntrusionUsage
from genima.sim.simulation import Simulation
from genima.sim.world import World

PANDA = RobotProfile.load('panda')
OPEN_M = np.full(2, 0.04)


@pytest.fixture(scope='module')
def usage() -> IntrusionUsage:
    return IntrusionUsage(PANDA, World(PANDA).model)


def at_height(z_m: float) -> np.ndarray:
    T = tcp_pose(PANDA, PANDA.home_rad)
    T[2, 3] = z_m
    return solve_ik(PANDA, T, PANDA.home_rad, iterations=50)


def test_how_far_the_tcp_leaves_the_workspace_is_told_in_shares_of_the_tolerance(usage: IntrusionUsage) -> None:
    usage.reset()
    usage.add(at_height(0.012), OPEN_M)
    assert usage.worst()['workspace'] == 0.0
    usage.add(at_height(0.004), OPEN_M)
    assert usage.worst()['workspace'] == pytest.approx(0.006 / WORKSPACE_TOLERANCE_M, rel=0.02)


def test_links_in_each_other_and_in_the_table_are_named_with_their_depth(usage: IntrusionUsage) -> None:
    usage.reset()
    usage.add(np.array([1.27, -1.71, 1.49, -1.53, 2.49, 0.23, 1.98]), OPEN_M)
    assert usage.worst()['collision'] > 0.01 / COLLISION_TOLERANCE_M and usage.pair == 'panda_hand and panda_link5'
    usage.reset()
    low = PANDA.home_rad.copy()
    low[1], low[3] = 1.7, -1.0
    usage.add(low, OPEN_M)
    assert usage.worst()['collision'] > 1.0 and 'table' in usage.pair
    usage.reset()
    assert usage.worst() == {'workspace': 0.0, 'collision': 0.0} and not usage.pair


def test_the_gripper_may_touch_the_table_and_its_own_fingers(usage: IntrusionUsage) -> None:
    usage.reset()
    usage.add(at_height(-0.01), np.zeros(2))
    assert usage.worst()['collision'] == 0.0 and usage.worst()['workspace'] > 1.0


@pytest.mark.parametrize('robot', profile_names())
def test_at_home_nothing_touches(robot: str) -> None:
    profile = RobotProfile.load(robot)
    usage = IntrusionUsage(profile, World(profile).model)
    usage.add(profile.home_rad, np.full(len(profile.gripper.joints), profile.gripper.closed_m))
    assert usage.worst() == {'workspace': 0.0, 'collision': 0.0}


def test_the_simulation_counts_what_was_commanded_though_the_table_holds_the_arm() -> None:
    simulation = Simulation(PANDA, render=False)
    start_rad, low_rad = simulation.controller.sample(0.0)[0], PANDA.home_rad.copy()
    low_rad[1], low_rad[3] = 1.7, -1.0
    simulation.controller.set_trajectory(0.0, 0.0, np.array([0.0, 2.0]), np.stack([start_rad, low_rad]), None)
    simulation.step_to(2.2)
    usage = simulation.limit_usage()
    assert usage['collision'] > 1.0 and usage['workspace'] > 1.0 and 'table' in simulation.deepest_contact
    mujoco.mj_forward(simulation.model, simulation.data)
    simulation.reset(0)
    assert simulation.limit_usage()['collision'] == 0.0 and not simulation.deepest_contact
