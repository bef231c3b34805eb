# SPDX-License-Identifier: Apache-2.0
"""Shows what the arm is about to do: the spheres at the end of the chunk, in 3D and over the camera views."""

from typing import NoReturn

from geometry_msgs.msg import Point
from numpy import linalg
from rclpy.node import Node
from sensor_msgs.msg import CameraInfo, Image
from std_msgs.msg import ColorRGBA
from tf2_msgs.msg import TFMessage
from trajectory_msgs.msg import JointTrajectory
from visualization_msgs.msg import Marker, MarkerArray

from genima.contract.spec import PolicySpec
from genima.contract.targets import shown_in
from genima.errors import GenimaError
from genima.robots.profile import RobotProfile
from genima.spheres.render import draw
from genima.spheres.scene import Sphere, target_scene
from genima_ros import qos
from genima_ros._run import run
from genima_ros.frames import FrameTree
from genima_ros.messages import camera_model, duration, image_array, image_message, seconds, stamp
from genima_ros.parameters import declare
from genima_ros.trajectories import chunk_from_message
from genima_ros.views import image_topic, info_topic

COMPLAINT_PERIOD_S = 5.0
MARKER_LIFE_S = 0.5


class OverlayNode(Node):
    """Draws at its own calm pace; nothing waits for it."""

    def __init__(self) -> None:
        super().__init__('overlay_node')
        policy = declare(self, 'policy', '', 'Policy directory; its contract says which spheres and cameras.')
        rate_hz = declare(self, 'rate_hz', 5.0, 'Overlays per second and camera [Hz].', between=(0.1, 30.0))
        self.spec = PolicySpec.load(policy)
        self.profile = RobotProfile.load(self.spec.robot)
        self._frames = FrameTree()
        self._images: dict[str, Image] = {}
        self._infos: dict[str, CameraInfo] = {}
        self._spheres: list[Sphere] = []
        self._spheres_s = float('-inf')
        self._markers = self.create_publisher(MarkerArray, 'markers', qos.RELIABLE)
        self._overlays = {name: self.create_publisher(Image, f'overlay/{name}', qos.COMMAND) for name in self.spec.cameras}
        self._listen()
        self.create_timer(1.0 / rate_hz, self._draw)

    def _listen(self) -> None:
        self.create_subscription(TFMessage, 'tf', self._frames.add, qos.SENSOR)
        self.create_subscription(TFMessage, 'tf_static', self._frames.add, qos.STATIC_FRAMES)
        self.create_subscription(JointTrajectory, 'action_chunk', self._on_chunk, qos.COMMAND)
        for name in self.spec.cameras:

            def on_image(message: Image, name: str = name) -> None:
                self._images[name] = message

            def on_info(message: CameraInfo, name: str = name) -> None:
                self._infos[name] = message

            self.create_subscription(Image, image_topic(name), on_image, qos.NEWEST)
            self.create_subscription(CameraInfo, info_topic(name), on_info, qos.NEWEST)

    def _on_chunk(self, message: JointTrajectory) -> None:
        try:
            chunk = chunk_from_message(message, self.profile)
        except GenimaError as error:
            self.get_logger().error(f'chunk not shown: {error}', throttle_duration_sec=COMPLAINT_PERIOD_S)
            return
        last = min(self.spec.horizon_steps, len(chunk.q_rad)) - 1
        self._spheres = target_scene(self.spec.spheres, self.profile, chunk.q_rad[last], chunk.gripper_open[last])
        self._spheres_s = chunk.stamp_s

    def _draw(self) -> None:
        now_s = 1e-9 * self.get_clock().now().nanoseconds
        if now_s - self._spheres_s > MARKER_LIFE_S:
            self._spheres = []  # an old intention must not look like the present one
        self._markers.publish(MarkerArray(markers=[self._marker(i, now_s) for i in range(len(self._spheres))]))
        for name in self.spec.cameras:
            try:
                self._draw_view(name)
            except GenimaError as error:
                self.get_logger().warning(f'no overlay: {error}', throttle_duration_sec=COMPLAINT_PERIOD_S)

    def _draw_view(self, name: str) -> None:
        image, info = self._images.pop(name, None), self._infos.get(name)
        if image is None or info is None:
            return
        pixels = image_array(image, image_topic(name))
        T_base_camera = self._frames.lookup(self.profile.base_link, image.header.frame_id)
        camera = camera_model(info, name, info_topic(name))
        drawn = draw(pixels, camera, linalg.inv(T_base_camera), shown_in(self.spec, name, self._spheres), self.spec.stripes)
        self._overlays[name].publish(image_message(drawn, seconds(image.header.stamp), image.header.frame_id))

    def _marker(self, index: int, now_s: float) -> Marker:
        sphere = self._spheres[index]
        marker = Marker(ns='target', id=index, type=Marker.SPHERE, action=Marker.ADD, lifetime=duration(MARKER_LIFE_S))
        marker.header.frame_id = self.profile.base_link
        marker.header.stamp = stamp(now_s)
        x, y, z = (float(value) for value in sphere.T_base_sphere[:3, 3])
        marker.pose.position = Point(x=x, y=y, z=z)
        marker.pose.orientation.w = 1.0
        marker.scale.x = marker.scale.y = marker.scale.z = 2.0 * sphere.radius_m
        red, green, blue = (float(value) / 255.0 for value in sphere.color_rgb)
        marker.color = ColorRGBA(r=red, g=green, b=blue, a=0.8)
        return marker


def main() -> NoReturn:
    """Run the node."""
    run(OverlayNode)


if __name__ == '__main__':
    main()
