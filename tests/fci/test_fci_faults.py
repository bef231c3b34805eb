# SPDX-License-Identifier: Apache-2.0
"""Faults of the whole graph on the simulated FCI while the arm moves: it rests, or goes on, and never in a reflex."""

import json
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass

import pytest
from fci_rig import MOVING_RAD_S, STILL_RAD_S, FciRig
from std_msgs.msg import Bool

from genima.fci.simulated import SimulatedFci

pytestmark = pytest.mark.fci
DRIVER = 'fci_node'
REST_WITHIN_S = 0.8  # the longest plan after the last message, and what a slow computer adds to it in the robot's time


@dataclass(frozen=True)
class Fault:
    """What is done, to whom or to which stream, for how long in the robot's time, and whether the arm must rest then."""

    name: str
    node: str = ''
    number: signal.Signals = signal.SIGKILL
    order: str = ''
    seconds: float = 2.0
    stops: bool = True


PROCESSES = (
    Fault('policy killed', 'expert'),
    Fault('policy stalls for 2 s', 'expert', signal.SIGSTOP),
    Fault('guard killed', 'guard_node'),
    Fault('guard stalls for 2 s', 'guard_node', signal.SIGSTOP),
    Fault('driver stalls for 2 s', DRIVER, signal.SIGSTOP),
    Fault('driver killed', DRIVER),
    Fault('emergency stop'),
)
CHUNKS = (
    Fault('chunks all lost', order='action_chunk: all lost'),
    Fault('chunks 600 ms late', order='action_chunk: 600 ms late'),
    Fault('chunks out of order', order='action_chunk: out of order', stops=False),
    Fault('chunks with spikes of 0.5 rad', order='action_chunk: a spike of 0.5 rad', stops=False),
)
TRAJECTORIES = (
    Fault('a fifth of the trajectories lost', order='joint_trajectory: a fifth lost', stops=False),
    Fault('trajectories 40 ms late', order='joint_trajectory: 40 ms late', stops=False),
    Fault('trajectories all lost', order='joint_trajectory: all lost'),
)
CLOCKS = (
    Fault('clock of the guard 40 ms ahead', order='clock of the guard: +40 ms', stops=False),
    Fault('clock of the guard 80 ms ahead', order='clock of the guard: +80 ms', stops=False),
)


def _inject(rig: FciRig, fault: Fault) -> Callable[[], None]:
    """Begin a fault; return what ends it."""
    if fault.order:
        rig.relay(json.dumps({'case': fault.order, 'seed': 0}))
        return lambda: rig.relay(json.dumps({'case': '', 'seed': 0}))
    if not fault.node:
        rig.e_stop.publish(Bool(data=True))
        return lambda: rig.e_stop.publish(Bool(data=False))
    rig.signal(fault.node, fault.number)
    if fault.number == signal.SIGKILL:
        return lambda: rig.restart(fault.node)
    return lambda: rig.signal(fault.node, signal.SIGCONT)


def _run(rig: FciRig, fault: Fault, seed: int) -> list[str]:
    """Return what went wrong."""
    rig.begin(seed)
    rig.wait(lambda: rig.speed_rad_s() > MOVING_RAD_S, why=f'for motion before {fault.name}')
    end = _inject(rig, fault)
    begun_s, rest_s = rig.now_s, 0.0
    if fault.node == DRIVER:  # it is the clock, too, and nobody else says how the arm moves
        time.sleep(fault.seconds)
    else:
        rig.let_pass(fault.seconds)
        rest_s = rig.last_motion_s(begun_s) - begun_s if fault.stops else 0.0
    end()
    rig.let_pass(0.5)
    rig.arm()
    armed_s = rig.now_s
    rig.wait(lambda: rig.speed_rad_s() > STILL_RAD_S, why=f'for motion after {fault.name}')
    rig.let_pass(0.5)
    after_s = rig.now_s - armed_s
    print(f'{fault.name}: rest after {rest_s:.2f} s, {len(rig.reflexes)} reflexes, on {after_s:.1f} s later', flush=True)
    late = [f'{fault.name}: moved for {rest_s:.2f} s'] if rest_s > REST_WITHIN_S else []
    return [f'{fault.name}: {line}' for line in rig.reflexes] + late


@pytest.mark.parametrize(
    ('link', 'faults'),
    [('', PROCESSES), ('action_chunk', CHUNKS), ('joint_trajectory', TRAJECTORIES), ('clock of the guard', CLOCKS)],
)
def test_faults_end_without_a_reflex(
    node_environment: None, simulated_fci: SimulatedFci, link: str, faults: tuple[Fault, ...]
) -> None:
    with FciRig(simulated_fci, link) as rig:
        rig.ready()
        problems = [problem for seed, fault in enumerate(faults) for problem in _run(rig, fault, 100 + seed)]
        assert not problems, '\n'.join([*problems, *rig.output[-40:]])
