# SPDX-License-Identifier: Apache-2.0
"""The camera views of a policy, as its nodes listen to them: newest synchronised set, prepared as the contract says."""

import time
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rclpy.clock import Clock, ClockType
from rclpy.node import Node
from sensor_msgs.msg import CameraInfo

from genima.align.latency import read_offsets
from genima.contract.preprocessor import Preprocessor
from genima.contract.spec import PolicySpec
from genima.errors import GenimaError
from genima.rig.rig import info_topic
from genima_ros.conversions.images import declare_transport, image_stream
from genima_ros.core import qos
from genima_ros.core.diagnostics import refuse
from genima_ros.core.parameters import declare
from genima_ros.inputs.views import ImageSet, ViewBuffer, prepare

SILENT_S = 2.0  # a camera that sends nothing for longer is complained about
MAX_AHEAD_S = 0.05


class ViewInputs:
    """Subscribes to the cameras of a contract and tells of a missing one.

    Args:
        node: that listens; the parameters are declared on it.
        spec: the contract.
        use: what the views are for, in complaints: painting, say.
    """

    def __init__(self, node: Node, spec: PolicySpec, use: str) -> None:
        skew_s = declare(node, 'max_skew_s', 0.05, 'Largest time between the views of one set [s].', between=(0.0, 1.0))
        latency = declare(node, 'camera_latency', '', 'File of `genima latency --json`, taken off the stamps; empty: none.')
        self._max_age_s = declare(node, 'max_age_s', 0.5, 'Views older than this are not used [s].', between=(0.01, 10.0))
        reliable = declare(node, 'reliable_images', False, 'Ask the cameras to repeat lost images (reliable QoS).')
        self._node, self._use, self._transport = node, use, declare_transport(node)
        self._profile = qos.NEWEST_RELIABLE if reliable else qos.NEWEST
        self._preprocessor = Preprocessor(spec)
        self._buffer = ViewBuffer(spec.cameras, skew_s, read_offsets(latency) if latency else {})

    def listen(self, on_image: Callable[[], None] = lambda: None) -> None:
        """Begin; `on_image` is called after every image, when `newest` may have changed."""
        for camera in self._buffer.cameras:

            def on_frame(message: Any, camera: str = camera) -> None:
                self._buffer.add_image(camera, message, time.monotonic())
                on_image()

            def on_info(message: CameraInfo, camera: str = camera) -> None:
                self._buffer.add_info(camera, message)

            self._node.create_subscription(*image_stream(camera, self._transport), on_frame, self._profile)
            self._node.create_subscription(CameraInfo, info_topic(camera), on_info, qos.NEWEST)
        self._node.create_timer(1.0, self._complain, clock=Clock(clock_type=ClockType.STEADY_TIME))

    def newest(self) -> ImageSet | None:
        """Return the newest set; None while there is none, or it is of the future."""
        images = self._buffer.newest()
        ahead_s = 0.0 if images is None else images.stamp_s - self._now_s()
        if ahead_s > MAX_AHEAD_S:
            text = f'not {self._use}: views are stamped {ahead_s:.2f} s in the future; are the clocks in step?'
            refuse(self._node, 'stamp', text, severe=True)
            return None
        return images

    def prepare(self, images: ImageSet) -> NDArray[np.uint8]:
        """Return the views (V, S, S, 3) uint8 of a set.

        Raises:
            GenimaError: if it is too old, or a camera cannot be used.
        """
        age_s = self._now_s() - images.stamp_s
        if age_s > self._max_age_s:
            raise GenimaError(
                f'the newest views are {age_s:.3f} s old, allowed {self._max_age_s:.3f} s; are the clocks in step?'
            )
        return prepare(images, self._preprocessor)

    def _complain(self) -> None:
        for line in self._buffer.complaints(time.monotonic(), SILENT_S):
            refuse(self._node, 'silence', f'not {self._use}: {line}', severe=True)

    def _now_s(self) -> float:
        return 1e-9 * self._node.get_clock().now().nanoseconds
