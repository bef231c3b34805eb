# SPDX-License-Identifier: Apache-2.0
"""What a recording holds, read once from beginning to end: times of the sensors, joints, pictures, calibrations."""

import re
import warnings
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from genima.align.joints import JointTrack
from genima.borders.texts import parse_json
from genima.cameras.info import camera_in
from genima.cameras.model import CameraModel
from genima.cameras.pixels import compressed_pixels, raw_pixels
from genima.errors import CalibrationError, GenimaError
from genima.quality.images import Look, Looker
from genima.recording.reader import Bag, BagMessage
from genima.rig.rig import Rig

Floats = NDArray[np.float64]

JOINT_STATES = '/joint_states'
_CAMERA = re.compile(r'/cameras/([^/]+)/(image_raw|image_raw/compressed|camera_info)')
_STATE = re.compile(r'/[^/]+/controller_state')


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
        DatasetError: if there is no file of a bag, or it cannot be unpacked.
    """
    bag = Bag(folder)
    listener = _Listener()
    next(bag.raw(), None)  # then it is known what the recorder wrote at the beginning of the file
    provenance = _json(bag.about.get('provenance', '{}'))
    ours, namespace = _our_names(provenance), _namespace(bag, provenance)
    odd: dict[str, str] = {}
    for message in bag.messages():
        name = ours.get(message.topic) or message.topic
        if namespace and name.startswith(f'{namespace}/'):
            name = name.removeprefix(namespace)
        try:
            listener.take(message._replace(topic=name))
        except (AttributeError, TypeError, ValueError) as error:
            odd.setdefault(message.topic, f'{message.topic}, a {message.kind}, is not what its name says: {error}')
    listener.heard.damage += [*bag.damage, *odd.values()]
    for text in bag.left_out.values():
        warnings.warn(f'{folder}: {text}; it is left out', UserWarning, stacklevel=2)
    listener.heard.provenance = provenance
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
        elif _STATE.fullmatch(item.topic) and hasattr(item.message, 'joint_names'):
            point = getattr(item.message, 'reference', None) or getattr(item.message, 'desired', None)
            if point is not None:
                heard.reference.add(item.message.joint_names, point.positions, self._time(item))
        elif item.topic == '/gripper/command' and item.kind == 'std_msgs/msg/Float64':
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
            if not isinstance(self.heard.calibrations.get(camera), CameraModel):  # a driver may begin uncalibrated
                self.heard.calibrations[camera] = _calibration(camera, message)
            return
        try:
            frame = (raw_pixels if hasattr(message, 'encoding') else compressed_pixels)(message, item.topic)
        except GenimaError as error:
            self.heard.damage.append(f'a picture of {camera} cannot be decoded: {error}')
            frame = np.zeros((1, 1, 3), dtype=np.uint8)
        self.heard.image_topics[camera] = item.topic
        self.heard.sizes.setdefault(camera, (frame.shape[1], frame.shape[0]))
        self._lookers.setdefault(camera, Looker()).add(frame)


def _our_names(provenance: dict[str, Any]) -> dict[str, str]:
    """Return the topics of a lab to our own names, by the rig with which an episode was recorded."""
    if not provenance.get('rig'):
        return {}
    rig = Rig.from_dict(provenance['rig'], 'the rig in the recording')
    return {f'/{theirs.lstrip("/")}': f'/{ours}' for ours, theirs in rig.remappings().items()}


def _namespace(bag: Bag, provenance: dict[str, Any]) -> str:
    """Return the namespace of the robot, '/cell1' or '': that of the recorder, else that of the only joint states."""
    said = provenance.get('namespace')
    if isinstance(said, str):
        return f'/{said.strip("/")}'.rstrip('/')
    topics = {item.topic.name for item in bag.raw()}
    spaces = {name.removesuffix(JOINT_STATES) for name in topics if name.endswith(JOINT_STATES)}
    return spaces.pop() if len(spaces) == 1 else ''


def _calibration(camera: str, info: Any) -> CameraModel | str:
    try:
        return camera_in(info, camera)
    except CalibrationError as error:
        return str(error)


def _json(text: str) -> dict[str, Any]:
    try:
        values = parse_json(text)
    except ValueError:
        return {}
    return values if isinstance(values, dict) else {}
