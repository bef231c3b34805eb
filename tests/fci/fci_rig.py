# SPDX-License-Identifier: Apache-2.0
"""The whole graph on a simulated FCI: driver, gripper, guard, mirror, and the expert in place of painter and controller."""

import genima_ros  # isort: skip  # noqa: F401  its gate decides which rclpy this is

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections import deque
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from control_msgs.msg import JointTrajectoryControllerState
from genima_bringup.client_node import ClientNode
from genima_bringup.faults.detour import rerouted
from genima_bringup.faults.relay_node import ORDER, STATE
from genima_bringup.graph import stack
from genima_bringup.processes import StackProcesses
from genima_ros.conversions.messages import seconds
from genima_ros.core import qos
from std_msgs.msg import Bool, String
from std_srvs.srv import Trigger

from genima.fci.simulated import SimulatedFci
from genima_msgs.msg import EpisodeStatus, GuardStatus
from genima_msgs.srv import ResetEpisode

CONTROLLER = 'fr3_arm_controller'
ARGUMENTS = {'robot': 'fr3', 'robot_ip': '127.0.0.1', 'driver': 'fci', 'record': 'false', 'operator': 'none'}
OVERRIDES: dict[str, dict[str, object]] = {'guard_node': {'speed_limit': 1.0}, 'mirror_node': {'image_rate_hz': 0.0}}
PATIENCE_S = 300.0
NICE = -15
LIFTED = 5  # statuses in a row
REST_S = 0.4
MOVING_RAD_S, STILL_RAD_S = 0.1, 0.005


