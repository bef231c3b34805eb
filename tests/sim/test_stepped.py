# SPDX-License-Identifier: Apache-2.0
"""Simulators that are not ours: what they say is checked, and what is asked of them over the wire as well."""

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from genima.errors import GenimaError, SimulatorError
from genima.robots.profile import RobotProfile
from genima.sim.base import Setup
from genima.sim.remote import RemoteSimulator
from genima.sim.stepped import Stepped
from genima_client.connection import ServerError
from genima_client.simulator import Camera, Seen, SimulatorServer
from genima_client.simulator_client import SimulatorClient

PAGE = Path(__file__).resolve().parents[2] / 'docs' / 'own_simulator.md'
SETUP = Setup(RobotProfile.load('panda'), 'turn', 'front', 32, 32)


def of_the_page() -> Any:
    names: dict[str, Any] = {'__name__': 'my_simulator'}
    exec(PAGE.read_text().split('```python\n')[1].split('```')[0], names)
    return names['MySimulator']()


def changed(**answers: Any) -> Any:
    """Return the simulator of the page, but that some methods answer otherwise."""
    simulator = of_the_page()
    for name, answer in answers.items():
        setattr(simulator, name, (lambda given: lambda *_: given)(answer) if not isinstance(answer, float) else answer)
    return simulator


def seen(**changes: Any) -> Seen:
    return Seen(np.zeros(7), 1.0, False, {}, {})._replace(**changes)


@pytest.fixture
def address() -> Iterator[str]:
    server = SimulatorServer(of_the_page(), port=0)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f'ws://127.0.0.1:{server.port}'
    server.close()
    thread.join(5.0)
    assert not thread.is_alive()


def test_a_trajectory_arrives_as_one_target_a_period() -> None:
    simulator = Stepped(of_the_page(), SETUP)
    goal = simulator.q_rad + 0.4 * np.eye(7)[0]
    simulator.controller.set_trajectory(0.0, 0.0, np.array([0.5]), goal[None])
    for t_s in np.arange(0.02, 0.62, 0.02):  # not a multiple of the period
        simulator.step_to(float(t_s))
        assert simulator.time_s == pytest.approx(t_s)
    np.testing.assert_allclose(simulator.q_rad, goal)
    assert simulator.success() and simulator.limit_usage()['velocity'] > 0.2
    simulator.reset(3)
    assert simulator.time_s == 0.0 and not simulator.success()


def test_it_is_the_same_here_and_over_the_wire(address: str) -> None:
    here, there = Stepped(of_the_page(), SETUP), RemoteSimulator(address, SETUP)
    for simulator in (here, there):
        simulator.reset(5)
        simulator.controller.set_trajectory(0.0, 0.0, np.array([0.5]), (simulator.q_rad + 0.2)[None])
        simulator.step_to(0.33)
    np.testing.assert_array_equal(here.q_rad, there.q_rad)
    np.testing.assert_array_equal(here.render()['front'], there.render()['front'])
    assert here.state().keys() == there.state().keys() and here.software == there.software
    np.testing.assert_array_equal(here.cameras['front'].T_parent_camera, there.cameras['front'].T_parent_camera)
    there.close()


@pytest.mark.parametrize(
    ('answers', 'message'),
    [
        ({'period_s': 0.0}, 'period_s: got 0.0'),
        ({'period_s': float('nan')}, 'period_s: got nan'),
        ({'reset': seen(q_rad=np.zeros(6))}, 'q_rad: .*allowed: 7 finite numbers'),
        ({'reset': seen(q_rad=np.full(7, np.nan))}, 'q_rad: '),
        ({'reset': seen(gripper_open=1.5)}, 'gripper_open: got 1.5'),
        ({'reset': seen(poses={'ball': np.eye(3)})}, 'pose of ball: '),
        ({'start': {}}, 'cameras: got none, allowed: with front'),
        ({'start': {'front': Camera(np.eye(3), 2 * np.eye(4))}}, 'no rigid transform'),
        ({'start': {'front': Camera(np.eye(3), np.eye(4), 'tail')}}, "camera front, parent: got tail"),
    ],
)
def test_what_makes_no_sense_is_named(answers: dict[str, Any], message: str) -> None:
    with pytest.raises(SimulatorError, match=message):
        Stepped(changed(**answers), SETUP)


def test_images_of_another_size_are_refused() -> None:
    simulator = Stepped(changed(render={'front': np.zeros((16, 16, 3), np.uint8)}), SETUP)
    with pytest.raises(SimulatorError, match=r'image front: got uint8 \(16, 16, 3\), allowed: uint8 \(32, 32, 3\)'):
        simulator.render()


@pytest.mark.parametrize(
    ('question', 'message'),
    [
        ({'type': 'reset', 'seed': -1}, 'seed: got -1'),
        ({'type': 'reset', 'seed': True}, 'seed: got True'),
        ({'type': 'step', 'q_rad': np.zeros((1, 6)), 'v_rad_s': np.zeros((1, 6)), 'gripper_open': 1.0}, 'q_rad: got'),
        ({'type': 'step', 'q_rad': np.zeros((0, 7)), 'v_rad_s': np.zeros((0, 7)), 'gripper_open': 1.0}, 'q_rad: got'),
        ({'type': 'step', 'q_rad': np.zeros((2, 7)), 'v_rad_s': np.zeros((1, 7)), 'gripper_open': 1.0}, 'v_rad_s: got'),
        ({'type': 'step', 'q_rad': np.zeros((1, 7)), 'v_rad_s': np.zeros((1, 7)), 'gripper_open': 2}, 'gripper_open: got 2'),
        ({'type': 'step', 'q_rad': 'up'}, 'q_rad: got str'),
        ({'type': 'place'}, 'it has no such method'),
        ({'type': np.zeros(3)}, 'allowed: start, reset, step'),
        ({'type': ['x']}, 'allowed: start, reset, step'),
        ({'type': 'start', 'cameras': {}, 'joint_names': []}, 'joint_names: got'),
        ({'type': 'start', 'cameras': 5}, 'cameras: got int'),
        ({}, 'allowed: start, reset'),
    ],
)
def test_a_wrong_question_is_refused_and_the_next_one_answered(address: str, question: dict[str, Any], message: str) -> None:
    client = SimulatorClient(address)
    with pytest.raises(ServerError, match='has not been started'):
        client.reset(1)
    names = [f'j{index}' for index in range(7)]
    client.start(robot='panda', joint_names=names, task='turn', cameras={'front': 'front'}, width_px=32, height_px=32)
    with pytest.raises(ServerError, match='no episode has begun'):
        client.render()
    client.reset(1)
    with pytest.raises(ServerError, match=message):
        client._connection.ask(question, 5.0)
    assert client.reset(1)['type'] == 'state'
    client.close()


def test_a_policy_is_no_simulator(address: str) -> None:
    from genima.policy.remote import RemotePolicy

    with pytest.raises(GenimaError, match='serves no policy'):
        RemotePolicy(address)
