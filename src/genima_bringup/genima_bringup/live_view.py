# SPDX-License-Identifier: Apache-2.0
"""Shows a graph that runs, by its topics; it hears everything and says nothing."""

import contextlib
import time
from collections.abc import Sequence
from functools import partial
from typing import Any

from genima_ros.core import qos
from rclpy.executors import ExternalShutdownException
from sensor_msgs.msg import CameraInfo, Image, JointState
from tf2_msgs.msg import TFMessage

from genima.errors import GenimaError
from genima.rig.rig import image_topic, info_topic
from genima.view.messages import MessageScene
from genima_bringup.client_node import ClientNode
from genima_msgs.msg import ActionChunk, GuardStatus

SPIN_S = 0.1
COMPLAINT_PERIOD_S = 5.0


class LiveView(ClientNode):
    """Hands what the nodes say to a scene. Use it as a context manager.

    Args:
        scene: that shows it.
        cameras: to show.
    """

    def __init__(self, scene: MessageScene, cameras: Sequence[str]) -> None:
        super().__init__('genima_view', use_sim_time=False)
        self._scene = scene
        self.heard = 0
        self._stamp_s = 0.0
        topics: list[tuple[str, Any, Any]] = [
            ('joint_states', JointState, qos.SENSOR),
            # as messages, not by a buffer: the scene takes those of recordings in the same way, and leaves out bad ones
            ('tf', TFMessage, qos.SENSOR),
            ('tf_static', TFMessage, qos.STATIC_FRAMES),
            ('action_chunk', ActionChunk, qos.COMMAND),
            ('guard/status', GuardStatus, qos.LATCHED),
            ('target_image/image', Image, qos.NEWEST),
        ]
        topics += [(image_topic(name), Image, qos.NEWEST) for name in cameras]
        topics += [(info_topic(name), CameraInfo, qos.NEWEST) for name in cameras]
        for topic, kind, quality in topics:
            self._node.create_subscription(kind, topic, partial(self._take, topic), quality)

    def run(self, seconds: float | None) -> None:
        """Show for so long [s, wall time], or until a signal ends it."""
        end_s = time.monotonic() + seconds if seconds is not None else float('inf')
        with contextlib.suppress(ExternalShutdownException):
            while time.monotonic() < end_s:
                self._executor.spin_once(timeout_sec=SPIN_S)

    def _take(self, topic: str, message: Any) -> None:
        self.heard += 1
        if hasattr(message, 'header'):
            self._stamp_s = message.header.stamp.sec + 1e-9 * message.header.stamp.nanosec
        try:
            # messages without a stamp belong to the newest one that has one: simulated time needs no clock so
            self._scene.take(topic, message, self._stamp_s)
        except GenimaError as error:
            self._node.get_logger().warning(f'not shown: {error}', throttle_duration_sec=COMPLAINT_PERIOD_S)