class FciRig(ClientNode):
    """Use it as a context manager.

    Args:
        server: the simulated FCI.
        link: stream that is led through the relay; empty: none.
        output: takes what the nodes say.
    """

    def __init__(self, server: SimulatedFci, link: str = '', output: list[str] | None = None) -> None:
        super().__init__('fci_rig', use_sim_time=True)
        self.server, self.output = server, output if output is not None else []
        table = rerouted(stack('record', ARGUMENTS), CONTROLLER, link)
        overrides = {**OVERRIDES, **({'relay_node': {'use_sim_time': True}} if link else {})}
        self.processes = StackProcesses(table, overrides, write=lambda name, line: self.output.append(f'{name}: {line}'))
        self.episode: EpisodeStatus | None = None
        self.guard: GuardStatus | None = None
        self.lifted = 0
        self.references: deque[tuple[float, np.ndarray]] = deque(maxlen=6000)
        self._relay: Any = None
        node = self._node
        node.create_subscription(EpisodeStatus, 'episode', self._on_episode, qos.LATCHED)
        node.create_subscription(GuardStatus, 'guard/status', lambda m: setattr(self, 'guard', m), qos.LATCHED)
        topic = f'{CONTROLLER}/controller_state'
        node.create_subscription(JointTrajectoryControllerState, topic, self._on_controller, qos.RELIABLE)
        node.create_subscription(String, STATE, lambda m: setattr(self, '_relay', m.data), qos.LATCHED)
        self._order = node.create_publisher(String, ORDER, qos.LATCHED)
        self.e_stop = node.create_publisher(Bool, 'e_stop', qos.RELIABLE)
        self._services = {name: node.create_client(Trigger, f'guard_node/{name}') for name in ('arm', 'disarm', 'reset')}
        self._scene = node.create_client(ResetEpisode, 'mirror_node/reset')
        self.recover = node.create_client(Trigger, 'fci_node/recover')

    def __enter__(self) -> 'FciRig':
        with contextlib.suppress(OSError):  # the robot has a computer of its own; others are at work on this one
            os.setpriority(os.PRIO_PROCESS, 0, NICE)
        self.processes.start()
        self.start_expert()
        return self

    def __exit__(self, *_: object) -> None:
        self.expert.kill()
        self.processes.stop()
        super().__exit__()

    def start_expert(self) -> None:
        self.expert = subprocess.Popen([sys.executable, str(Path(__file__).with_name('expert.py'))], env={**os.environ})

    @property
    def now_s(self) -> float:
        """Time of the robot."""
        return 1e-9 * self._node.get_clock().now().nanoseconds

    @property
    def reflexes(self) -> list[str]:
        """What made the robot end a motion by itself."""
        said = self.server.log.splitlines()
        return [line for line in said if 'aborting the motion' in line or 'communication_constraints_violation' in line]

    def wait(self, condition: Callable[[], object], wall_s: float = PATIENCE_S, why: str = '') -> None:
        end_s = time.monotonic() + wall_s
        while not condition():
            assert time.monotonic() < end_s, '\n'.join([f'waited in vain {why}', *self.reflexes, *self.output[-40:]])
            self._executor.spin_once(timeout_sec=0.05)

    def let_pass(self, robot_s: float) -> None:
        end_s = self.now_s + robot_s
        self.wait(lambda: self.now_s >= end_s, why='for the time of the robot')

    def call(self, client: Any, request: Any) -> Any:
        self.wait(client.service_is_ready, why=client.srv_name)
        for _ in range(40):  # one that was killed a moment ago still seems to be there
            future, end_s = client.call_async(request), time.monotonic() + 3.0
            while not future.done() and time.monotonic() < end_s:
                self._executor.spin_once(timeout_sec=0.05)
            if future.done():
                return future.result()
        raise AssertionError(f'no answer of {client.srv_name}')

    def ready(self) -> None:
        self.wait(lambda: self.episode and self.guard and len(self.references) > 20, why='for the graph')

    def begin(self, seed: int) -> None:
        """Bring the arm to rest, put the cube down elsewhere, and arm."""
        self.call(self._services['disarm'], Trigger.Request())
        self.let_pass(REST_S)
        end_s = time.monotonic() + PATIENCE_S
        while not (answer := self.call(self._scene, ResetEpisode.Request(seed=seed))).success:  # joints are too old, say
            assert time.monotonic() < end_s, answer.message
            self.let_pass(0.2)
        self.wait(lambda: self.episode is not None and self.episode.seed == seed, why='for the scene')
        self.lifted = 0
        self.arm()

    def arm(self) -> None:
        self.call(self._services['reset'], Trigger.Request())
        end_s = time.monotonic() + PATIENCE_S
        while not (answer := self.call(self._services['arm'], Trigger.Request())).success:
            assert time.monotonic() < end_s, answer.message
            self.let_pass(0.2)

    def pick(self, seed: int, longest_s: float = 30.0) -> tuple[bool, float]:
        """Run an episode; return whether the cube was lifted, and how long it took in the robot's time."""
        self.begin(seed)
        begun_s = self.now_s
        self.wait(lambda: self.lifted >= LIFTED or self.now_s > begun_s + longest_s or self.reflexes, 600.0)
        return self.lifted >= LIFTED, self.now_s - begun_s

    def speed_rad_s(self) -> float:
        if len(self.references) < 2:
            return 0.0
        (t0_s, q0), (t1_s, q1) = self.references[-2], self.references[-1]
        return float(np.abs(q1 - q0).max() / max(t1_s - t0_s, 1e-3))

    def last_motion_s(self, since_s: float) -> float:
        """Return the last time since then at which the arm was commanded to move."""
        last_s = since_s
        for (t0_s, q0), (t1_s, q1) in pairwise([each for each in self.references if each[0] >= since_s]):
            if np.abs(q1 - q0).max() / max(t1_s - t0_s, 1e-3) > STILL_RAD_S:
                last_s = t1_s
        return last_s

    def relay(self, order: str) -> None:
        self._order.publish(String(data=order))
        self.wait(lambda: self._relay is not None and order[1:-1] in self._relay, why=f'for the relay: {order}')

    def signal(self, name: str, number: signal.Signals) -> None:
        if name == 'expert':
            self.expert.send_signal(number)
        else:
            self.processes.send_signal(name, number)

    def restart(self, name: str) -> None:
        if name == 'expert':
            self.expert.wait()
            self.start_expert()
        else:
            self.processes.restart(name)

    def _on_episode(self, message: EpisodeStatus) -> None:
        self.episode = message
        self.lifted = self.lifted + 1 if message.success else 0

    def _on_controller(self, message: JointTrajectoryControllerState) -> None:
        self.references.append((seconds(message.header.stamp), np.asarray(message.reference.positions)))
