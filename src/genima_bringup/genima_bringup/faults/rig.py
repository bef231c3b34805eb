# SPDX-License-Identifier: Apache-2.0
"""A running graph that faults are put into, and an observer of what the robot controller commands."""

import json
import signal
import time
from collections import deque
from collections.abc import Callable, Mapping
from functools import partial
from itertools import pairwise
from typing import Any

import numpy as np
from control_msgs.msg import JointTrajectoryControllerState
from genima_ros.conversions.messages import seconds
from genima_ros.core import qos
from std_msgs.msg import Bool, String
from std_srvs.srv import Trigger

from genima.contract.spec import PolicySpec
from genima.sim.usage import JUDGED
from genima_bringup.episode_client import GraphError, GraphMonitor
from genima_bringup.faults.case import FaultCase
from genima_bringup.faults.detour import links
from genima_bringup.faults.relay_node import ORDER, STATE
from genima_bringup.processes import StackProcesses
from genima_msgs.msg import GuardStatus

REST_RAD_S = 0.005
OFFSET_FORGOTTEN_S = 2.5  # a guard that has just measured an offset of its clock is not armed
PATIENCE_S = 120.0  # wall time; loading the networks anew on a busy machine
MEMORY = 20_000
CALL_S = 0.01  # of an operator who calls whatever there is
UNDONE_S = 1.0  # until the guard has seen that a second publisher is gone, and all calls were answered
REPEATS, REPEAT_S = 20, 2.0  # of a service call
CATCH_UP_S = 0.05  # wall time in which what has been sent is read, the clock included


