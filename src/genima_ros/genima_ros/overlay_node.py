# SPDX-License-Identifier: Apache-2.0
"""Shows what the arm is about to do: spheres and path of the chunk, and the guard, as markers; spheres over the views."""

from typing import Any, NoReturn

import numpy as np
from numpy import linalg
from sensor_msgs.msg import CameraInfo, Image
from visualization_msgs.msg import MarkerArray

from genima.contract.spec import PolicySpec
from genima.contract.targets import shown_in
from genima.errors import GenimaError
from genima.rig.rig import info_topic
from genima.robots.kinematics import tcp_pose
from genima.robots.profile import RobotProfile
from genima.spheres.render import draw
from genima.spheres.scene import Sphere, target_scene
from genima_msgs.msg import ActionChunk, GuardStatus
from genima_ros.conversions.frames import listen_to_frames
from genima_ros.conversions.images import declare_transport, image_array, image_message, image_stream
from genima_ros.conversions.markers import LIFE_S, guard_marker, path_markers, sphere_markers
from genima_ros.conversions.messages import camera_model
from genima_ros.conversions.trajectories import chunk_from_message
from genima_ros.core import qos
from genima_ros.core.diagnostics import refuse
from genima_ros.core.parameters import declare
from genima_ros.core.run import run
from genima_ros.core.sturdy import SturdyNode


class OverlayNode(SturdyNode):
    """Draws at its own calm pace; nothing waits for it."""

    def __init__(self) -> None:
        super().__init__('overlay_node')
        policy = declare(self, 'policy', '', 'Policy directory; its contract says which spheres and cameras.')
        robot = declare(self, 'robot', '', 'Robot profile (name or file); empty: the one that the policy names.')
        rate_hz = declare(self, 'rate_hz', 5.0, 'Overlays per second and camera [Hz].', between=(0.1, 30.0))
        self._transport = declare_transport(self)
        self.spec = PolicySpec.load(policy)
        self.profile = RobotProfile.load(robot or self.spec.robot)
        self.spec.check_robot(self.profile)
        self._frames = listen_to_frames(self)
        self._images: dict[str, Any] = {}
        self._infos: dict[str, CameraInfo] = {}
        self._spheres: list[Sphere] = []
        self._path_m = np.zeros((0, 3))
        self._chunk_s = float('-inf')
        self._guard: GuardStatus | None = None
        self._markers = self.create_publisher(MarkerArray, 'markers', qos.RELIABLE)
        self._overlays = {name: self.create_publisher(Image, f'overlay/{name}', qos.COMMAND) for name in self.spec.cameras}
        self._listen()
        self.create_timer(1.0 / rate_hz, self._draw)

    def _listen(self) -> None:
        self.create_subscription(ActionChunk, 'action_chunk', self._on_chunk, qos.COMMAND)
        self.create_subscription(GuardStatus, 'guard/status', self._on_guard, qos.LATCHED)
        for name in self.spec.cameras:

            def on_image(message: Any, name: str = name) -> None:
                self._images[name] = message

            def on_info(message: CameraInfo, name: str = name) -> None:
                self._infos[name] = message

            self.create_subscription(*image_stream(name, self._transport), on_image, qos.NEWEST)
            self.create_subscription(CameraInfo, info_topic(name), on_info, qos.NEWEST)

    def _on_chunk(self, message: ActionChunk) -> None:
        try:
            chunk = chunk_from_message(message, self.profile)
        except GenimaError as error:
            refuse(self, 'chunk', f'chunk not shown: {error}', severe=True)
            return
        last = min(self.spec.horizon_steps, len(chunk.q_rad)) - 1
        self._spheres = target_scene(self.spec.spheres, self.profile, chunk.q_rad[last], chunk.gripper_open[last])
        self._path_m = tcp_pose(self.profile, chunk.q_rad)[:, :3, 3]
        self._chunk_s = chunk.stamp_s

    def _on_guard(self, message: GuardStatus) -> None:
        self._guard = message

    def _draw(self) -> None:
        now_s, base = 1e-9 * self.get_clock().now().nanoseconds, self.profile.base_link
        if now_s - self._chunk_s > LIFE_S:  # an old intention must not look like the present one
            self._spheres, self._path_m = [], np.zeros((0, 3))
        markers = [*sphere_markers(self._spheres, base, now_s), *path_markers(self._path_m, base, now_s)]
        self._markers.publish(MarkerArray(markers=[*markers, guard_marker(self._guard, base, now_s)]))
        for name in self.spec.cameras:
            try:
                self._draw_view(name)
            except GenimaError as error:
                refuse(self, f'view of {name}', f'no overlay: {error}')

    def _draw_view(self, name: str) -> None:
        image, info = self._images.pop(name, None), self._infos.get(name)
        if image is None or info is None:
            return
        pixels = image_array(image, image_stream(name, self._transport)[1])
        T_base_camera = self._frames.lookup(self.profile.base_link, image.header.frame_id)
        camera = camera_model(info, name, info_topic(name))
        drawn = draw(pixels, camera, linalg.inv(T_base_camera), shown_in(self.spec, name, self._spheres), self.spec.stripes)
        self._overlays[name].publish(image_message(drawn, image.header.stamp, image.header.frame_id))


def main() -> NoReturn:
    """Run the node."""
    run(OverlayNode)


if __name__ == '__main__':
    main()
