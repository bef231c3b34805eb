# SPDX-License-Identifier: Apache-2.0
"""Asks the robot's controller and its manager for their parameters: it reads, and sets nothing."""

from collections.abc import Callable
from typing import Any

from rcl_interfaces.srv import DescribeParameters, GetParameters
from rclpy.node import Node
from rclpy.parameter import parameter_value_to_python
from std_msgs.msg import String

from genima.robots.profile import RobotProfile
from genima_ros import qos
from genima_ros.controller_checks import GOAL_TIME, OF_CONTROLLER, OF_MANAGER, Controller, gain_names

MANAGER = 'controller_manager'


class ControllerListener:
    """Knows what a controller said of itself.

    Args:
        node: that asks.
        name: of the joint_trajectory_controller.
        profile: The robot.
    """

    def __init__(self, node: Node, name: str, profile: RobotProfile) -> None:
        self.controller = Controller(name)
        self._names = [*OF_CONTROLLER, *gain_names(profile)]
        self._parameters = node.create_client(GetParameters, f'{name}/get_parameters')
        self._descriptions = node.create_client(DescribeParameters, f'{name}/describe_parameters')
        self._manager = node.create_client(GetParameters, f'{MANAGER}/get_parameters')
        node.create_subscription(String, 'robot_description', self._on_description, qos.LATCHED)

    def ask(self) -> None:
        """Ask again; the answers come while the node is spun. Some answer nothing at all if they do not know one name."""
        for name in self._names:
            self._get(self._parameters, name, self.controller.parameters)
        for name in OF_MANAGER:
            self._get(self._manager, name, self.controller.manager)
        if self._descriptions.service_is_ready():
            request = DescribeParameters.Request(names=[GOAL_TIME])
            self._descriptions.call_async(request).add_done_callback(_answered(self._on_range))

    def _get(self, client: Any, name: str, values: dict[str, Any]) -> None:
        def take(answer: Any) -> None:
            value = parameter_value_to_python(answer.values[0]) if answer.values else None
            if value is None:
                values.pop(name, None)
            else:
                values[name] = value if isinstance(value, bool | int | float | str) else list(value)

        if client.service_is_ready():
            client.call_async(GetParameters.Request(names=[name])).add_done_callback(_answered(take))

    def _on_range(self, answer: Any) -> None:
        ranges = [each for descriptor in answer.descriptors[:1] for each in descriptor.floating_point_range]
        self.controller.least_goal_time_s = ranges[0].from_value if ranges else None

    def _on_description(self, message: String) -> None:
        self.controller.description = message.data


def _answered(take: Callable[[Any], None]) -> Callable[[Any], None]:
    """Return a callback of a future that hands its answer over, if it became one."""

    def done(future: Any) -> None:
        if future.exception() is None and future.result() is not None:
            take(future.result())

    return done
