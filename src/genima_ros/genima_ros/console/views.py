# SPDX-License-Identifier: Apache-2.0
"""Camera pictures, painted targets and intended spheres, from the graph to the browsers that look."""

import time
from collections.abc import Sequence
from functools import partial
from typing import Any

from rclpy.node import Node
from sensor_msgs.msg import CameraInfo

from genima.cameras.views import untile
from genima.contract.spec import PolicySpec
from genima.contract.targets import shown_in
from genima.errors import GenimaError
from genima.rig.rig import info_topic
from genima.robots.profile import RobotProfile
from genima.robots.transforms import inverse
from genima.spheres.scene import Sphere
from genima_msgs.msg import ActionChunk, TargetImage
from genima_ros.console.frames import FrameHub
from genima_ros.console.listener import Listener
from genima_ros.console.meters import Meter
from genima_ros.console.scene import MAX_AGE_S, circles, intended_spheres
from genima_ros.conversions.frames import FrameTree, refuse_frame
from genima_ros.conversions.images import declare_transport, image_array, image_stream
from genima_ros.conversions.messages import camera_model, seconds
from genima_ros.core import qos
from genima_ros.core.diagnostics import refuse


class ConsoleViews:
    """Listens to pictures while somebody looks at them.

    Args:
        node: that listens.
        frames: that encodes.
        cameras: names.
        profile: the robot.
        spec: contract of the policy; `None` where there is none, and so no spheres.
        reliable: ask for pictures to be sent again that were lost.
    """

    def __init__(
        self,
        node: Node,
        frames: FrameHub,
        cameras: Sequence[str],
        profile: RobotProfile,
        spec: PolicySpec | None,
        reliable: bool,
    ) -> None:
        self._node, self._frames, self._profile, self._spec = node, frames, profile, spec
        self.cameras = tuple(cameras)
        self.meters: dict[str, Meter] = {}
        self._transport = declare_transport(node)
        self._tree = FrameTree(partial(refuse_frame, node))
        self._infos: dict[str, CameraInfo] = {}
        self._optical: dict[str, str] = {}
        self._spheres: list[Sphere] = []
        self._spheres_s = float('-inf')
        self.listener = Listener(node)
        add = self.listener.add
        self.listener.add_frames(self._tree)
        add(TargetImage, 'target_image', self._on_target, qos.COMMAND)
        for name in self.cameras:
            quality = qos.NEWEST_RELIABLE if reliable else qos.NEWEST
            add(*image_stream(name, self._transport), partial(self._on_image, name), quality)
            add(CameraInfo, info_topic(name), partial(self._on_info, name), qos.NEWEST)

    def take_chunk(self, message: ActionChunk) -> None:
        """Take the newest chunk.

        Raises:
            ContractError: if it is of another robot.
        """
        if self._spec is not None:
            self._spheres = intended_spheres(message, self._spec, self._profile)
            self._spheres_s = seconds(message.header.stamp)

    def spheres(self, now_s: float) -> dict[str, list[dict[str, Any]]]:
        """Return the circles over each camera's picture; none of an intention that is old."""
        if self._spec is None or now_s - self._spheres_s > MAX_AGE_S:
            return {}
        found = {}
        for name in self.cameras:
            if name not in self._infos or name not in self._optical:
                continue
            try:
                camera = camera_model(self._infos[name], name, info_topic(name))
                T_base_camera = self._tree.lookup(self._profile.base_link, self._optical[name])
                found[name] = circles(shown_in(self._spec, name, self._spheres), camera, inverse(T_base_camera))
            except GenimaError as error:
                self.complain(f'view of {name}', f'no spheres over {name}: {error}')
        return found

    def complain(self, what: str, text: str) -> None:
        """Write a warning, not too often."""
        refuse(self._node, what, text)

    def _on_image(self, name: str, message: Any) -> None:
        stamp_s = seconds(message.header.stamp)
        self._hear(f'camera {name}', stamp_s)
        self._optical[name] = message.header.frame_id
        topic = image_stream(name, self._transport)[1]
        self._frames.offer(f'camera/{name}', stamp_s, lambda: image_array(message, topic))

    def _on_info(self, name: str, message: CameraInfo) -> None:
        self._infos[name] = message

    def _on_target(self, message: TargetImage) -> None:
        stamp_s = seconds(message.header.stamp)
        self._hear('target_image', stamp_s)
        names = list(message.cameras)
        for index, name in enumerate(names):

            def pixels(index: int = index) -> Any:
                return untile(image_array(message.image, 'target_image'), len(names))[index]

            self._frames.offer(f'target/{name}', stamp_s, pixels)

    def _hear(self, stream: str, stamp_s: float) -> None:
        now_s = 1e-9 * self._node.get_clock().now().nanoseconds
        self.meters.setdefault(stream, Meter()).hear(time.monotonic(), now_s, stamp_s)
