# SPDX-License-Identifier: Apache-2.0
"""The newest picture of each camera with its live calibration and where the arm was."""

from collections.abc import Sequence
from math import isfinite
from typing import Any

from builtin_interfaces.msg import Time
from rclpy.node import Node
from sensor_msgs.msg import CameraInfo, JointState

from genima.camera_checks.pictures import Sight
from genima.cameras.model import MountedCamera
from genima.errors import CalibrationError
from genima.rig.rig import info_topic
from genima.robots.profile import RobotProfile
from genima_ros.conversions.frames import listen_to_frames
from genima_ros.conversions.images import declare_transport, image_array, image_stream
from genima_ros.conversions.messages import camera_model, seconds, stamp
from genima_ros.core import qos
from genima_ros.inputs.joint_states import JointStates

JOINT_AGE_S = 1.0
PICTURE_AGE_S = 2.0


class CameraCheckInputs:
    """Subscribes for the checks.

    Args:
        node: that listens.
        profile: the robot.
        cameras: names of the cameras.
    """

    def __init__(self, node: Node, profile: RobotProfile, cameras: Sequence[str]) -> None:
        self._node, self._profile = node, profile
        self._transport = declare_transport(node)
        self._frames, self._joints = listen_to_frames(node), JointStates(profile, JOINT_AGE_S)
        self._images: dict[str, Any] = {}
        self._infos: dict[str, CameraInfo] = {}
        self._stamps: dict[str, Time] = {}  # of the images that were handed out, exactly
        node.create_subscription(JointState, 'joint_states', self._on_joints, qos.SENSOR)
        for name in cameras:

            def on_image(message: Any, name: str = name) -> None:
                self._images[name] = message

            def on_info(message: CameraInfo, name: str = name) -> None:
                self._infos[name] = message

            node.create_subscription(*image_stream(name, self._transport), on_image, qos.NEWEST)
            node.create_subscription(CameraInfo, info_topic(name), on_info, qos.NEWEST)

    def _on_joints(self, message: JointState) -> None:
        self._joints.add(message.name, message.position, message.header.stamp)

    def stamp_of(self, camera: str, stamp_s: float) -> Time:
        """Return the stamp of the image that was handed out last, of which `stamp_s` is a verdict."""
        exact = self._stamps.get(camera)
        return exact if exact is not None and seconds(exact) == stamp_s else stamp(stamp_s if isfinite(stamp_s) else 0.0)

    def sight(self, camera: str) -> Sight | None:
        """Return the newest picture of a camera; None if there is none of the last seconds.

        Raises:
            GenimaError: if its calibration or the joints of that moment are not known; says which.
        """
        image = self._images.get(camera)
        now_s = 1e-9 * self._node.get_clock().now().nanoseconds
        if image is None or now_s - seconds(image.header.stamp) > PICTURE_AGE_S:
            return None
        info = self._infos.get(camera)
        if info is None:
            raise CalibrationError(f'no calibration on {info_topic(camera)}')
        link, T_link_camera = self._frames.carrier(info.header.frame_id, self._profile.link_by_name)
        mounted = MountedCamera(camera_model(info, camera, info_topic(camera)), link, T_link_camera)
        stamp_s = seconds(image.header.stamp)
        self._stamps[camera] = image.header.stamp
        q_rad, gripper_open = self._joints.arm_at(stamp_s), self._joints.gripper_open(now_s)
        return Sight(stamp_s, image_array(image, image_stream(camera, self._transport)[1]), mounted, q_rad, gripper_open)
