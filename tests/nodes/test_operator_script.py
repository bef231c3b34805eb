# SPDX-License-Identifier: Apache-2.0
"""The scripted operator picks up the cube, again and again, and marks its mistakes. No nodes, no pictures."""

from collections.abc import Iterator

import numpy as np
import pytest
from genima_ros.operator.script import Intent, Scene, Script

from genima.chunks.plan import Chunk
from genima.recording.jog import DT_S, STEPS
from genima.robots.kinematics import tcp_pose
from genima.robots.profile import RobotProfile
from genima.sim.simulation import Simulation


@pytest.fixture(scope='module')
def simulation() -> Simulation:
    return Simulation(RobotProfile.load('panda'), render=False)


def _scene(simulation: Simulation) -> Scene:
    return Scene(simulation.time_s, simulation.q_rad.copy(), simulation.gripper_open, simulation.state())


def _follow(simulation: Simulation, chunk: Chunk) -> None:
    """Let the robot's controller do the first step of a chunk."""
    now_s = simulation.time_s
    q_now, _ = simulation.controller.sample(now_s)
    simulation.command_gripper(float(chunk.gripper_open[0]))
    rows = np.stack([q_now, chunk.q_rad[0]])
    simulation.controller.set_trajectory(now_s, now_s, np.array([0.0, DT_S]), rows, None)
    simulation.step_to(now_s + DT_S)


def _run(simulation: Simulation, script: Script, steps: int) -> Iterator[Intent]:
    for _ in range(steps):
        intent = script.intent(_scene(simulation))
        assert intent.chunk.q_rad.shape == (STEPS, 7) and intent.chunk.gripper_open.shape == (STEPS,)
        _follow(simulation, intent.chunk)
        yield intent


@pytest.mark.parametrize('seed', [0, 1, 2])
def test_the_cube_is_picked_up_put_elsewhere_and_picked_up_again(simulation: Simulation, seed: int) -> None:
    simulation.reset(seed)
    script = Script(simulation.profile, simulation.task, np.random.default_rng(seed), 0.0)
    first_place = simulation.state()['cube'][:2, 3]
    for intent in _run(simulation, script, 120):
        assert not intent.mark
        if simulation.success():
            break
    assert simulation.success()
    script.put_back(_scene(simulation))
    assert not script.working
    lowest_m = 1.0
    for _ in _run(simulation, script, 150):
        lowest_m = min(lowest_m, simulation.measures()['lifted_m'])
        if script.working:
            break
    assert script.working and lowest_m < 0.01 and simulation.gripper_open > 0.9
    place = simulation.state()['cube'][:2, 3]
    assert np.linalg.norm(place - first_place) > 0.03, 'it lies somewhere else'
    assert tcp_pose(simulation.profile, simulation.q_rad)[2, 3] > 0.08, 'the hand is out of its way'
    for _ in _run(simulation, script, 120):
        if simulation.success():
            break
    assert simulation.success()


def test_mistakes_begin_and_end_and_are_recovered_from(simulation: Simulation) -> None:
    simulation.reset(3)
    script = Script(simulation.profile, simulation.task, np.random.default_rng(3), 0.5)
    marks = [intent.mark for intent in _run(simulation, script, 60)]
    told = [mark for mark in marks if mark]
    assert told[:4] == ['ignore_begin', 'ignore_end'] * 2, 'never two mistakes at once'
    begin = marks.index('ignore_begin')
    assert marks.index('ignore_end') - begin == 8
    sober = Script(simulation.profile, simulation.task, np.random.default_rng(3), 0.0)
    for _ in _run(simulation, sober, 150):
        if simulation.success():
            break
    assert simulation.success()


def test_a_plan_goes_on_from_tick_to_tick(simulation: Simulation) -> None:
    simulation.reset(4)
    script = Script(simulation.profile, simulation.task, np.random.default_rng(4), 0.0)
    chunks = [intent.chunk for intent in _run(simulation, script, 4)]
    np.testing.assert_array_equal(chunks[1].q_rad[:-1], chunks[0].q_rad[1:])
    np.testing.assert_allclose(np.diff([chunk.stamp_s for chunk in chunks]), DT_S, atol=1e-9)
