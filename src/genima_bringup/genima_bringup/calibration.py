# SPDX-License-Identifier: Apache-2.0
"""Listens to one camera and the joints: for `genima calibrate ... --live`. It commands nothing."""

import time
from collections import deque

import numpy as np
from genima_ros.conversions.images import image_array
from genima_ros.conversions.messages import seconds
from genima_ros.core import qos
from genima_ros.core.caps import keep
from numpy.typing import NDArray
from sensor_msgs.msg import Image, JointState

from genima.errors import CalibrationError
from genima.rig.rig import image_topic
from genima_bringup.client_node import ClientNode

STILL_S = 0.6
STILL_RAD = 0.001
SPIN_S = 0.05
SILENT_S = 2.0


class CalibrationListener(ClientNode):
    """A visitor of a graph. Use it as a context manager.

    Args:
        camera: Name of the camera; its topic is `cameras/<name>/image_raw`.
    """

    def __init__(self, camera: str) -> None:
        super().__init__('genima_calibrate', use_sim_time=False)
        self.camera = camera
        self._image: Image | None = None
        self._heard_s = 0.0  # on the clock of time.monotonic
        self._positions: dict[str, float] = {}
        self._past: deque[tuple[float, dict[str, float]]] = deque()
        self._node.create_subscription(Image, image_topic(camera), self._on_image, qos.NEWEST)
        self._node.create_subscription(JointState, 'joint_states', self._on_joints, qos.SENSOR)

    def spin(self, duration_s: float = SPIN_S) -> None:
        """Listen for a moment."""
        end_s = time.monotonic() + duration_s
        while time.monotonic() < end_s:
            self._executor.spin_once(timeout_sec=SPIN_S)

    def wait(self, with_joints: bool, timeout_s: float) -> None:
        """Wait for a picture, and for joints where they are wanted.

        Raises:
            CalibrationError: if none came in time; names the topic.
        """
        end_s = time.monotonic() + timeout_s
        while self._image is None or (with_joints and not self._positions):
            if time.monotonic() > end_s:
                topic = image_topic(self.camera) if self._image is None else 'joint_states'
                raise CalibrationError(
                    f'nothing on {topic} within {timeout_s:.0f} s; is its driver running, on this network?'
                )
            self.spin()

    def picture(self) -> NDArray[np.uint8]:
        """Return the newest picture, RGB (height, width, 3).

        Raises:
            CalibrationError: if the camera has fallen silent.
        """
        silent_s = time.monotonic() - self._heard_s
        if self._image is None or silent_s > SILENT_S:
            raise CalibrationError(f'{image_topic(self.camera)}: silent for {silent_s:.1f} s; what was taken is kept')
        return image_array(self._image, image_topic(self.camera))

    def joints(self) -> dict[str, float]:
        """Return the newest joint positions by name [rad]."""
        return dict(self._positions)

    def is_still(self) -> bool:
        """Return whether the joints have not moved for a while, and the newest picture is from that time."""
        if not self._past or self._image is None or self._past[-1][0] - self._past[0][0] < 0.8 * STILL_S:
            return False
        if seconds(self._image.header.stamp) < self._past[0][0]:
            return False
        now = self._past[-1][1]
        return all(abs(now[name] - q) < STILL_RAD for _, then in self._past for name, q in then.items() if name in now)

    def _on_image(self, message: Image) -> None:
        self._image, self._heard_s = message, time.monotonic()

    def _on_joints(self, message: JointState) -> None:
        stamp_s = seconds(message.header.stamp)
        for name, position in zip(message.name, message.position, strict=False):
            keep(self._positions, name, position)
        if self._past and stamp_s < self._past[-1][0]:
            self._past.clear()  # the clock was set, or a simulation began again
        self._past.append((stamp_s, dict(self._positions)))
        while self._past[-1][0] - self._past[0][0] > STILL_S:
            self._past.popleft()
