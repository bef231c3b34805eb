# SPDX-License-Identifier: Apache-2.0
"""Runs beside a stack on mock hardware: arms it, disarms it, arms it again and kills the policy; prints what the arm did.

A script for the Python of ROS 2, started by test_mock_hardware.py: `mock_observer.py ROBOT CONTROLLER`.
"""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable

import numpy as np
import rclpy
from control_msgs.msg import JointTrajectoryControllerState
from rclpy.node import Node
from rclpy.qos import DurabilityPolicy, QoSProfile
from std_srvs.srv import Trigger

from genima.robots.profile import RobotProfile
from genima_msgs.msg import GuardStatus

READY_S, START_S, MOVE_S, REST_S = 90.0, 60.0, 4.0, 2.0
REST_RAD_S = 0.005


class Observer(Node):
    """Keeps every state of the trajectory controller."""

    def __init__(self, controller: str) -> None:
        super().__init__('observer')
        self.times_s: list[float] = []
        self.q_rad: list[np.ndarray] = []
        self.v_rad_s: list[np.ndarray] = []
        self.a_rad_s2: list[np.ndarray] = []
        self.measured_rad: list[np.ndarray] = []
        self.status: GuardStatus | None = None
        self.create_subscription(JointTrajectoryControllerState, f'{controller}/controller_state', self._on_state, 100)
        latched = QoSProfile(depth=1, durability=DurabilityPolicy.TRANSIENT_LOCAL)
        self.create_subscription(GuardStatus, 'guard/status', self._on_status, latched)

    def _on_state(self, message: JointTrajectoryControllerState) -> None:
        self.times_s.append(message.header.stamp.sec + 1e-9 * message.header.stamp.nanosec)
        self.q_rad.append(np.array(message.reference.positions))
        self.v_rad_s.append(np.array(message.reference.velocities))
        self.a_rad_s2.append(np.array(message.reference.accelerations))
        self.measured_rad.append(np.array(message.feedback.positions))

    def _on_status(self, message: GuardStatus) -> None:
        self.status = message

    def until(self, condition: Callable[[], bool], timeout_s: float, what: str) -> None:
        end_s = time.monotonic() + timeout_s
        while not condition():
            if time.monotonic() > end_s:
                raise TimeoutError(f'waited {timeout_s:.0f} s for {what}; the guard: {self.status}')
            rclpy.spin_once(self, timeout_sec=0.1)

    def watch(self, seconds: float) -> None:
        end_s = time.monotonic() + seconds
        while time.monotonic() < end_s:
            rclpy.spin_once(self, timeout_sec=0.02)

    def call(self, name: str) -> None:
        client = self.create_client(Trigger, f'guard_node/{name}')
        self.until(client.service_is_ready, 20.0, name)
        future = client.call_async(Trigger.Request())
        self.until(future.done, 20.0, f'an answer to {name}')
        assert future.result().success, future.result().message

    def speeds_rad_s(self) -> np.ndarray:
        t, q = np.array(self.times_s), np.array(self.q_rad)
        return np.abs(np.diff(q, axis=0)).max(axis=1) / np.diff(t)

    def moves(self) -> bool:
        if len(self.times_s) < 2:
            return False
        (q0, q1), (t0_s, t1_s) = self.q_rad[-2:], self.times_s[-2:]
        return bool(np.abs(q1 - q0).max() > 0.03 * (t1_s - t0_s))

    def rest_after_s(self, since_s: float) -> float:
        """Return how long after `since_s` the arm still moved."""
        moving = np.array(self.times_s[1:])[self.speeds_rad_s() > REST_RAD_S]
        return float(max(moving.max() - since_s, 0.0))

    def get_moving(self) -> None:
        self.call('reset')
        self.call('arm')
        self.until(self.moves, START_S, 'motion')
        self.watch(MOVE_S)
        self.until(self.moves, START_S, 'motion')


def worst(observer: Observer, robot: str) -> dict[str, float]:
    """Return the worst share of the limits of velocity and acceleration, and the largest jump in position."""
    limits, t_s = RobotProfile.load(robot).limits, np.array(observer.times_s)
    q, v, a = np.array(observer.q_rad), np.array(observer.v_rad_s), np.array(observer.a_rad_s2)
    jump_rad = np.abs(np.diff(q, axis=0) - (v[1:] + v[:-1]) / 2 * np.diff(t_s)[:, None])
    return {
        'velocity': float(limits.velocity_share(q, v).max()),
        'acceleration': float((np.abs(a) / limits.acceleration_rad_s2).max()),
        'jump_rad': float(jump_rad[np.diff(t_s) < 0.02].max()),
    }


def main() -> None:
    robot, controller = sys.argv[1:]
    rclpy.init()
    observer = Observer(controller)
    observer.until(lambda: observer.status is not None and len(observer.times_s) > 10, READY_S, 'guard and controller')
    at_rest = observer.q_rad[-1]
    observer.watch(REST_S)
    moved_disarmed = float(np.abs(observer.q_rad[-1] - at_rest).max())
    observer.get_moving()
    now_s = 1e-9 * observer.get_clock().now().nanoseconds
    observer.call('disarm')
    observer.watch(REST_S)
    rest_disarm_s = observer.rest_after_s(now_s)
    observer.get_moving()
    now_s = 1e-9 * observer.get_clock().now().nanoseconds
    pids = subprocess.run(['pgrep', '-f', '__node:=act_node'], capture_output=True, text=True, check=True).stdout.split()
    for pid in pids:
        os.kill(int(pid), signal.SIGKILL)
    observer.watch(0.9)
    times_s, q_rad = np.array(observer.times_s), np.array(observer.q_rad)
    print(json.dumps({
        'moved_disarmed_rad': moved_disarmed,
        'rest_after_disarm_s': rest_disarm_s,
        'rest_after_kill_s': observer.rest_after_s(now_s),
        'moved_rad': float(np.ptp(q_rad, axis=0).max()),
        'states': len(times_s),
        'rate_hz': float(1 / np.median(np.diff(times_s))),
        **worst(observer, robot),
    }))  # fmt: skip


if __name__ == '__main__':
    main()
