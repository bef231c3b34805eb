# SPDX-License-Identifier: Apache-2.0
"""The control loop on a simulated FCI that ends a motion at the robot's limits; run with `pytest -m fci`."""

import numpy as np
import pytest

from genima.fci.door import ReflexError
from genima.fci.libfranka import LibfrankaArm
from genima.fci.simulated import SimulatedFci

pytestmark = pytest.mark.fci

TIMES_S = np.arange(0.0, 2.001, 0.02)
SWING = (1 - np.cos(np.pi * TIMES_S / 2)) / 2
SWING_PER_S = np.pi / 4 * np.sin(np.pi * TIMES_S / 2)
SWING_PER_S[-1] = 0.0
BY = np.array([0.3, 0.2, -0.2, -0.5, 0.3, 0.4, 0.5])


def swing(arm, by: np.ndarray) -> np.ndarray:  # type: ignore[no-untyped-def]
    q_rad = arm.reference_rad
    arm.loop.send(0.0, TIMES_S + 1e-3, q_rad + SWING[:, None] * by, SWING_PER_S[:, None] * by)
    return q_rad + by


def test_negative_control_a_step_of_20_mrad_ends_in_a_reflex_until_it_is_recovered(simulated_fci: SimulatedFci) -> None:
    robot = LibfrankaArm('127.0.0.1', realtime=False)
    robot.begin()
    q_rad = list(robot.receive().q_d_rad)
    robot.send(q_rad)
    with pytest.raises(ReflexError, match='joint_motion_generator_velocity_discontinuity'):
        for cycle in range(200):
            robot.receive()
            q_rad[3] += 0.02 if cycle == 50 else 0.0
            robot.send(q_rad)
    with pytest.raises(ReflexError):
        robot.begin()
        robot.receive()
    robot.recover()
    robot.begin()
    robot.send(list(robot.receive().q_d_rad))


def test_the_arm_holds_then_follows_then_refuses_what_jumps(arm, simulated_fci: SimulatedFci) -> None:  # type: ignore[no-untyped-def]
    held = arm.reference_rad
    arm.let_pass(0.3)
    assert (arm.reference_rad == held).all(), 'it moved without a trajectory'
    goal = swing(arm, BY)
    arm.let_pass(2.6)
    assert arm.now.active and np.abs(arm.reference_rad - goal).max() < 1e-5
    assert np.abs(np.array(arm.now.q_rad) - goal).max() < 5e-3
    arm.loop.send(0.0, np.array([0.0, 0.5]), np.tile(goal + 0.03, (2, 1)), np.zeros((2, 7)))
    arm.wait(lambda: any('off the plan that runs' in text for text in arm.texts))
    arm.let_pass(0.2)
    assert arm.now.active and np.abs(arm.reference_rad - goal).max() < 1e-5
    assert 'aborting' not in simulated_fci.log


def test_a_silent_node_and_a_dead_one_bring_the_arm_to_rest_without_a_reflex(arm, simulated_fci: SimulatedFci) -> None:  # type: ignore[no-untyped-def]
    goal = swing(arm, BY)
    arm.let_pass(0.7)
    arm.beating = False
    arm.wait(lambda: any('silent' in text for text in arm.texts))
    arm.let_pass(0.6)
    assert arm.now.active and np.abs(arm.now.reference_rad_s).max() < 1e-3
    assert np.abs(arm.reference_rad - goal).max() > 0.01, 'it did not stop before the end of the plan'
    arm.beating = True
    arm.let_pass(0.2)
    swing(arm, -0.5 * BY)
    arm.let_pass(0.8)
    assert np.abs(arm.now.reference_rad_s).max() > 0.05
    arm.loop.close()  # as the kernel does for a node that was killed
    assert 'aborting' not in simulated_fci.log and 'Error' not in arm.texts
