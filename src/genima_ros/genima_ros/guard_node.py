# SPDX-License-Identifier: Apache-2.0
"""The guard as a node: the only one that speaks to the robot's controller. It starts disarmed: shadow mode."""

from collections.abc import Callable
from dataclasses import replace
from typing import NoReturn

from builtin_interfaces.msg import Time
from std_msgs.msg import Float64
from std_srvs.srv import Trigger
from trajectory_msgs.msg import JointTrajectory

from genima.chunks.limits import LimitMargins
from genima.collision.obstacles import Obstacles
from genima.contract.spec import PolicySpec
from genima.errors import GenimaError
from genima.guard.guard import Guard
from genima.guard.status import GuardConfig, GuardOutput
from genima.recording.jog import CONTRACT as TELEOPERATION
from genima.recording.jog import STEPS as TELEOPERATION_STEPS
from genima.robots.profile import RobotProfile
from genima_msgs.msg import ActionChunk
from genima_ros.conversions.trajectories import chunk_from_message, plan_message
from genima_ros.core import qos
from genima_ros.core.diagnostics import refuse
from genima_ros.core.parameters import declare, not_given
from genima_ros.core.run import GUARD_PRIORITY, run
from genima_ros.core.sturdy import SturdyNode
from genima_ros.guard.inputs import GuardInputs
from genima_ros.guard.orphan_watch import OrphanWatch
from genima_ros.guard.reports import GuardReports, Surroundings
from genima_ros.guard.rivals import COMPANIONS, Rivals
from genima_ros.guard.sleep_watch import ASLEEP_S, SleepWatch

TICK_S = 0.02
GRIPPER_S = 1.0  # the command is repeated
MAX_TICK_GAP_S = 3 * TICK_S
ALONE = (
    '/clock', 'action_chunk', 'target_image', 'target_check', 'deadman', 'gripper/command', '{}/controller_state',
    '{}/joint_trajectory',
)  # fmt: skip
"""Topics that one program alone may publish, this one or another."""
# what keeps a real arm safe is never what a default says
SAFETY = (
    'speed_limit', 'obstacles', 'check_driver', 'check_cameras', 'check_targets', 'max_joint_age_s',
    'deadman_timeout_s', 'e_stop_timeout_s',
)  # fmt: skip


