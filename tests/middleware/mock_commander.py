# SPDX-License-Identifier: Apache-2.0
"""Runs beside a guard on mock hardware: shifts its clock, moves the arm, speaks out of turn; prints what the arm did.

A script for the Python of ROS 2, started by test_mock_hardware.py: `mock_commander.py ROBOT CONTROLLER`. The guard follows
/clock (use_sim_time), which the other process of this script publishes: the time of this computer, and an offset.
"""

import json
import os
import subprocess
import sys
import time
from contextlib import suppress
from threading import Thread
from typing import Any

import numpy as np
import rclpy
from genima_ros.conversions.messages import duration, seconds, stamp
from genima_ros.conversions.trajectories import chunk_message
from genima_ros.core import qos
from mock_observer import REST_S, Observer
from rcl_interfaces.srv import DescribeParameters, GetParameters
from rclpy.node import Node
from rosgraph_msgs.msg import Clock
from sensor_msgs.msg import JointState
from trajectory_msgs.msg import JointTrajectory, JointTrajectoryPoint

from genima.chunks.plan import Chunk
from genima.recording.jog import CONTRACT, DT_S, STEPS
from genima.robots.profile import RobotProfile
from genima_msgs.msg import ActionChunk

OFFSETS_S = (0.0, *(sign * each for each in (0.01, 0.02, 0.04, 0.06, 0.08, 0.1, 0.15) for sign in (1, -1)))
STEPS_S = (0.04, -0.04, 0.08, 0.15)
FORGET_S = 2.5  # the guard has measured the offset anew
MOVE_S = 4.0
SWING_RAD, SWING_HZ = 0.4, 0.3
ROGUE_RAD, ROGUE_S = 0.8, 0.05
STATE_GAP_S = 0.015  # the states of neighbouring cycles at 100 Hz, without one that was lost between them
CLOCK_S = 0.004
CLOCK_PRIORITY = 20


class ShiftedClock:
    """A process that publishes /clock, ahead by `set`."""

    def __init__(self) -> None:
        self._process = subprocess.Popen([sys.executable, __file__, 'clock'], stdin=subprocess.PIPE, text=True)

    def set(self, ahead_s: float) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(f'{ahead_s}\n')
        self._process.stdin.flush()

    def close(self) -> None:
        self._process.kill()
        self._process.wait()


def publish_clock() -> None:
    """Be that process."""
    with suppress(OSError):  # a late clock is another offset than that which is wanted
        os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(CLOCK_PRIORITY))
    ahead_s = [0.0]
    Thread(target=lambda: [ahead_s.__setitem__(0, float(line)) for line in sys.stdin], daemon=True).start()
    rclpy.init()
    node = Node('shifted_clock')
    clock = node.create_publisher(Clock, '/clock', qos.CLOCK)
    while rclpy.ok():
        clock.publish(Clock(clock=stamp(time.time_ns() + round(1e9 * ahead_s[0]))))
        time.sleep(CLOCK_S)


class Commander(Observer):
    """An observer that moves the arm."""

    def __init__(self, robot: str, controller: str) -> None:
        super().__init__(controller)
        self.profile = RobotProfile.load(robot)
        self._measured: tuple[float, np.ndarray] | None = None
        self._chunk = self.create_publisher(ActionChunk, 'action_chunk', qos.COMMAND)
        self.controller = controller
        self.create_subscription(JointState, 'joint_states', self._on_joints, qos.NEWEST)

    def _on_joints(self, message: JointState) -> None:
        known = dict(zip(message.name, message.position, strict=True))
        self._measured = seconds(message.header.stamp), np.array([known[name] for name in self.profile.arm_joints])

    def stream(self, seconds_: float) -> None:
        """Send chunks that swing all joints, from rest and back."""
        self.until(lambda: self._measured is not None, 10.0, 'joint states')
        assert self._measured is not None
        begin_s, home_rad = self._measured[0], self._measured[1].copy()
        end_s = time.monotonic() + seconds_
        while time.monotonic() < end_s:
            stamp_s, _ = self._measured
            times_s = stamp_s + DT_S * np.arange(1, STEPS + 1) - begin_s
            swing = SWING_RAD / 2 * (1 - np.cos(2 * np.pi * SWING_HZ * times_s))
            chunk = Chunk(stamp_s, DT_S, home_rad + swing[:, None], np.ones(STEPS))
            self._chunk.publish(chunk_message(chunk, self.profile, CONTRACT))
            self.watch(DT_S)

    def forget(self) -> None:
        for kept in (self.times_s, self.q_rad, self.v_rad_s, self.a_rad_s2, self.measured_rad):
            kept.clear()

    def arm(self) -> str:
        """Return why the guard does not arm; empty where it does."""
        self.call('reset')
        try:
            self.call('arm')
        except AssertionError as refused:
            return str(refused)
        return ''

    def parameter(self, node: str, name: str) -> bool:
        """Return a read-only parameter of another node; false also where only a file names it: nobody reads it then."""
        values = self._ask(GetParameters, f'{node}/get_parameters', name).values
        known = self._ask(DescribeParameters, f'{node}/describe_parameters', name).descriptors
        return any(value.bool_value for value in values) and any(each.read_only for each in known)

    def _ask(self, kind: Any, service: str, name: str) -> Any:
        client = self.create_client(kind, service)
        self.until(client.service_is_ready, 20.0, service)
        future = client.call_async(kind.Request(names=[name]))
        self.until(future.done, 20.0, f'an answer of {service}')
        return future.result()

    def worst(self) -> dict[str, float]:
        """Return the largest shares of the limits of what the controller executed, and jumps of position."""
        limits, t = self.profile.limits, np.array(self.times_s)
        q, v, a = np.array(self.q_rad), np.array(self.v_rad_s), np.array(self.a_rad_s2)
        dt_s = np.diff(t)[:, None]
        near = (dt_s[:, 0] > 0) & (dt_s[:, 0] < STATE_GAP_S)
        jump_rad = np.abs(np.diff(q, axis=0) - (v[1:] + v[:-1]) / 2 * dt_s)[near]
        mean_a, jerk = (np.diff(v, axis=0) / dt_s)[near], (np.diff(a, axis=0) / dt_s)[near]
        acceleration = max(float(np.abs(each / limits.acceleration_rad_s2).max(initial=0.0)) for each in (a, mean_a))
        return {
            'moved_rad': float(np.ptp(q, axis=0).max()),
            'velocity': float(limits.velocity_share(q, v).max()),
            'acceleration': acceleration,
            'jerk': float(np.abs(jerk / limits.jerk_rad_s3).max(initial=0.0)),
            'jump_rad': float(jump_rad.max(initial=0.0)),
        }


