# SPDX-License-Identifier: Apache-2.0
"""How the drivers of grippers are spoken to by actions: Franka's own, GripperCommand and ParallelGripperCommand."""

from collections.abc import Callable
from typing import Any

from rclpy.action import ActionClient
from rclpy.node import Node

from genima.errors import GenimaError
from genima.robots.gripper import Gripper, GripperDriver

# (action client, makes the goal for an opening)
Way = tuple[ActionClient, Callable[[float], Any]]
GRASP_EPSILON_M = 0.08  # any object between the fingers is what was to be grasped


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
