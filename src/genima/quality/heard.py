# SPDX-License-Identifier: Apache-2.0
"""What a recording holds, read once from beginning to end: times of the sensors, joints, pictures, calibrations."""

import json
import re
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from genima.align.joints import JointTrack
from genima.cameras.model import CameraModel
from genima.errors import CalibrationError
from genima.quality.images import Look, Looker
from genima.recording.reader import Bag, BagMessage

Floats = NDArray[np.float64]

JOINT_STATES = '/joint_states'
_CAMERA = re.compile(r'/cameras/([^/]+)/(image_raw|image_raw/compressed|camera_info)')
_CHANNELS = {'rgb8': 3, 'bgr8': 3, 'rgba8': 4, 'bgra8': 4, 'mono8': 1}


@dataclass
class Heard:
    """A recording in figures.

    Attributes:
        damage: Sentences on what could not be read.
        provenance: What the recorder wrote at the beginning of the file.
        counts: Messages by topic.
        stamps_s: Header stamps by topic, of cameras, joints and the controller; `received_s` likewise.
        joints: Measured positions; `reference` commanded ones.
        gripper_commands: Openings that were commanded.
        looks: What each camera showed; `sizes` (width, height) [px], and its topic in `image_topics`.
        calibrations: By camera; a sentence where it is none.
    """

    damage: list[str] = field(default_factory=list)
    provenance: dict[str, Any] = field(default_factory=dict)
    counts: Counter[str] = field(default_factory=Counter)
    stamps_s: dict[str, Floats] = field(default_factory=dict)
    received_s: dict[str, Floats] = field(default_factory=dict)
    joints: JointTrack = field(default_factory=JointTrack)
    reference: JointTrack = field(default_factory=JointTrack)
    gripper_commands: list[float] = field(default_factory=list)
    looks: dict[str, Look] = field(default_factory=dict)
    sizes: dict[str, tuple[int, int]] = field(default_factory=dict)
    image_topics: dict[str, str] = field(default_factory=dict)
    calibrations: dict[str, CameraModel | str] = field(default_factory=dict)

    def joints_at(self, times_s: Floats) -> Floats:
        """Return positions of all joints heard of, (T, n); nothing moves where none was."""
        names = self.joints.names
        return self.joints.at(names, times_s, np.inf) if names else np.zeros((len(times_s), 1))


def camera_of(topic: str) -> str | None:
    """Return the camera that a topic belongs to."""
    match = _CAMERA.fullmatch(topic)
    return match[1] if match else None


def listen(folder: Path) -> Heard:
    """Read a recording.

    Raises:
        DatasetError: if there is no MCAP file, or a message does not fit its definition.
    """
    bag = Bag(folder)
    listener = _Listener()
    for message in bag.messages():
        listener.take(message)
    listener.heard.damage += bag.damage
    listener.heard.provenance = _json(bag.about.get('provenance', '{}'))
    return listener.finished()


class _Listener:
    """Sorts the messages of one recording."""

    def __init__(self) -> None:
        self.heard = Heard()
        self._times: dict[str, list[tuple[float, float]]] = {}
        self._lookers: dict[str, Looker] = {}

    def take(self, item: BagMessage) -> None:
        """Take one message."""
        heard = self.heard
        heard.counts[item.topic] += 1
        camera = camera_of(item.topic)
        if camera is not None:
            self._time(item)
            self._take_camera(camera, item)
        elif item.topic == JOINT_STATES:
            stamp_s = self._time(item)
            heard.joints.add(item.message.name, item.message.position, stamp_s)
        elif item.topic.endswith('/controller_state') and hasattr(item.message, 'reference'):
            stamp_s = self._time(item)
            heard.reference.add(item.message.joint_names, item.message.reference.positions, stamp_s)
        elif item.topic == '/gripper/command':
            heard.gripper_commands.append(float(item.message.data))

    def finished(self) -> Heard:
        """Return what was heard, after the last message."""
        for topic, pairs in self._times.items():
            self.heard.stamps_s[topic], self.heard.received_s[topic] = np.array(pairs).T
        self.heard.looks = {camera: looker.look() for camera, looker in self._lookers.items()}
        return self.heard

    def _time(self, item: BagMessage) -> float:
        stamp = item.message.header.stamp
        stamp_s = stamp.sec + 1e-9 * stamp.nanosec
        self._times.setdefault(item.topic, []).append((stamp_s, 1e-9 * item.log_time_ns))
        return float(stamp_s)

    def _take_camera(self, camera: str, item: BagMessage) -> None:
        message = item.message
        if item.topic.endswith('/camera_info'):
            if camera not in self.heard.calibrations:
                self.heard.calibrations[camera] = _calibration(camera, message)
            return
        frame = _picture(message)
        if frame is None:
            self.heard.damage.append(f'a picture of {camera} cannot be decoded')
            frame = np.zeros((1, 1, 3), dtype=np.uint8)
        self.heard.image_topics[camera] = item.topic
        self.heard.sizes.setdefault(camera, (frame.shape[1], frame.shape[0]))
        self._lookers.setdefault(camera, Looker()).add(frame)


def _picture(message: Any) -> np.ndarray | None:
    """Return the pixels (H, W, 3) of an Image or a CompressedImage in any order of colours, None where there are none."""
    data = np.asarray(message.data, dtype=np.uint8)
    if not hasattr(message, 'encoding'):
        decoded = cv2.imdecode(data, cv2.IMREAD_COLOR) if data.size else None
        return None if decoded is None else np.asarray(decoded, dtype=np.uint8)
    channels = _CHANNELS.get(message.encoding)
    if channels is None or data.size != message.height * message.step or message.step < message.width * channels:
        return None
    rows = data.reshape(message.height, message.step)[:, : message.width * channels]
    return np.resize(rows.reshape(message.height, message.width, channels)[..., :3], (message.height, message.width, 3))


def _calibration(camera: str, info: Any) -> CameraModel | str:
    try:
        return CameraModel.from_camera_info(info.width, info.height, info.distortion_model, info.k, info.d, camera)
    except CalibrationError as error:
        return str(error)


def _json(text: str) -> dict[str, Any]:
    try:
        values = json.loads(text)
    except ValueError:
        return {}
    return values if isinstance(values, dict) else {}
