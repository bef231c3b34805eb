# SPDX-License-Identifier: Apache-2.0
"""A running graph with a relay between its nodes, and an observer of what the robot controller commands."""

import signal
import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import replace
from itertools import pairwise

import numpy as np
from control_msgs.msg import JointTrajectoryControllerState
from genima_ros.messages import seconds
from genima_ros.views import image_topic
from rosgraph_msgs.msg import Clock
from sensor_msgs.msg import Image, JointState
from std_msgs.msg import Bool
from std_srvs.srv import Trigger
from trajectory_msgs.msg import JointTrajectory

from genima.contract.spec import PolicySpec
from genima_bringup.episode_client import GraphMonitor
from genima_bringup.faults.cases import FaultCase
from genima_bringup.faults.relay import Link, Relay
from genima_bringup.graph import Stack
from genima_bringup.processes import StackProcesses
from genima_msgs.msg import GuardStatus, TargetImage
from genima_ros import qos

FRONT = image_topic('front')
REST_RAD_S = 0.005
PATIENCE_S = 120.0  # wall time; loading the networks anew on a busy machine
MEMORY = 20_000


def rerouted(stack: Stack, controller: str, link: str) -> Stack:
    """Return the stack with one stream led through the relay; none where `link` is empty.

    Only one: what passes the relay is late by what this machine needs to hand it on.
    """
    if not link:
        return stack
    topic = links(controller)[link].source
    detour = {
        'diffusion_node': (FRONT,),
        'act_node': ('joint_states', 'target_image'),
        'guard_node': ('joint_states', 'target_image', 'action_chunk', f'{controller}/controller_state', '/clock'),
        'sim_node': ('action_chunk', f'{controller}/joint_trajectory'),
    }
    nodes = []
    for entry in stack.nodes:
        remappings = {topic: _aside(topic)} if topic in detour.get(entry.name, ()) else {}
        nodes.append(replace(entry, remappings={**entry.remappings, **remappings}))
    return replace(stack, nodes=tuple(nodes))


def _aside(topic: str) -> str:
    return f'relayed/{topic.removeprefix("/")}'


def links(controller: str) -> dict[str, Link]:
    """Return the streams by the names that the cases use."""
    streams = {
        'joint_states': (JointState, 'joint_states', qos.RELIABLE),
        'target_image': (TargetImage, 'target_image', qos.COMMAND),
        'action_chunk': (JointTrajectory, 'action_chunk', qos.RELIABLE),
        'front camera': (Image, FRONT, qos.RELIABLE),
        'joint_trajectory': (JointTrajectory, f'{controller}/joint_trajectory', qos.RELIABLE),
        'controller_state': (JointTrajectoryControllerState, f'{controller}/controller_state', qos.RELIABLE),
        'clock of the guard': (Clock, '/clock', qos.CLOCK),
    }
    return {name: Link(kind, topic, _aside(topic), profile) for name, (kind, topic, profile) in streams.items()}


class FaultRig(GraphMonitor):
    """Puts faults into a graph. Use it as a context manager.

    Args:
        spec: contract of the policy that the graph runs.
        processes: the graph, started from `rerouted`.
        controller: name of the joint_trajectory_controller.
        link: the stream that passes the relay; empty: none.
    """

    def __init__(self, spec: PolicySpec, processes: StackProcesses, controller: str, link: str) -> None:
        super().__init__(spec, episodes_with_frames=0)
        self._processes = processes
        self._relay = Relay(self._node, {link: links(controller)[link]} if link else {})
        self._references: deque[tuple[float, np.ndarray]] = deque(maxlen=MEMORY)
        self.guard_status: GuardStatus | None = None
        topic = f'{controller}/controller_state'
        self._node.create_subscription(JointTrajectoryControllerState, topic, self._on_controller, qos.RELIABLE)
        self._node.create_subscription(GuardStatus, 'guard/status', self._on_guard_status, qos.LATCHED)
        self._e_stop = self._node.create_publisher(Bool, 'e_stop', qos.RELIABLE)
        self._restart = self._node.create_client(Trigger, 'sim_node/restart_controller')

    @property
    def now_s(self) -> float:
        """ROS time."""
        return self._recorder.now_s()

    def begin(self, case: FaultCase, seed: int) -> None:
        """Put the fault of a case into the graph."""
        if case.stream is not None:
            self._relay.inject(case.link, case.stream(), seed)
        for node in case.processes:
            self._processes.send_signal(node, case.signal)
        if case.service == 'e_stop':
            self._e_stop.publish(Bool(data=True))
        elif case.service:
            self._call(self._restart, Trigger.Request())

    def end(self, case: FaultCase) -> None:
        """End the fault; what was killed is started again, what an operator has to do is done."""
        self._relay.clear()
        for node in case.processes:
            if case.signal == signal.SIGKILL:
                self._processes.restart(node)
            else:
                self._processes.send_signal(node, signal.SIGCONT)
        if case.service == 'e_stop':
            self._e_stop.publish(Bool(data=False))
            self.rearm()
        if 'guard_node' in case.processes and case.signal == signal.SIGKILL:
            self.wait(lambda: self._guard['arm'].service_is_ready(), PATIENCE_S)
            self.rearm()

    def rearm(self) -> None:
        """Reset the guard and arm it."""
        self._call(self._guard['reset'], Trigger.Request())
        self._call(self._guard['arm'], Trigger.Request())

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
        names = ('position', 'velocity', 'acceleration', 'jerk')
        return {name: float(getattr(status, f'{name}_share')) if status else 0.0 for name in names}

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

    def _on_guard_status(self, message: GuardStatus) -> None:
        self.guard_status = message


def reasons(status: GuardStatus | None) -> Mapping[str, int]:
    """Return the guard's counts of refusals by kind."""
    return {} if status is None else dict(zip(status.violations, status.violation_counts, strict=True))
