# SPDX-License-Identifier: Apache-2.0
"""Asks the robot's controller and its manager for their parameters: it reads, and sets nothing."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from rcl_interfaces.srv import DescribeParameters, GetParameters
from rclpy.node import Node
from rclpy.parameter import parameter_value_to_python
from std_msgs.msg import String

from genima.robots.profile import RobotProfile
from genima_ros.core import qos
from genima_ros.rig.controller_checks import GOAL_TIME, LIMITER, OF_CONTROLLER, OF_MANAGER, Controller, gain_names

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
        self._manager_descriptions = node.create_client(DescribeParameters, f'{MANAGER}/describe_parameters')
        node.create_subscription(String, 'robot_description', self._on_description, qos.LATCHED)

    def ask(self) -> None:
        """Ask again; the answers come while the node is spun, and count once they are complete."""
        self._get(self._parameters, self._names, partial(setattr, self.controller, 'parameters'))
        self._get(self._manager, OF_MANAGER, partial(setattr, self.controller, 'manager'))
        for client, name, take in (
            (self._descriptions, GOAL_TIME, self._on_range),
            (self._manager_descriptions, LIMITER, self._on_limiter),
        ):
            if client.service_is_ready():
                client.call_async(DescribeParameters.Request(names=[name])).add_done_callback(_answered(take))

    def _get(self, client: Any, names: Sequence[str], done: Callable[[dict[str, Any]], None]) -> None:
        """Ask for all at once, and one after the other where an answer lacks all for one unknown name."""
        if not client.service_is_ready():
            return

        def take(answer: Any) -> None:
            if len(answer.values) == len(names):
                done(_values(names, answer.values))
            else:
                self._get_each(client, list(names), {}, done)

        client.call_async(GetParameters.Request(names=list(names))).add_done_callback(_answered(take))

    def _get_each(
        self, client: Any, names: list[str], found: dict[str, Any], done: Callable[[dict[str, Any]], None]
    ) -> None:
        """Ask for one, and for the next when it is answered: these services queue ten requests, and drop the others."""
        if not names:
            done(found)
            return

        def take(answer: Any) -> None:
            self._get_each(client, names[1:], {**found, **_values(names[:1], answer.values)}, done)

        client.call_async(GetParameters.Request(names=names[:1])).add_done_callback(_answered(take))

    def _on_range(self, answer: Any) -> None:
        ranges = [each for descriptor in answer.descriptors[:1] for each in descriptor.floating_point_range]
        self.controller.least_goal_time_s = ranges[0].from_value if ranges else None

    def _on_limiter(self, answer: Any) -> None:
        # read-only where it is known; where a file alone named it, it can be set and nobody reads it
        self.controller.limits = any(descriptor.read_only for descriptor in answer.descriptors[:1])

    def _on_description(self, message: String) -> None:
        self.controller.description = message.data


def _values(names: Sequence[str], values: Sequence[Any]) -> dict[str, Any]:
    """Return the values that are set, by name."""
    plain = {name: parameter_value_to_python(value) for name, value in zip(names, values, strict=False)}
    simple = (bool, int, float, str)
    return {
        name: value if isinstance(value, simple) else list(value) for name, value in plain.items() if value is not None
    }


def _answered(take: Callable[[Any], None]) -> Callable[[Any], None]:
    """Return a callback of a future that hands its answer over, if it became one."""

    def done(future: Any) -> None:
        if future.exception() is None and future.result() is not None:
            take(future.result())

    return done
