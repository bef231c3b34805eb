# SPDX-License-Identifier: Apache-2.0
"""Listens to a running graph and tells what is there: `genima rig detect`."""

import time
from dataclasses import dataclass, field
from typing import Any

from genima_ros.core import qos
from sensor_msgs.msg import CameraInfo, CompressedImage, Image, JointState
from tf2_msgs.msg import TFMessage

from genima.rig.graph import CAMERA_INFO, COMPRESSED, IMAGE, JOINT_STATE, TF, Graph, Heard
from genima_bringup.client_node import ClientNode

DISCOVERY_S = 1.5
SPIN_S = 0.02
KINDS = {IMAGE: Image, COMPRESSED: CompressedImage, CAMERA_INFO: CameraInfo, JOINT_STATE: JointState}


@dataclass
class _Ear:
    """What one subscription took."""

    kind: str
    times_s: list[float] = field(default_factory=list)
    newest: Any = None
    joints: dict[str, None] = field(default_factory=dict)

    def take(self, message: Any) -> None:
        self.times_s.append(time.monotonic())
        self.newest = message
        if self.kind == JOINT_STATE:
            self.joints.update(dict.fromkeys(message.name))

    def heard(self, publishers: int) -> Heard:
        span_s = self.times_s[-1] - self.times_s[0] if len(self.times_s) > 1 else 0.0
        rate_hz = (len(self.times_s) - 1) / span_s if span_s > 0 else 0.0
        if self.newest is None:
            return Heard(self.kind, publishers)
        sized = self.kind in (IMAGE, CAMERA_INFO)
        size_px = (int(self.newest.width), int(self.newest.height)) if sized else (0, 0)
        encoding = self.newest.encoding if self.kind == IMAGE else ''
        calibrated = self.kind == CAMERA_INFO and self.newest.k[0] > 0
        frame = self.newest.header.frame_id
        return Heard(self.kind, publishers, rate_hz, frame, size_px, encoding, calibrated, tuple(self.joints))


class RigDetector(ClientNode):
    """A visitor of a graph that commands nothing. Use it as a context manager."""

    def __init__(self) -> None:
        super().__init__('genima_rig_detect', use_sim_time=False)
        self._ears: dict[str, _Ear] = {}
        self._parents: dict[str, str] = {}

    def listen(self, listen_s: float) -> Graph:
        """Listen for `listen_s` seconds, after a moment in which the graph is discovered."""
        self._spin(DISCOVERY_S)
        kinds = {name: types[0] for name, types in self._node.get_topic_names_and_types() if types}
        for name, kind in kinds.items():
            if kind == TF:
                static = name.endswith('tf_static')
                reliability = qos.STATIC_FRAMES if static else qos.SENSOR
                self._node.create_subscription(TFMessage, name, self._on_frames, reliability)
            elif kind in KINDS and not self._is_double(name, kind, kinds):
                ear = self._ears[name] = _Ear(kind)
                self._node.create_subscription(KINDS[kind], name, ear.take, qos.SENSOR)
        self._spin(listen_s)
        heard = {name: ear.heard(self._node.count_publishers(name)) for name, ear in self._ears.items()}
        silent = {name: Heard(kind, self._node.count_publishers(name)) for name, kind in kinds.items()}
        return Graph({**silent, **heard}, self._parents)

    @staticmethod
    def _is_double(name: str, kind: str, kinds: dict[str, str]) -> bool:
        """Return whether a compressed topic carries the images of a raw one that is listened to."""
        return kind == COMPRESSED and kinds.get(name.removesuffix('/compressed')) == IMAGE

    def _on_frames(self, message: TFMessage) -> None:
        for transform in message.transforms:
            self._parents[transform.child_frame_id.lstrip('/')] = transform.header.frame_id.lstrip('/')

    def _spin(self, duration_s: float) -> None:
        end_s = time.monotonic() + duration_s
        while time.monotonic() < end_s:
            self._executor.spin_once(timeout_sec=SPIN_S)
