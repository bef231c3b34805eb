# SPDX-License-Identifier: Apache-2.0
"""Cameras and an arm that stands still, in real time: what the console shows and the controller needs, without an arm."""

from typing import NoReturn

import cv2
import numpy as np
from genima_ros.conversions.frames import optical_frame, transform_messages
from genima_ros.conversions.images import image_message
from genima_ros.conversions.messages import camera_info_message, stamp
from genima_ros.core import qos
from genima_ros.core.parameters import declare
from genima_ros.core.run import run
from numpy.typing import NDArray
from rclpy.node import Node
from sensor_msgs.msg import CameraInfo, Image, JointState
from tf2_msgs.msg import TFMessage

from genima.cameras.model import CameraModel
from genima.cameras.views import tile
from genima.contract.spec import PolicySpec
from genima.rig.rig import image_topic, info_topic
from genima.robots.profile import RobotProfile
from genima_msgs.msg import TargetImage

NAME = 'source_node'
SIZE_PX = (640, 480)
PICTURES = 15  # different ones, again and again
JOINTS_HZ, TARGET_HZ = 100.0, 5.0
HEIGHT_M = 1.2  # of the cameras above the base


class SourceNode(Node):
    """Publishes pictures with the texture of a photograph, joint states, target images and tf."""

    def __init__(self) -> None:
        super().__init__(NAME)
        self._spec = PolicySpec.load(declare(self, 'policy', '', 'Policy directory.'))
        image_hz = declare(self, 'image_hz', 30.0, 'Pictures per second and camera [Hz].', between=(1.0, 60.0))
        self._profile = RobotProfile.load(self._spec.robot)
        names = self._spec.cameras
        self._pictures = {name: moving_pictures(index) for index, name in enumerate(names)}
        self._count = 0
        self._images = {name: self.create_publisher(Image, image_topic(name), qos.RELIABLE) for name in names}
        self._infos = {name: self.create_publisher(CameraInfo, info_topic(name), qos.RELIABLE) for name in names}
        self._joints = self.create_publisher(JointState, 'joint_states', qos.RELIABLE)
        self._target = self.create_publisher(TargetImage, 'target_image', qos.COMMAND)
        self._frames = self.create_publisher(TFMessage, 'tf_static', qos.STATIC_FRAMES)
        down = np.diag([1.0, -1.0, -1.0, 1.0])
        down[:3, 3] = 0.4, 0.0, HEIGHT_M
        edges = [(self._profile.base_link, optical_frame(name), down) for name in names]
        self._frames.publish(TFMessage(transforms=transform_messages(edges, 0.0)))
        self.create_timer(1.0 / image_hz, self._see)
        self.create_timer(1.0 / JOINTS_HZ, self._feel)
        self.create_timer(1.0 / TARGET_HZ, self._paint)
        self.get_logger().info(f'{len(names)} cameras of {SIZE_PX[0]}x{SIZE_PX[1]} at {image_hz:g} Hz')

    def _now_s(self) -> float:
        return 1e-9 * self.get_clock().now().nanoseconds

    def _see(self) -> None:
        self._count += 1
        width, height = SIZE_PX
        K = np.array([[0.9 * width, 0.0, width / 2], [0.0, 0.9 * width, height / 2], [0.0, 0.0, 1.0]])
        for name, pictures in self._pictures.items():
            now_s = self._now_s()
            camera = CameraModel(name, width, height, K)
            self._infos[name].publish(camera_info_message(camera, now_s, optical_frame(name)))
            self._images[name].publish(image_message(pictures[self._count % PICTURES], now_s, optical_frame(name)))

    def _feel(self) -> None:
        gripper = self._profile.gripper
        message = JointState(
            name=[*self._profile.arm_joints, *gripper.joints],
            position=[*self._profile.home_rad.tolist(), *(gripper.position_m(1.0) for _ in gripper.joints)],
        )
        message.header.stamp = stamp(self._now_s())
        self._joints.publish(message)

    def _paint(self) -> None:
        size, names = self._spec.view_size_px, self._spec.cameras
        views = np.stack([cv2.resize(self._pictures[name][self._count % PICTURES], (size, size)) for name in names])
        now_s = self._now_s()
        message = TargetImage(
            contract=self._spec.hash(),
            cameras=list(names),
            unchanged_s=[0.0] * len(names),
            horizon_s=self._spec.horizon_steps / self._spec.control_rate_hz,
            image=image_message(tile(views.astype(np.uint8)), now_s, ''),
        )
        message.header.stamp = stamp(now_s)
        self._target.publish(message)


def moving_pictures(seed: int) -> list[NDArray[np.uint8]]:
    """Return pictures (480, 640, 3) uint8 that shift, with soft shapes and some noise: a JPEG of about 60 kB each."""
    rng = np.random.default_rng(seed)
    width, height = SIZE_PX
    soft = cv2.resize(rng.integers(0, 256, (24, 32, 3), dtype=np.uint8), SIZE_PX, interpolation=cv2.INTER_CUBIC)
    noisy = np.clip(soft.astype(np.int16) + rng.normal(0.0, 5.0, (height, width, 3)).astype(np.int16), 0, 255)
    return [np.ascontiguousarray(np.roll(noisy.astype(np.uint8), 8 * i, axis=1)) for i in range(PICTURES)]


def main() -> NoReturn:
    """Run the node."""
    run(SourceNode)


if __name__ == '__main__':
    main()
