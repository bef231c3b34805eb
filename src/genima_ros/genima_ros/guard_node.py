# SPDX-License-Identifier: Apache-2.0
"""The guard as a node: the only one that speaks to the robot's controller. It starts disarmed: shadow mode."""

import sys
from collections.abc import Callable

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
            self, 'max_joint_age_s', 0.1, 'Age of joint states above which the arm is stopped [s].', between=(0.005, 5.0)
        )
        spec = PolicySpec.load(policy)
        self.profile = RobotProfile.load(robot or spec.robot)
        spec.check_robot(self.profile)
        if not controller:
            raise GenimaError(f'parameter controller is empty; robot {self.profile.name} has {self.profile.controllers}')
        self._guard = Guard(self.profile, spec.hash(), GuardConfig(max_joint_age_s=max_joint_age_s))
        self._joints = JointStates(self.profile, max_joint_age_s)
        self._told: Judgement | None = None
        self._ticks_since_told = 0
        self._plan = self.create_publisher(JointTrajectory, f'{controller}/joint_trajectory', qos.COMMAND)
        self._gripper = self.create_publisher(Float64, 'gripper/command', qos.COMMAND)
        self._status = self.create_publisher(GuardStatus, 'guard/status', qos.LATCHED)
        self.create_subscription(JointState, 'joint_states', self._on_joints, qos.SENSOR)
        self.create_subscription(JointTrajectory, 'action_chunk', self._on_chunk, qos.COMMAND)
        for name in ('arm', 'disarm', 'stop', 'reset'):
            self.create_service(Trigger, f'~/{name}', self._service(name))
        self.create_timer(TICK_S, self._tick)
        if armed:
            self._guard.arm()
        self.get_logger().info(
            f'guard ready: robot {self.profile.name}, contract {spec.hash()}, controller {controller}, '
            f'{"ARMED" if armed else "disarmed (shadow mode); arm it with the service ~/arm"}'
        )
