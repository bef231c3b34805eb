# SPDX-License-Identifier: Apache-2.0
"""Everything that the guard listens to except chunks, and what of it is asked for."""

from collections.abc import Callable, Sequence
from importlib import import_module
from operator import attrgetter
from typing import Any

import numpy as np
from control_msgs.msg import JointTrajectoryControllerState
from rclpy.node import Node
from sensor_msgs.msg import JointState
from std_msgs.msg import Bool

from genima.errors import GenimaError
from genima.guard.camera_watch import camera_condition, camera_kind, camera_trouble
from genima.guard.conditions import Condition
from genima.guard.guard import Guard
from genima.guard.target_watch import KIND as TARGET
from genima.guard.target_watch import TargetWatch, target_condition
from genima.robots.profile import DriverCondition
from genima_msgs.msg import CameraCheck, TargetCheck, TargetImage
from genima_ros.conversions.messages import seconds
from genima_ros.core import qos
from genima_ros.core.diagnostics import refuse
from genima_ros.core.parameters import declare
from genima_ros.inputs.joint_states import JointStates, StaleJointsError

CHECK, CHECK_AGE_S = 'target_check', 0.6
PRESSED = 'the emergency stop is pressed'


class GuardInputs:
    """Subscribes for a guard and hands over what comes.

    Args:
        node: that listens.
        guard: that judges.
        max_joint_age_s: joint positions older than this are not used [s].
        controller: name of the joint_trajectory_controller.
        now_s: the node's ROS time [s].
        stop: called when the emergency stop is pressed.
    """

    def __init__(
        self,
        node: Node,
        guard: Guard,
        max_joint_age_s: float,
        controller: str,
        now_s: Callable[[], float],
        stop: Callable[[str], None],
    ) -> None:
        self._node, self._guard, self._now_s, self._stop = node, guard, now_s, stop
        self._joints = JointStates(guard.profile, max_joint_age_s)
        self._targets = TargetWatch()
        node.create_subscription(JointState, 'joint_states', self._on_joints, qos.NEWEST)
        if guard.config.max_controller_age_s is not None:
            topic = f'{controller}/controller_state'
            node.create_subscription(JointTrajectoryControllerState, topic, self._on_controller, qos.NEWEST)
        self._ask_for_operator()
        target_age_s = declare(
            node, 'max_target_age_s', 0.8, 'Age of a target that stops the arm [s]; 0: any.', between=(0.0, 60.0)
        )
        if target_age_s > 0:
            guard.conditions.require(target_condition(target_age_s))
            node.create_subscription(TargetImage, 'target_image', self._on_target, qos.COMMAND)
        if declare(node, 'check_targets', False, 'Hold unless target_check_node says that target and chunk agree.'):
            unknown = 'no check of the target image: is target_check_node running?'
            guard.conditions.require(Condition(CHECK, unknown, CHECK_AGE_S))
            node.create_subscription(TargetCheck, 'target_check', self._on_check, qos.COMMAND)
        if declare(node, 'check_driver', False, "Let the arm move only while the robot's driver reports that it may."):
            for condition in guard.profile.driver:
                self._ask_for(condition)

    def ask_for_cameras(self, of_policy: Sequence[str]) -> None:
        """Let the arm move only while camera_check_node says that every camera is ok, where that is wanted.

        Raises:
            GenimaError: if it is wanted and no camera is named.
        """
        wanted = declare(self._node, 'check_cameras', False, 'Do not arm, and hold, unless camera_check_node says ok.')
        named = declare(self._node, 'cameras', '', "Cameras that must be ok, by commas; empty: the policy's.")
        if not wanted:
            return
        cameras = {name.strip() for name in named.split(',') if name.strip()} or set(of_policy)
        if not cameras:
            raise GenimaError('check_cameras: true without a camera; name them (parameter cameras), or give a policy')
        for name in sorted(cameras):
            self._guard.conditions.require(camera_condition(name))

        def listen(message: CameraCheck) -> None:
            if message.camera in cameras:
                trouble = camera_trouble(message.camera, message.ok, list(message.problems))
                self._guard.conditions.report(camera_kind(message.camera), seconds(message.header.stamp), trouble)

        self._node.create_subscription(CameraCheck, 'camera_check', listen, qos.STATISTICS)

    def _ask_for_operator(self) -> None:
        stop_s = declare(
            self._node, 'e_stop_timeout_s', 0.0, 'The topic e_stop must say false this often [s]; 0: only true matters.',
            between=(0.0, 60.0),
        )  # fmt: skip
        deadman_s = declare(
            self._node, 'deadman_timeout_s', 0.0, 'The topic deadman must say true this often [s]; 0: it is not used.',
            between=(0.0, 60.0),
        )  # fmt: skip
        self._guard.conditions.require(Condition('e_stop', 'nothing is heard of the emergency stop', stop_s or None))
        if not stop_s:  # as good as released until somebody presses it
            self._guard.conditions.report('e_stop', 0.0, None)
        self._node.create_subscription(Bool, 'e_stop', self._on_e_stop, qos.RELIABLE)
        if deadman_s > 0:
            self._guard.conditions.require(Condition('deadman', 'hold the deadman switch', deadman_s))
            self._node.create_subscription(Bool, 'deadman', self._on_deadman, qos.RELIABLE)

    def _on_joints(self, message: JointState) -> None:
        now_s = self._now_s()
        self._joints.add(message.name, message.position, message.header.stamp)
        try:
            q_rad, stamp_s = self._joints.arm(now_s)
        except StaleJointsError as error:  # the guard sees that nothing new came, and stops
            self._complain('joint states', str(error))
            return
        self._guard.observe_joints(stamp_s, q_rad)
        self._targets.observe_joints(stamp_s, q_rad)

    def _on_controller(self, message: JointTrajectoryControllerState) -> None:
        known = dict(zip(message.joint_names, message.reference.positions, strict=False))
        joints = self._guard.profile.arm_joints
        missing = [name for name in joints if name not in known or not np.isfinite(known[name])]
        if missing:
            text = f'controller_state: no reference of {", ".join(missing)}; which controller is this?'
            self._complain('controller state', text)
            return
        stamp_s, since_s = seconds(message.header.stamp), seconds(message.reference.time_from_start)
        running_s = stamp_s - since_s if since_s else None
        measured = dict(zip(message.joint_names, message.feedback.positions, strict=False))
        feedback_rad = np.array([measured[name] for name in joints]) if set(joints) <= set(measured) else None
        reference_rad = np.array([known[name] for name in joints])
        self._guard.observe_controller(stamp_s, reference_rad, running_s, self._now_s(), feedback_rad)

    def _on_target(self, message: TargetImage) -> None:
        stamp_s = seconds(message.header.stamp)
        if self._guard.contract not in (None, message.contract):
            trouble: str | None = f'the target image is of contract {message.contract}, expected {self._guard.contract}'
        elif len(message.unchanged_s) != len(message.cameras):
            trouble = f'target_image: {len(message.unchanged_s)} ages of pictures for {len(message.cameras)} cameras'
        else:
            trouble = self._targets.trouble(stamp_s, list(message.cameras), list(message.unchanged_s))
        self._guard.conditions.report(TARGET, stamp_s, trouble)

    def _on_check(self, message: TargetCheck) -> None:
        self._guard.conditions.report(CHECK, seconds(message.chunk), None if message.agrees else message.reason)

    def _on_e_stop(self, message: Bool) -> None:
        self._guard.conditions.report('e_stop', self._now_s(), PRESSED if message.data else None)
        if message.data:
            self._stop(PRESSED)

    def _on_deadman(self, message: Bool) -> None:
        self._guard.conditions.report('deadman', self._now_s(), None if message.data else 'the deadman switch was let go')

    def _ask_for(self, condition: DriverCondition) -> None:
        kind = condition.topic
        self._guard.conditions.require(Condition(kind, f'nothing is heard on {condition.topic}: is the driver running?'))
        value = attrgetter(condition.field)

        def listen(message: Any) -> None:
            holds = condition.holds(value(message))
            trouble = None if holds else f'{condition.text} ({condition.topic}: {value(message)})'
            self._guard.conditions.report(kind, self._now_s(), trouble)

        kind_of_message = message_type(condition.type)
        for profile in (qos.SENSOR, qos.LATCHED):  # some drivers say it again and again, others once, for late listeners
            self._node.create_subscription(kind_of_message, condition.topic, listen, profile)

    def _complain(self, what: str, text: str) -> None:
        refuse(self._node, what, text)


def message_type(name: str) -> Any:
    """Return the class of a message, given as package/msg/Name.

    Raises:
        GenimaError: if the package is not installed or has no such message.
    """
    package, _, short = name.split('/')
    try:
        return getattr(import_module(f'{package}.msg'), short)
    except (ImportError, AttributeError) as error:
        raise GenimaError(f'message {name} cannot be used ({error}); install {package} beside the driver') from error
