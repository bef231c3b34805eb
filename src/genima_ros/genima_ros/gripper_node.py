# SPDX-License-Identifier: Apache-2.0
"""Hands the guard's gripper command to the driver of a real gripper, one goal at a time."""

import os
import time
from typing import Any, NoReturn

from rclpy.clock import Clock, ClockType
from sensor_msgs.msg import JointState
from std_msgs.msg import Float64, Float64MultiArray

from genima.errors import GenimaError
from genima.robots.gripper_reading import gripper_driver
from genima.robots.profile import RobotProfile
from genima_ros.conversions.messages import stamp
from genima_ros.core import qos
from genima_ros.core.diagnostics import health, refuse
from genima_ros.core.parameters import declare
from genima_ros.core.run import run
from genima_ros.core.sturdy import SturdyNode
from genima_ros.drivers.gripper_actions import ways

PERIOD_S = 0.1
REPORT_S = 0.02  # joint states older than 0.1 s are not used
# ros2_control's controllers take a list of numbers on <controller>/commands
LIST_SUFFIX = '/commands'


class GripperNode(SturdyNode):
    """Keeps the newest command and sends it once the goal under way has ended; drivers overlap goals badly.

    It lives on without the messages of its driver and without a driver: the arm and the cameras do not need the gripper.
    Where no driver tells the opening, this node does: what was commanded last, open before the first command.
    """

    def __init__(self) -> None:
        super().__init__('gripper_node')
        robot = declare(self, 'robot', '', 'Robot profile: a name in config/robots or a file.')
        override = declare(
            self, 'gripper', '', "'': the profile's driver for this distribution; none; or {kind: .., action: .., ..}."
        )
        self._timeout_s = declare(
            self, 'goal_timeout_s', 5.0, 'A goal that takes longer is given up [s].', between=(0.5, 60.0)
        )
        profile = RobotProfile.load(robot)
        self._gripper = profile.gripper
        self._driver = gripper_driver(profile.gripper, override, os.environ.get('ROS_DISTRO', 'jazzy'))
        self._ways: Any = None  # how to open and how to close by an action
        self._topic: Any = None  # or the publisher of positions
        self._wanted: float | None = None
        self._reached: float | None = None
        self._handle: Any = None
        self._goal = 0  # number of the goal that counts
        self._since_s: float | None = None  # when the goal under way was sent, on a steady clock
        self._connect()
        self.create_subscription(Float64, 'gripper/command', self._on_command, qos.COMMAND)
        self.create_timer(PERIOD_S, self._work, clock=Clock(clock_type=ClockType.STEADY_TIME))
        if self._gripper.is_there and not self._driver.joint:
            self._joints = self.create_publisher(JointState, 'joint_states', qos.RELIABLE)
            self.create_timer(REPORT_S, self._report)
        self.get_logger().info(f'gripper ready: {self._driver.kind} at {self._driver.action or "nowhere"}')

    def _connect(self) -> None:
        driver = self._driver
        if driver.kind == 'none':
            self.get_logger().warning('no gripper is driven: commands change nothing (parameter gripper names a driver)')
        elif driver.kind == 'topic':
            kind = Float64MultiArray if driver.action.endswith(LIST_SUFFIX) else Float64
            self._topic = self.create_publisher(kind, driver.action, qos.RELIABLE)
        else:
            try:
                self._ways = ways(self, self._gripper, driver)
            except GenimaError as error:
                health(self).trouble = str(error)
                self.get_logger().error(str(error))

    def _on_command(self, message: Float64) -> None:
        if message.data != message.data:
            refuse(self, 'command', 'gripper/command is NaN: ignored', severe=True)
            return
        self._wanted = min(1.0, max(0.0, float(message.data)))
        self._work()

    def _report(self) -> None:
        opening = 1.0 if self._reached is None else self._reached
        names = list(self._gripper.joints)
        message = JointState(name=names, position=[self._gripper.position_m(opening)] * len(names))
        message.header.stamp = stamp(self.get_clock().now().nanoseconds)
        self._joints.publish(message)

    def _work(self) -> None:
        if self._since_s is not None:
            if time.monotonic() - self._since_s > self._timeout_s:
                self._give_up()
            return
        if self._wanted is None or self._wanted == self._reached:
            return
        if self._ways is not None:
            self._send_goal(self._wanted)
        elif trouble := health(self).trouble:
            refuse(self, 'command', trouble, severe=True)
        else:
            self._reached = self._wanted
            self._publish(self._wanted)

    def _publish(self, opening: float) -> None:
        if self._topic is not None:
            position = self._driver.position(opening)
            several = self._driver.action.endswith(LIST_SUFFIX)
            self._topic.publish(Float64MultiArray(data=[position]) if several else Float64(data=position))

    def _send_goal(self, wanted: float) -> None:
        client, make_goal = self._ways[0 if wanted > 0.5 else 1]
        if not client.server_is_ready():
            text = f'no action server for the gripper at {self._driver.action}: is its driver running?'
            refuse(self, 'goal', text, severe=True)
            return
        self._since_s, self._goal = time.monotonic(), self._goal + 1
        goal = self._goal
        client.send_goal_async(make_goal(wanted)).add_done_callback(lambda future: self._on_answer(future, wanted, goal))

    def _on_answer(self, future: Any, wanted: float, goal: int) -> None:
        handle = future.result()
        if goal != self._goal:  # the answer came after its goal was given up
            if handle.accepted:
                handle.cancel_goal_async()
            return
        if not handle.accepted:
            refuse(self, 'goal', f'the gripper refused to go to {wanted:.2f}', severe=True)
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


def main() -> NoReturn:
    """Run the node."""
    run(GripperNode)


if __name__ == '__main__':
    main()
