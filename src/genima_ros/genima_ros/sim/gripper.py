# SPDX-License-Identifier: Apache-2.0
"""The simulated gripper for standard tools: a control_msgs/GripperCommand action, as a gripper controller offers it."""

from typing import TYPE_CHECKING, Any

from control_msgs.action import GripperCommand
from rclpy.action import ActionServer
from rclpy.node import Node
from rclpy.task import Future

if TYPE_CHECKING:
    from genima.sim.simulation import Simulation

ACTION = 'gripper_controller/gripper_cmd'
LONGEST_S = 2.0
NEAR_M = 0.001


class SimGripper:
    """Moves the fingers to the position of the newest goal [m, of each finger]; a goal ends there, or when they stall.

    Args:
        node: that offers the action.
        simulation: whose gripper it is.
    """

    def __init__(self, node: Node, simulation: 'Simulation') -> None:
        self._simulation = simulation
        self._goal: tuple[Future, float, float] | None = None  # what ends it, where to [m], since when [s]
        self._server = ActionServer(node, GripperCommand, ACTION, self._work)

    def tick(self, time_s: float) -> None:
        """Look whether the goal under way has ended; `time_s` is simulated time."""
        if self._goal is None:
            return
        ended, wanted_m, since_s = self._goal
        since_s = time_s if since_s < 0 else since_s
        self._goal = ended, wanted_m, since_s
        if abs(self._position_m() - wanted_m) < NEAR_M or time_s - since_s > LONGEST_S:
            self._goal = None
            ended.set_result(None)

    async def _work(self, handle: Any) -> Any:
        gripper = self._simulation.profile.gripper
        wanted_m = float(handle.request.command.position)
        if self._goal is not None:
            self._goal[0].set_result(None)  # the newer goal counts
        opening = gripper.opening(wanted_m)
        self._simulation.command_gripper(opening)
        self._goal = goal = Future(), gripper.position_m(opening), -1.0
        await goal[0]
        handle.succeed()
        result, position_m = GripperCommand.Result(), self._position_m()
        result.position = position_m
        result.reached_goal = abs(position_m - wanted_m) < NEAR_M
        result.stalled = not result.reached_goal
        return result

    def _position_m(self) -> float:
        return float(self._simulation.finger_positions_m[0])
