# SPDX-License-Identifier: Apache-2.0
"""The guard's own node on a bench, in simulated time: some of the faults of `genima faults`, and that the bench is right."""

from collections.abc import Iterator

import numpy as np
import pytest
import rclpy
from genima_bringup.faults.bench import Bench
from genima_bringup.faults.case import GRAPH, IN_PROCESS
from genima_bringup.faults.cases import fault_cases
from genima_bringup.faults.in_process import run_on_bench
from genima_bringup.faults.wires import Wires
from std_msgs.msg import Float64

CASES = {case.name: case for case in fault_cases()}
CHOSEN = (
    'no fault',
    'second publisher: joint_states',
    'second publisher: gripper/command',
    'two simulators',
    'joint_states: joint 3 +0.20 rad',
    'clock of the guard: steps of +300 ms',
    'guard late by 0.5 s: after judging',
    'malformed: action_chunk, between good ones',
    'operator: arm, disarm, stop and reset at 100 Hz',
)


@pytest.fixture(scope='module')
def bench() -> Iterator[Bench]:
    rclpy.init(args=Bench.guard_arguments('panda', 'panda_arm_controller'))
    yield Bench('panda', 'panda_arm_controller')
    rclpy.try_shutdown()


@pytest.mark.parametrize('name', CHOSEN)
def test_the_guard_survives_a_fault(bench: Bench, name: str) -> None:
    result = run_on_bench(bench, CASES[name], 0)
    assert not result.problems, result.problems
    assert result.limits['acceleration'] > 0.1, 'the arm moved'
    if CASES[name].latches and CASES[name].rival:
        assert result.refusals['stop'] >= 1


def test_a_seed_decides_all(bench: Bench) -> None:
    first, again = (run_on_bench(bench, CASES['joint_states: a third lost'], 1) for _ in range(2))
    assert first == again


def test_a_jump_that_nobody_limits_is_seen(bench: Bench) -> None:
    """The negative control: what a second program sends to the robot's controller is judged as well."""
    bench.begin(3000)
    bench.run(0.3)
    simulation = bench.robot.simulation
    q_rad, now_s = simulation.controller.sample(bench.now_s)[0], bench.now_s - bench.robot._origin_s
    there = np.stack((q_rad, q_rad + 0.02))
    simulation.controller.set_trajectory(now_s, now_s - 0.01, np.array([0.0, 0.011]), there, None)
    bench.run(0.1)
    usage = simulation.limit_usage()
    assert usage['acceleration'] > 1.0 and usage['jerk'] > 1.0


def test_there_are_enough_cases_each_with_a_name_and_a_place() -> None:
    assert len(CASES) == len(fault_cases()) >= 120
    assert all(set(case.transports) <= {GRAPH, IN_PROCESS} and case.transports for case in CASES.values())
    assert sum(GRAPH in case.transports for case in CASES.values()) >= 30


def test_wires_deliver_in_order_of_arrival_and_faults_change_what_arrives() -> None:
    wires, heard = Wires(), []
    wires.connect('/a', lambda message: heard.append(message.data))
    wires.send('/a', Float64(data=1.0), 0.02)
    wires.send('/a', Float64(data=2.0), 0.01)
    wires.send('/b', Float64(data=9.0))
    wires.deliver(0.015)
    assert heard == [2.0]
    wires.deliver(0.03)
    wires.faults['/a'] = (lambda message, rng: [(0.0, message), (0.05, message)]), np.random.default_rng(0)
    wires.send('/a', Float64(data=3.0))
    wires.deliver(0.1)
    assert heard == [2.0, 1.0, 3.0, 3.0]