class FaultRig(GraphMonitor):
    """Puts faults into a graph. Use it as a context manager.

    Args:
        spec: contract of the policy that the graph runs.
        processes: the graph, started from `rerouted`.
        controller: name of the joint_trajectory_controller.
    """

    def __init__(self, spec: PolicySpec, processes: StackProcesses, controller: str) -> None:
        super().__init__(spec, episodes_with_frames=0)
        self._processes = processes
        self._relay: dict[str, Any] = {}
        self._references: deque[tuple[float, np.ndarray]] = deque(maxlen=MEMORY)
        self.guard_status: GuardStatus | None = None
        topic = f'{controller}/controller_state'
        self._node.create_subscription(JointTrajectoryControllerState, topic, self._on_controller, qos.RELIABLE)
        self._node.create_subscription(GuardStatus, 'guard/status', self._on_guard_status, qos.LATCHED)
        self._order = self._node.create_publisher(String, ORDER, qos.LATCHED)
        self._node.create_subscription(String, STATE, self._on_relay, qos.LATCHED)
        self._links = links(controller)
        self._intruder: Any = None
        self._storm: Any = None
        self._e_stop = self._node.create_publisher(Bool, 'e_stop', qos.RELIABLE)
        self._calls = {**self._guard, 'stop': self._node.create_client(Trigger, 'guard_node/stop')}
        self._restart = self._node.create_client(Trigger, 'sim_node/restart_controller')

    @property
    def now_s(self) -> float:
        """ROS time."""
        return self._recorder.now_s()

    def begin(self, case: FaultCase, seed: int) -> float:
        """Put the fault of a case into the graph; return since when it is there, in ROS time."""
        self.wait(lambda: False, CATCH_UP_S)
        begun_s = self.now_s
        if case.rival:
            link = self._links[case.rival]
            heard = link.sink if case.link == case.rival else link.source  # where the guard listens
            self._intruder = self._node.create_publisher(link.kind, heard, link.qos)
        if case.calls:
            self._storm = self._node.create_timer(CALL_S, partial(self._call_any, case, np.random.default_rng(seed)))
        if case.stream is not None:
            return max(begun_s, self._tell_relay(case.name, seed))
        for node in case.processes:
            self._processes.send_signal(node, case.signal)
        if case.service == 'e_stop':
            self._e_stop.publish(Bool(data=True))
        elif case.service:
            self._call(self._restart, Trigger.Request())
        return begun_s

    def end(self, case: FaultCase) -> None:
        """End the fault; what was killed is started again, what an operator has to do is done."""
        if case.stream is not None:
            self._tell_relay('', 0)
        if case.rival:
            self._node.destroy_publisher(self._intruder)
        if case.calls:
            self._node.destroy_timer(self._storm)
        if case.link == 'clock of the guard':
            self.wait(lambda: False, OFFSET_FORGOTTEN_S)
        for node in case.processes:
            if case.signal == signal.SIGKILL:
                self._processes.restart(node)
            else:
                self._processes.send_signal(node, signal.SIGCONT)
        if case.service == 'e_stop':
            self._e_stop.publish(Bool(data=False))
        if case.latches:
            self.wait(lambda: False, UNDONE_S)
            self.rearm()
        if 'guard_node' in case.processes and case.signal == signal.SIGKILL:
            self.rearm()

    def _call_any(self, case: FaultCase, rng: np.random.Generator) -> None:
        """Call one of the guard's services, and wait for nothing."""
        self._calls[str(rng.choice(case.calls))].call_async(Trigger.Request())

    def _tell_relay(self, case: str, seed: int) -> float:
        order = {'case': case, 'seed': seed}
        self._order.publish(String(data=json.dumps(order)))
        self._spin_until(lambda: self._relay.get('order') == order, PATIENCE_S, lambda: f'the relay to begin {case!r}')
        return float(self._relay['since_s'])

    def rearm(self) -> None:
        """Reset the guard and arm it; one that has just been killed still seems to be there, and does not answer."""
        for name in ('reset', 'arm'):
            calls = (self._guard[name].call_async(Trigger.Request()) for _ in range(REPEATS))
            if not any(self.wait(call.done, REPEAT_S) for call in calls):
                raise GraphError(f'the guard did not answer to {name!r} within {REPEATS * REPEAT_S:.0f} s')

    def speed_rad_s(self) -> float:
        """Return the speed of the fastest joint that the robot controller commands now."""
        if len(self._references) < 2:
            return 0.0
        (t0_s, q0), (t1_s, q1) = self._references[-2], self._references[-1]
        return float(np.abs(q1 - q0).max() / max(t1_s - t0_s, 1e-3))

    def last_motion_s(self, since_s: float) -> float:
        """Return the last time at which the robot controller commanded motion, `since_s` if it has rested since."""
        last_s = since_s
        recent = [(t_s, q) for t_s, q in self._references if t_s >= since_s]
        for (t0_s, q0), (t1_s, q1) in pairwise(recent):
            if np.abs(q1 - q0).max() / max(t1_s - t0_s, 1e-3) > REST_RAD_S:
                last_s = t1_s
        return last_s

    def limits(self) -> dict[str, float]:
        """Return the worst share of each limit since the episode began, as the simulation sampled it."""
        status = self.status
        return {name: float(getattr(status, f'{name}_share')) if status else 0.0 for name in JUDGED}

    def wait(self, condition: Callable[[], bool], wall_s: float) -> bool:
        """Let the graph run until the condition holds; return whether it did in time."""
        end_s = time.monotonic() + wall_s
        while not condition():
            if time.monotonic() > end_s:
                return False
            self._spin()
        return True

    def _on_controller(self, message: JointTrajectoryControllerState) -> None:
        self._references.append((seconds(message.header.stamp), np.asarray(message.reference.positions)))

    def _on_relay(self, message: String) -> None:
        self._relay = json.loads(message.data)

    def _on_guard_status(self, message: GuardStatus) -> None:
        self.guard_status = message


def reasons(status: GuardStatus | None) -> Mapping[str, int]:
    """Return the guard's counts of refusals by kind."""
    return {} if status is None else dict(zip(status.violations, status.violation_counts, strict=True))
