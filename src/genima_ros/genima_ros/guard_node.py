# SPDX-License-Identifier: Apache-2.0
"""The guard as a node: the only one that speaks to the robot's controller. It starts disarmed: shadow mode."""

from collections.abc import Callable
from typing import NoReturn

from builtin_interfaces.msg import Time
from rclpy.node import Node
from sensor_msgs.msg import JointState
from std_msgs.msg import Float64
from std_srvs.srv import Trigger
from trajectory_msgs.msg import JointTrajectory

from genima.contract.spec import PolicySpec
from genima.errors import GenimaError
from genima.guard.guard import Guard
from genima.guard.status import GuardConfig, GuardOutput
from genima.guard.status import GuardStatus as Judgement
from genima.robots.profile import RobotProfile
from genima_msgs.msg import GuardStatus
from genima_ros import qos
from genima_ros._run import run
from genima_ros.joint_states import JointStates, StaleJointsError
from genima_ros.messages import seconds, stamp
from genima_ros.parameters import declare
from genima_ros.trajectories import chunk_from_message, plan_message

TICK_S = 0.02
MAX_TICK_GAP_S = 3 * TICK_S
STATUS_TICKS = 5  # unchanged status is repeated at 10 Hz
COMPLAINT_PERIOD_S = 2.0


class GuardNode(Node):
    """Feeds the guard with joints, chunks and time, and sends what it lets through."""

    def __init__(self) -> None:
        super().__init__('guard_node')
        policy = declare(self, 'policy', '', 'Policy directory; chunks of another contract are refused.')
        robot = declare(self, 'robot', '', 'Robot profile (name or file); empty: the one that the policy names.')
        controller = declare(self, 'controller', '', 'Name of the joint_trajectory_controller.')
        armed = declare(self, 'armed_at_start', False, 'Send commands from the start; only for a simulated arm.')
        max_joint_age_s = declare(
            self,
            'max_joint_age_s',
            0.1,
            'Age of joint states that stops the arm [s].',
            between=(0.005, 5.0),
        )
        spec = PolicySpec.load(policy)
        self.profile = RobotProfile.load(robot or spec.robot)
        spec.check_robot(self.profile)
        if not controller:
            raise GenimaError(f'parameter controller is empty; {self.profile.name} has {self.profile.controllers}')
        self._guard = Guard(self.profile, GuardConfig(max_joint_age_s=max_joint_age_s), spec.hash())
        self._joints = JointStates(self.profile, max_joint_age_s)
        self._told: Judgement | None = None
        self._ticks_since_told = 0
        self._newest_chunk = self._told_chunk = Time()
        self._last_tick_s = float('-inf')
        self._plan = self.create_publisher(JointTrajectory, f'{controller}/joint_trajectory', qos.COMMAND)
        self._gripper = self.create_publisher(Float64, 'gripper/command', qos.COMMAND)
        self._status = self.create_publisher(GuardStatus, 'guard/status', qos.LATCHED)
        self.create_subscription(JointState, 'joint_states', self._on_joints, qos.NEWEST)
        self.create_subscription(JointTrajectory, 'action_chunk', self._on_chunk, qos.COMMAND)
        actions = {
            'arm': self._guard.arm,
            'disarm': lambda: self._guard.disarm('by service', self._now_s()),
            'stop': lambda: self._guard.stop('by service', self._now_s()),
            'reset': self._guard.reset,
        }
        for name, action in actions.items():
            self.create_service(Trigger, f'~/{name}', self._handler(name, action))
        self.create_timer(TICK_S, self._tick)
        if armed:
            self._guard.arm()
        self.get_logger().info(
            f'guard ready: robot {self.profile.name}, contract {spec.hash()}, controller {controller}, '
            f'{"ARMED" if armed else "disarmed (shadow mode); arm it with the service ~/arm"}'
        )

    def _now_s(self) -> float:
        return 1e-9 * self.get_clock().now().nanoseconds

    def _on_joints(self, message: JointState) -> None:
        now_s = self._now_s()
        self._joints.add(message.name, message.position, seconds(message.header.stamp))
        try:
            q_rad, stamp_s = self._joints.arm(now_s)
            self._guard.observe_joints(stamp_s, q_rad, self._joints.gripper_open(now_s))
        except StaleJointsError as error:  # the guard sees that nothing new came, and stops
            self.get_logger().warning(str(error), throttle_duration_sec=COMPLAINT_PERIOD_S)

    def _on_chunk(self, message: JointTrajectory) -> None:
        self._newest_chunk = message.header.stamp
        try:
            chunk = chunk_from_message(message, self.profile)
        except GenimaError as error:
            self.get_logger().error(f'chunk refused: {error}', throttle_duration_sec=COMPLAINT_PERIOD_S)
            self._tell(self._guard.status)
            return
        self._apply(self._guard.accept_chunk(self._now_s(), chunk, message.header.frame_id))

    def _tick(self) -> None:
        now_s, last_s = self._now_s(), self._last_tick_s
        self._last_tick_s = now_s
        if now_s - last_s > MAX_TICK_GAP_S:
            return  # this process was asleep: what the robot sent meanwhile is still in the queue
        self._apply(self._guard.tick(now_s))

    def _apply(self, output: GuardOutput) -> None:
        plan = output.message
        if plan is not None:
            joints = self.profile.arm_joints
            self._plan.publish(plan_message(joints, plan.stamp_s, plan.times_from_start_s, plan.q_rad, plan.v_rad_s))
        if output.gripper_open is not None:
            self._gripper.publish(Float64(data=float(output.gripper_open)))
        self._tell(output.status)

    def _tell(self, status: Judgement) -> None:
        """Publish the status after each chunk, when it changed in kind, and now and then."""
        self._ticks_since_told += 1
        same = self._told is not None and (self._told.state, self._told.reasons) == (status.state, status.reasons)
        if same and self._told_chunk == self._newest_chunk and self._ticks_since_told < STATUS_TICKS:
            return
        if not same and status.reasons:
            self.get_logger().warning(f'{status.state}: {"; ".join(status.reasons)}', throttle_duration_sec=0.5)
        self._told, self._told_chunk, self._ticks_since_told = status, self._newest_chunk, 0
        self._status.publish(self._status_message(status))

    def _status_message(self, status: Judgement) -> GuardStatus:
        message = GuardStatus(
            chunk=self._newest_chunk,
            state=status.state,
            armed=status.armed,
            reasons=list(status.reasons),
            share=float(status.share),
            rate=float(status.rate),
            limits=list(status.worst),
            worst=[float(share) for share in status.worst.values()],
            chunks=status.chunks,
            violations=list(status.violations),
            violation_counts=list(status.violations.values()),
        )
        message.header.stamp = stamp(self._now_s())
        return message

    def _handler(self, name: str, action: Callable[[], GuardOutput]) -> Callable[..., Trigger.Response]:
        def handle(request: Trigger.Request, response: Trigger.Response) -> Trigger.Response:
            output = action()
            self._apply(output)
            response.success = name != 'arm' or output.status.armed
            response.message = f'{output.status.state}: {"; ".join(output.status.reasons) or "all is well"}'
            self.get_logger().info(f'{name}: {response.message}')
            return response

        return handle


def main() -> NoReturn:
    """Run the node."""
    run(GuardNode)


if __name__ == '__main__':
    main()