class GuardNode(SturdyNode):
    """Feeds the guard with chunks and time, and sends what it lets through."""

    def __init__(self) -> None:
        super().__init__('guard_node')
        policy = declare(self, 'policy', '', 'Policy directory; other chunks are refused. Empty: teleoperation.')
        robot = declare(self, 'robot', '', 'Robot profile (name or file); empty: the one that the policy names.')
        controller = declare(self, 'controller', '', 'Name of the joint_trajectory_controller.')
        armed = declare(self, 'armed_at_start', False, 'Send commands from the start; only for a simulated arm.')
        if not declare(self, 'simulated', False, 'The arm is simulated: safety parameters need not be given.'):
            self._require_safety()
        config = self._declare_config()
        self.profile, contract, cameras, points = self._load(policy, robot)
        config = replace(config, chunk_points=points)
        if not controller:
            raise GenimaError(f'parameter controller is empty; {self.profile.name} has {self.profile.controllers}')
        self._guard = Guard(self.profile, config, contract)
        self._newest_chunk = Time()
        self._last_tick_s = float('-inf')
        self._sleep = SleepWatch(self)
        self._plan = self.create_publisher(JointTrajectory, f'{controller}/joint_trajectory', qos.COMMAND)
        self._gripper = self.create_publisher(Float64, 'gripper/command', qos.LATCHED)
        self._gripper_open: float | None = None
        self._reports = GuardReports(self, self.profile.name, lambda: Surroundings.of(self._guard))
        self._inputs = GuardInputs(self, self._guard, config.max_joint_age_s, controller, self._now_s, self._stop)
        self._inputs.ask_for_cameras(cameras)
        self.create_subscription(ActionChunk, 'action_chunk', self._on_chunk, qos.COMMAND)
        alone = [name.format(controller) for name in ALONE]
        also = declare(self, 'joint_states_also_from', '', 'Nodes that may publish joint_states, too, by commas.')
        companions = [*COMPANIONS, *filter(None, (name.strip() for name in also.split(',')))]
        self._rivals = Rivals(self, alone, {'joint_states': companions}, self._stop)
        actions = {
            'arm': self._arm,
            'disarm': lambda: self._guard.disarm('by service', self._now_s()),
            'stop': lambda: self._guard.stop('by service', self._now_s()),
            'reset': lambda: self._guard.reset(self._now_s()),
        }
        for name, action in actions.items():
            self.create_service(Trigger, f'~/{name}', self._handler(name, action))
        self.create_timer(TICK_S, self._tick)
        self.create_timer(GRIPPER_S, self._repeat_gripper)
        self._orphan = OrphanWatch(self, self._stop)
        if armed:
            self._guard.arm()
        self.get_logger().info(
            f'guard ready: robot {self.profile.name}, contract {contract}, controller {controller}, '
            f'{"ARMED" if armed else "disarmed (shadow mode); arm it with the service ~/arm"}'
        )

    def _load(self, policy: str, robot: str) -> tuple[RobotProfile, str, tuple[str, ...], int]:
        """Return the robot, the contract of chunks that are let through, the cameras of the policy, and a chunk's points.

        Where no policy is given, the chunks are an operator's.
        """
        if not policy and robot:
            return RobotProfile.load(robot), TELEOPERATION, (), TELEOPERATION_STEPS
        spec = PolicySpec.load(policy)
        profile = RobotProfile.load(robot or spec.robot)
        spec.check_robot(profile)
        return profile, spec.hash(), tuple(spec.cameras), spec.chunk_steps

    def _require_safety(self) -> None:
        """Raise a GenimaError unless somebody gave all that keeps a real arm safe: a parameter file can miss its node."""
        if missing := not_given(self, SAFETY):
            raise GenimaError(
                f'a real arm, and nobody gave {", ".join(missing)}:'
                f' no parameter file reached {self.get_fully_qualified_name()};'
                ' name it /**/guard_node in there, as config/stacks/hardware.yaml does, and pass it with --params-file,'
                ' or say simulated:=true'
            )

    def _declare_config(self) -> GuardConfig:
        joint_age_s = declare(
            self, 'max_joint_age_s', 0.1, 'Age of joint states that stops the arm [s].', between=(0.005, 5.0)
        )
        watch = declare(self, 'watch_controller', True, 'Hold unless <controller>/controller_state says what was sent.')
        controller_age_s = declare(
            self, 'max_controller_age_s', 0.1, 'Age of the controller state that stops the arm [s].', between=(0.01, 5.0)
        )
        speed = declare(self, 'speed_limit', 1.0, "Share of the robot's velocity limits that is used.", between=(0.02, 1.0))
        acceleration = declare(
            self, 'acceleration_limit', 1.0, "Share of the robot's acceleration limits that is used.", between=(0.05, 1.0)
        )
        boxes = declare(self, 'obstacles', 'table', 'What the arm must not run into: a name in config/obstacles or a file.')
        return GuardConfig(
            obstacles=Obstacles.load(boxes),
            max_joint_age_s=joint_age_s,
            max_controller_age_s=controller_age_s if watch else None,
            margins=LimitMargins(
                velocity=speed * LimitMargins.velocity, acceleration=acceleration * LimitMargins.acceleration
            ),
        )

    def _now_s(self) -> float:
        return 1e-9 * self.get_clock().now().nanoseconds

    def _on_chunk(self, message: ActionChunk) -> None:
        if self._sleep.drowsy():
            return
        self._newest_chunk = message.header.stamp
        try:
            chunk = chunk_from_message(message, self.profile)
        except GenimaError as error:
            refuse(self, 'chunk', f'chunk refused: {error}', severe=True)
            self._apply(GuardOutput(self._guard.status), self._now_s())
            return
        now_s = self._now_s()
        self._apply(self._guard.accept_chunk(now_s, chunk, message.contract), now_s)

    def _tick(self) -> None:
        if self._sleep.drowsy():
            return
        now_s, last_s = self._now_s(), self._last_tick_s
        self._last_tick_s = now_s
        self._reports.tick(now_s, self._guard.status)
        if now_s - last_s > MAX_TICK_GAP_S:
            return  # this process was asleep: what the robot sent meanwhile is still in the queue
        self._apply(self._guard.tick(now_s), now_s)

    def _arm(self) -> GuardOutput:
        self._rivals.look()
        return self._guard.arm(self._now_s())

    def _repeat_gripper(self) -> None:
        """Say the gripper's command again: a recording that begins after the grasp must hold it."""
        if not self._guard.status.armed:
            self._gripper_open = None
        elif self._gripper_open is not None and not self._sleep.drowsy():
            self._gripper.publish(Float64(data=self._gripper_open))

    def _stop(self, reason: str) -> None:
        now_s = self._now_s()
        self._apply(self._guard.stop(reason, now_s), now_s)

    def _apply(self, output: GuardOutput, judged_s: float) -> None:
        """Do what the guard said at `judged_s`; the time is looked at again right before anything is sent."""
        plan = output.message
        if plan is not None:
            joints = self.profile.arm_joints
            message = plan_message(joints, plan.stamp_s, plan.times_from_start_s, plan.q_rad, plan.v_rad_s)
            slept_s = ASLEEP_S if self._sleep.drowsy() else 0.0
            if self._guard.too_late(judged_s, self._now_s() + slept_s):
                refuse(self, 'late', 'the guard was late and sent nothing: is this computer too slow?', severe=True)
            else:
                self._plan.publish(message)
        if output.gripper_open is not None:
            self._gripper_open = float(output.gripper_open)
            self._gripper.publish(Float64(data=self._gripper_open))
        self._reports.tell(self._now_s(), output.status, self._newest_chunk)

    def _handler(self, name: str, action: Callable[[], GuardOutput]) -> Callable[..., Trigger.Response]:
        def handle(request: Trigger.Request, response: Trigger.Response) -> Trigger.Response:
            now_s = self._now_s()
            output = action()
            self._apply(output, now_s)
            response.success = name != 'arm' or output.status.armed
            response.message = f'{output.status.state}: {"; ".join(output.status.reasons) or "all is well"}'
            self.get_logger().info(f'{name}: {response.message}')
            return response

        return handle


def main() -> NoReturn:
    """Run the node."""
    run(GuardNode, GUARD_PRIORITY)


if __name__ == '__main__':
    main()
