# SPDX-License-Identifier: Apache-2.0
"""The Franka Hand, over its own server, as franka_gripper offers it: a control_msgs/GripperCommand action.

franka-rs waits for the hand without the interpreter's lock, as pylibfranka does not: the fingers are seen while they move.
"""

import threading
import time
from dataclasses import dataclass, field
from typing import Any

from control_msgs.action import GripperCommand
from rclpy.action import ActionServer
from rclpy.clock import Clock, ClockType
from rclpy.node import Node
from rclpy.task import Future
from std_srvs.srv import Trigger

from genima.errors import GenimaError
from genima.robots.gripper import Gripper
from genima_ros.core.diagnostics import refuse
from genima_ros.core.worker import LatestWorker

ACTION = 'franka_gripper/gripper_action'
EPSILON_M = 0.08  # any object between the fingers is what was to be grasped
NEAR_M = 0.002
FRESH_S = 0.5
TICK_S = 0.05
RETRY_S = 1.0


@dataclass
class _Job:
    """A width that the fingers shall go to, or None to home them; `done` tells whether they did."""

    width_m: float | None
    ended: Future = field(default_factory=Future)
    done: bool | None = None


class FciHand:
    """Moves the fingers for the newest goal; position is that of one finger, half of the width, as franka_gripper has it.

    Args:
        node: that offers the action, and the service ~/home_hand, which a hand needs after its fingers were changed.
        robot_ip: address of the robot.
        gripper: of the robot's profile.
    """

    def __init__(self, node: Node, robot_ip: str, gripper: Gripper) -> None:
        try:
            import franka
        except ImportError as error:
            raise GenimaError("franka-rs is not installed: pip install 'genima[fci]', or say hand:=false") from error
        self._node, self._gripper, self._robot_ip = node, gripper, robot_ip
        self._connect = franka.Gripper
        self._hand: Any = None
        self._width_m: float | None = None
        self._seen_s = float('-inf')
        self._jobs: list[_Job] = []
        self._worker = LatestWorker(self._do, 'hand')
        self._server = ActionServer(node, GripperCommand, ACTION, self._work)
        node.create_service(Trigger, '~/home_hand', self._on_home)
        node.create_timer(TICK_S, self._tick, clock=Clock(clock_type=ClockType.STEADY_TIME))
        threading.Thread(target=self._read, name='fingers', daemon=True).start()

    @property
    def fingers_m(self) -> tuple[float, ...]:
        """Measured position of each finger; nothing while the hand is silent."""
        if self._width_m is None or time.monotonic() - self._seen_s > FRESH_S:
            return ()
        return (self._width_m / 2.0,) * len(self._gripper.joints)

    def _read(self) -> None:
        while True:
            try:
                if self._hand is None:
                    self._hand = self._connect(self._robot_ip)
                self._width_m, self._seen_s = float(self._hand.read_once().width), time.monotonic()
            except Exception as error:
                self._hand = None
                refuse(self._node, 'hand', f'the hand of {self._robot_ip} does not answer: {error}', severe=True)
                time.sleep(RETRY_S)

    async def _work(self, handle: Any) -> Any:
        position_m = min(max(float(handle.request.command.position), self._gripper.closed_m), self._gripper.open_m)
        job = self._submit(2.0 * position_m)
        await job.ended
        handle.succeed()
        result = GripperCommand.Result()
        result.position = (self._width_m or 0.0) / 2.0
        result.reached_goal = abs(result.position - position_m) < NEAR_M
        result.stalled = not result.reached_goal
        return result

    def _on_home(self, request: Trigger.Request, response: Trigger.Response) -> Trigger.Response:
        self._submit(None)
        response.success, response.message = True, 'homing the hand'
        return response

    def _submit(self, width_m: float | None) -> _Job:
        for job in self._jobs:
            job.done = False  # the newer goal counts
        job = _Job(width_m)
        self._jobs.append(job)
        self._worker.submit(job)
        return job

    def _do(self, job: _Job) -> None:
        """Move the fingers; in the worker's thread."""
        hand, speed_m_s = self._hand, 2.0 * self._gripper.speed_m_s
        try:
            if hand is None:
                raise GenimaError('it is not connected')
            if job.width_m is None:
                job.done = hand.homing()
            elif self._width_m is not None and job.width_m >= self._width_m:
                job.done = hand.move(job.width_m, speed_m_s)
            else:
                job.done = hand.grasp(job.width_m, speed_m_s, self._gripper.force_n, EPSILON_M, EPSILON_M)
        except Exception as error:
            job.done = False
            refuse(self._node, 'hand', f'the hand does not do it: {error}', severe=True)

    def _tick(self) -> None:
        """End the goals that are done, in the executor's thread."""
        for job in [job for job in self._jobs if job.done is not None]:
            self._jobs.remove(job)
            job.ended.set_result(job.done)
