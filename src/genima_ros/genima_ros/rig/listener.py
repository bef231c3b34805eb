# SPDX-License-Identifier: Apache-2.0
"""Listens to a rig for a while and judges it: `genima doctor` and doctor_node."""

import zlib
from collections.abc import Callable
from typing import Any

from control_msgs.msg import JointTrajectoryControllerState
from rclpy.node import Node
from rosgraph_msgs.msg import Clock
from sensor_msgs.msg import CameraInfo, CompressedImage, Image, JointState

from genima.contract.spec import PolicySpec
from genima.rig.rig import Rig
from genima.robots.profile import RobotProfile
from genima_ros.conversions.frames import listen_to_frames
from genima_ros.conversions.messages import seconds
from genima_ros.core import qos
from genima_ros.core.caps import keep
from genima_ros.rig.checks import (
    Check,
    Stream,
    check_camera,
    check_command_topic,
    check_endpoints,
    check_joints,
    check_machine,
    check_skew,
    check_stream,
)
from genima_ros.rig.controller_checks import check_controller, check_controller_state
from genima_ros.rig.controller_listener import ControllerListener

JOINT_STATES_HZ = 30.0
CONTROLLER_STATES_HZ = 20.0
RATE_SHARE = 0.9


class RigListener:
    """Only listens, and asks the controller for its parameters; nothing it does can move an arm.

    Args:
        node: Whose subscriptions these are.
        spec: Contract of the policy that is to run.
        profile: The robot.
        controller: Name of the joint_trajectory_controller.
        rig: Topics of cameras and joints; our own names by default.

    Raises:
        ProfileError: if the rig lacks a camera of the policy.
    """

    def __init__(
        self, node: Node, spec: PolicySpec, profile: RobotProfile, controller: str, rig: Rig | None = None
    ) -> None:
        self._node, self._spec, self._profile = node, spec, profile
        rig = rig or Rig.of(spec.cameras)
        self._joint_states, self._cameras = rig.joint_states, [rig.camera(name) for name in spec.cameras]
        self._command_topic = f'{controller}/joint_trajectory'
        self._state_topic = f'{controller}/controller_state'
        self._controller = ControllerListener(node, controller, profile)
        self._streams: dict[str, Stream] = {}
        self._kinds = {self._command_topic: 'trajectory_msgs/msg/JointTrajectory'}
        self._digests: dict[str, int] = {}
        self._positions: dict[str, float] = {}
        self._sim_time_s: float | None = None
        self._frames = listen_to_frames(node)
        self._listen()

    def begin(self) -> None:
        """Forget what came so far: what came before everyone knew everyone says nothing about rates."""
        for stream in self._streams.values():
            stream.stamps_s.clear()
            stream.ages_s.clear()
            stream.newest = None
        self._controller.ask()

    def judge(self) -> list[Check]:
        """Return all checks of what came since `begin`."""
        for topic, stream in self._streams.items():
            stream.publishers = self._node.count_publishers(topic)
        joints = self._streams[self._joint_states]
        checks = [*check_stream(joints, JOINT_STATES_HZ), *check_joints(joints, self._profile, self._positions)]
        images = [self._streams[camera.images] for camera in self._cameras]
        for camera, image in zip(self._cameras, images, strict=True):
            checks += check_stream(image, RATE_SHARE * self._spec.control_rate_hz)
            info = self._streams[camera.info]
            simulated = self._sim_time_s is not None
            checks += check_camera(camera.name, image, info, self._frames, self._profile.base_link, simulated)
        checks += check_skew(images)
        for topic, kind in self._kinds.items():
            speakers = self._node.get_publishers_info_by_topic(topic)
            checks += check_endpoints(topic, kind, speakers, self._node.get_subscriptions_info_by_topic(topic))
        commanders = self._node.count_publishers(self._command_topic)
        checks += check_command_topic(
            self._command_topic, commanders, self._node.count_subscribers(self._command_topic)
        )
        states = self._streams[self._state_topic]
        checks += check_stream(states, CONTROLLER_STATES_HZ) + check_controller_state(states.newest, self._profile)
        checks += check_controller(self._controller.controller, self._profile)
        return checks + check_machine()

    def _listen(self) -> None:
        self._node.create_subscription(Clock, '/clock', self._on_clock, qos.CLOCK)
        self._subscribe(JointState, self._joint_states, self._on_joints)
        self._subscribe(JointTrajectoryControllerState, self._state_topic, lambda stream, message: None)
        for camera in self._cameras:
            kind = CompressedImage if camera.transport == 'compressed' else Image
            self._subscribe(kind, camera.images, self._on_image)
            self._subscribe(CameraInfo, camera.info, lambda stream, message: None)

    def _subscribe(self, kind: Any, topic: str, look: Callable[[Stream, Any], None]) -> None:
        stream = self._streams[topic] = Stream(topic)
        self._kinds[topic] = f'{kind.__module__.split(".")[0]}/msg/{kind.__name__}'

        def take(message: Any) -> None:
            stamp_s = seconds(message.header.stamp)
            look(stream, message)
            stream.stamps_s.append(stamp_s)
            stream.ages_s.append(self._now_s() - stamp_s)
            stream.newest = message

        self._node.create_subscription(kind, topic, take, qos.SENSOR)

    def _on_clock(self, message: Clock) -> None:
        self._sim_time_s = seconds(message.clock)

    def _on_joints(self, stream: Stream, message: JointState) -> None:
        for name, position in zip(message.name, message.position, strict=False):
            keep(self._positions, name, position)

    def _on_image(self, stream: Stream, message: Any) -> None:
        digest = zlib.crc32(bytes(message.data))
        later = stream.newest is not None and seconds(message.header.stamp) > seconds(stream.newest.header.stamp)
        same = later and digest == self._digests.get(stream.topic)
        stream.unchanged = stream.unchanged + 1 if same else 0
        self._digests[stream.topic] = digest

    def _now_s(self) -> float:
        """Return ROS time: that of /clock where there is one."""
        return 1e-9 * self._node.get_clock().now().nanoseconds if self._sim_time_s is None else self._sim_time_s