def offsets(commander: Commander, clock: ShiftedClock) -> list[dict[str, Any]]:
    """Move with the guard's clock off by a constant."""
    seen = []
    for offset_s in OFFSETS_S:
        clock.set(offset_s)
        commander.watch(FORGET_S + 1.0)
        commander.forget()
        refused = commander.arm()
        commander.stream(MOVE_S)
        commander.call('disarm')
        commander.watch(REST_S)
        seen.append({'offset_s': offset_s, 'refused': refused, **commander.worst()})
    return seen


def steps(commander: Commander, clock: ShiftedClock) -> list[dict[str, Any]]:
    """Let the guard's clock step while the arm moves."""
    seen = []
    for step_s in STEPS_S:
        clock.set(0.0)
        commander.watch(FORGET_S + 1.0)
        commander.forget()
        refused = commander.arm()
        commander.stream(MOVE_S / 2)
        clock.set(step_s)
        commander.stream(MOVE_S / 2)
        reasons = list(commander.status.reasons) if commander.status else []
        commander.call('disarm')
        commander.watch(REST_S)
        seen.append({'step_s': step_s, 'refused': refused, 'reasons': reasons, **commander.worst()})
    return seen


def rogue(commander: Commander, clock: ShiftedClock) -> dict[str, Any]:
    """Speak to the controller beside the guard: a step of all joints, at once."""
    clock.set(0.0)
    commander.watch(FORGET_S + 1.0)
    commander.forget()
    refused = commander.arm()
    commander.stream(MOVE_S / 2)
    q_rad = commander.q_rad[-1]
    message = JointTrajectory(joint_names=list(commander.profile.arm_joints))
    message.points = [JointTrajectoryPoint(positions=(q_rad - ROGUE_RAD).tolist(), time_from_start=duration(ROGUE_S))]
    publisher = commander.create_publisher(JointTrajectory, f'{commander.controller}/joint_trajectory', qos.COMMAND)
    commander.until(lambda: publisher.get_subscription_count() > 0, 10.0, 'the controller')
    publisher.publish(message)
    commander.stream(MOVE_S / 2)
    status = commander.status
    t, q = np.array(commander.times_s), np.array(commander.measured_rad)
    speed = np.abs(np.diff(q, axis=0)) / np.maximum(np.diff(t), 1e-3)[:, None]
    return {
        'refused': refused,
        'limited': commander.parameter('controller_manager', 'enforce_command_limits'),
        'state': status.state if status else '',
        'reasons': list(status.reasons) if status else [],
        'measured_velocity': float((speed / commander.profile.limits.velocity_rad_s).max()),
        **commander.worst(),
    }


def main() -> None:
    if sys.argv[1] == 'clock':
        publish_clock()
        return
    robot, controller = sys.argv[1:]
    rclpy.init()
    clock = ShiftedClock()
    try:
        commander = Commander(robot, controller)
        ready = lambda: commander.status is not None and len(commander.times_s) > 10  # noqa: E731
        commander.until(ready, 180.0, 'guard and controller')
        print(json.dumps({
            'offsets': offsets(commander, clock),
            'steps': steps(commander, clock),
            'rogue': rogue(commander, clock),
        }))  # fmt: skip
    finally:
        clock.close()


if __name__ == '__main__':
    main()
