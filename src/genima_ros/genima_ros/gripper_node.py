# SPDX-License-Identifier: Apache-2.0
"""Hands the guard's gripper command to the driver of a real gripper, one goal at a time."""

import os
import time
from collections.abc import Callable
from typing import Any, NoReturn

from rclpy.action import ActionClient
from rclpy.clock import Clock, ClockType
from rclpy.node import Node
from std_msgs.msg import Float64

from genima.errors import GenimaError
from genima.robots.gripper import Gripper, GripperDriver
from genima.robots.profile import RobotProfile
from genima_ros import qos
from genima_ros._run import run
from genima_ros.parameters import declare

# (action client, makes the goal for an opening)
Way = tuple[ActionClient, Callable[[float], Any]]
PERIOD_S = 0.1
COMPLAINT_PERIOD_S = 5.0
GRASP_EPSILON_M = 0.08  # any object between the fingers is what was to be grasped


class GripperNode(Node):
    """Keeps the newest command and sends it once the goal under way has ended; drivers overlap goals badly."""

    def __init__(self) -> None:
        super().__init__('gripper_node')
        robot = declare(self, 'robot', '', 'Robot profile: a name in config/robots or a file.')
        self._timeout_s = declare(
            self, 'goal_timeout_s', 5.0, 'A goal that takes longer is given up [s].', between=(0.5, 60.0)
        )
        profile = RobotProfile.load(robot)
        distribution = os.environ.get('ROS_DISTRO', 'jazzy')
        driver = profile.gripper.drivers.get(distribution)
        if driver is None:
            known = ', '.join(profile.gripper.drivers) or 'no distribution'
            raise GenimaError(f'robot {profile.name}: the gripper has a driver for {known}, not for {distribution}')
        self._driver = driver
        self._open, self._close = ways(self, profile.gripper, driver)
        self._wanted: float | None = None
        self._reached: float | None = None
        self._handle: Any = None
        self._goal = 0  # number of the goal that counts
        self._since_s: float | None = None  # when the goal under way was sent, on a steady clock
        self.create_subscription(Float64, 'gripper/command', self._on_command, qos.COMMAND)
        self.create_timer(PERIOD_S, self._work, clock=Clock(clock_type=ClockType.STEADY_TIME))
        self.get_logger().info(f'gripper ready: {driver.kind} at {driver.action}')

    def _on_command(self, message: Float64) -> None:
        self._wanted = min(1.0, max(0.0, float(message.data)))
        self._work()

    def _work(self) -> None:
        if self._since_s is not None:
            if time.monotonic() - self._since_s > self._timeout_s:
                self._give_up()
            return
        if self._wanted is None or self._wanted == self._reached:
            return
        client, make_goal = self._open if self._wanted > 0.5 else self._close
        if not client.server_is_ready():
            text = f'no action server for the gripper at {self._driver.action}: is its driver running?'
            self.get_logger().error(text, throttle_duration_sec=COMPLAINT_PERIOD_S)
            return
        self._since_s, self._goal = time.monotonic(), self._goal + 1
        wanted, goal = self._wanted, self._goal
        client.send_goal_async(make_goal(wanted)).add_done_callback(lambda future: self._on_answer(future, wanted, goal))

    def _on_answer(self, future: Any, wanted: float, goal: int) -> None:
        handle = future.result()
        if goal != self._goal:  # the answer came after its goal was given up
            if handle.accepted:
                handle.cancel_goal_async()
            return
        if not handle.accepted:
            self.get_logger().error(f'the gripper refused to go to {wanted:.2f}', throttle_duration_sec=COMPLAINT_PERIOD_S)
            self._since_s = None
            return
        self._handle = handle
        handle.get_result_async().add_done_callback(lambda done: self._on_result(handle, wanted))

    def _on_result(self, handle: Any, wanted: float) -> None:
        if handle is not self._handle:
            return  # it was given up before
        self._handle = self._since_s = None
        self._reached = wanted
        self._work()

    def _give_up(self) -> None:
        self.get_logger().error(f'the gripper did not answer within {self._timeout_s:.1f} s; its goal is given up')
        if self._handle is not None:
            self._handle.cancel_goal_async()
        self._handle = self._since_s = None
        self._goal += 1


def ways(node: Node, gripper: Gripper, driver: GripperDriver) -> tuple[Way, Way]:
    """Return how to open and how to close.

    Raises:
        GenimaError: if the messages of the driver are not installed.
    """
    try:
        return {'franka': _franka, 'gripper_command': _gripper_command, 'parallel_gripper_command': _parallel}[driver.kind](
            node, gripper, driver
        )
    except ImportError as error:
        raise GenimaError(f'gripper driver {driver.kind}: {error}; install the messages of the driver') from error


def _franka(node: Node, gripper: Gripper, driver: GripperDriver) -> tuple[Way, Way]:
    from franka_msgs.action import Grasp, Move

    speed_m_s = 2.0 * gripper.speed_m_s

    def grasp(opening: float) -> Any:
        goal = Grasp.Goal(width=driver.width_m(opening), speed=speed_m_s, force=gripper.force_n)
        goal.epsilon.inner = goal.epsilon.outer = GRASP_EPSILON_M
        return goal

    return (
        (
            ActionClient(node, Move, f'{driver.action}/move'),
            lambda opening: Move.Goal(width=driver.width_m(opening), speed=speed_m_s),
        ),
        (ActionClient(node, Grasp, f'{driver.action}/grasp'), grasp),
    )


def _gripper_command(node: Node, gripper: Gripper, driver: GripperDriver) -> tuple[Way, Way]:
    from control_msgs.action import GripperCommand

    def make(opening: float) -> Any:
        goal = GripperCommand.Goal()
        goal.command.position, goal.command.max_effort = driver.position(opening), driver.max_effort
        return goal

    way = ActionClient(node, GripperCommand, driver.action), make
    return way, way


def _parallel(node: Node, gripper: Gripper, driver: GripperDriver) -> tuple[Way, Way]:
    from control_msgs.action import ParallelGripperCommand

    def make(opening: float) -> Any:
        goal = ParallelGripperCommand.Goal()
        goal.command.name, goal.command.position = [driver.joint], [driver.position(opening)]
        return goal

    way = ActionClient(node, ParallelGripperCommand, driver.action), make
    return way, way


def main() -> NoReturn:
    """Run the node."""
    run(GripperNode)


if __name__ == '__main__':
    main()
