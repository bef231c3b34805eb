# SPDX-License-Identifier: Apache-2.0
"""What each topic of a recording said, kept apart; a message that cannot be used is counted and left out."""

import math
from dataclasses import replace
from typing import Any

import numpy as np

from genima.align.frames import FrameTrack
from genima.align.grid import stamp_seconds, to_seconds
from genima.align.joints import JointTrack
from genima.borders.texts import parse_json
from genima.cameras.info import camera_in
from genima.cameras.model import CameraModel
from genima.cameras.tree import PoseTree
from genima.chunks.plan import Chunk
from genima.convert.mcap import topics
from genima.errors import CalibrationError, DatasetError, GenimaError
from genima.recording.reader import RawMessage
from genima.recording.rosbag2 import Topic
from genima.recording.schemas import Schemas, header_stamp_ns
from genima.robots.profile import RobotProfile

HEADER_BYTES = 12  # of a stamped CDR message, up to the end of the stamp
_UNUSABLE = (GenimaError, AttributeError, TypeError, ValueError, IndexError, OverflowError)


class Channel:
    """One topic.

    Attributes:
        topic: Its name, type and definition.
        messages: How many came; `bad` could not be used, for `why` in case of the first one.
        unstamped: How many of these had the stamp 0.
        first_s: Stamp of the first message that has one, `heard_s` when it was received; `begin_s` and `end_s` the range of
            all stamps [s].
    """

    def __init__(self, topic: Topic) -> None:
        self.topic = topic
        self.messages = self.bad = self.unstamped = 0
        self.why = ''
        self.first_s = self.heard_s = math.nan
        self.begin_s, self.end_s = math.inf, -math.inf
        self._schemas = Schemas()

    @property
    def name(self) -> str:
        """Full name of the topic."""
        return self.topic.name

    def take(self, raw: RawMessage) -> None:
        """Take a message."""
        self.messages += 1
        try:
            self._take(raw)
        except _UNUSABLE as error:
            self.bad += 1
            self.why = self.why or str(error)

    def _take(self, raw: RawMessage) -> None:
        raise NotImplementedError

    def _decoded(self, raw: RawMessage) -> Any:
        self._schemas.add(raw.topic.kind, raw.topic.schema)
        return self._schemas.decode(raw.topic.kind, raw.data)

    def _stamp_s(self, raw: RawMessage) -> float:
        """Return the stamp of a message [s].

        Raises:
            DatasetError: if its driver left it at 0.
        """
        stamp_ns = header_stamp_ns(raw.data)
        if stamp_ns == 0 and raw.log_time_ns:
            self.unstamped += 1
            raise DatasetError('its stamp is 0')
        stamp_s = to_seconds(stamp_ns)
        if math.isnan(self.first_s):
            self.first_s, self.heard_s = stamp_s, to_seconds(raw.log_time_ns)
        self.begin_s, self.end_s = min(self.begin_s, stamp_s), max(self.end_s, stamp_s)
        return stamp_s


class Joints(Channel):
    """Positions of joints: `track`, and the `names` of all that were named."""

    def __init__(self, topic: Topic) -> None:
        super().__init__(topic)
        self.track = JointTrack()
        self.names: set[str] = set()

    def _take(self, raw: RawMessage) -> None:
        message = self._decoded(raw)
        self._add(raw, list(message.name), message.position)

    def _add(self, raw: RawMessage, names: list[str], positions: Any) -> None:
        self.names.update(names)
        self.track.add(names, positions, self._stamp_s(raw))


class Reference(Joints):
    """What a joint trajectory controller commands."""

    def _take(self, raw: RawMessage) -> None:
        message = self._decoded(raw)
        # control_msgs called it `desired` before it was `reference`
        point = message.reference if hasattr(message, 'reference') else message.desired
        self._add(raw, list(message.joint_names), point.positions)


class Images(Channel):
    """Frames by their stamps; the payload of a frame is its place in the bag."""

    def __init__(self, topic: Topic) -> None:
        super().__init__(topic)
        self.track = FrameTrack()

    def _take(self, raw: RawMessage) -> None:
        # what follows the stamp is equal if and only if frame, size, encoding and pixels are
        self.track.add(self._stamp_s(raw), raw.place, memoryview(raw.data)[HEADER_BYTES:])


class Infos(Channel):
    """The calibrations of a camera that differ, each with its optical frame; messages of an uncalibrated one are `bad`."""

    def __init__(self, topic: Topic) -> None:
        super().__init__(topic)
        self.found: list[tuple[CameraModel, str]] = []

    def _take(self, raw: RawMessage) -> None:
        message = self._decoded(raw)
        info = camera_in(message, 'camera'), str(message.header.frame_id)
        if info not in self.found[-2:]:
            self.found.append(info)

    def only(self, camera: str) -> tuple[CameraModel, str]:
        """Return the calibration and the optical frame.

        Raises:
            CalibrationError: if there is none, or several.
        """
        if not self.found:
            raise CalibrationError(f'camera {camera!r}: no message of {self.name} has a calibration: {self.why}')
        if len(self.found) > 1:
            raise CalibrationError(f'camera {camera!r}: its camera_info changes during the recording; record again with one')
        model, frame = self.found[0]
        return replace(model, name=camera), frame


class Openings(Channel):
    """Commands to the gripper: (time of reception [s], opening)."""

    def __init__(self, topic: Topic) -> None:
        super().__init__(topic)
        self.commands: list[tuple[float, float]] = []

    def _take(self, raw: RawMessage) -> None:
        opening = float(self._decoded(raw).data)
        if not math.isfinite(opening):
            raise DatasetError(f'an opening of {opening}')
        self.commands.append((to_seconds(raw.log_time_ns), opening))


class Chunks(Channel):
    """Chunks of a policy or a demonstrator."""

    def __init__(self, topic: Topic, profile: RobotProfile) -> None:
        super().__init__(topic)
        self.chunks: list[Chunk] = []
        self._profile = profile

    def _take(self, raw: RawMessage) -> None:
        self.chunks.append(chunk_of(self._decoded(raw), self._profile))


class Marks(Channel):
    """Events as the metadata of an episode list them."""

    def __init__(self, topic: Topic) -> None:
        super().__init__(topic)
        self.events: list[dict[str, Any]] = []

    def _take(self, raw: RawMessage) -> None:
        text = self._decoded(raw).data
        try:
            values = parse_json(text)
            kind, note = str(values['kind']), str(values.get('note', ''))
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
            raise DatasetError(f'{text[:80]!r} is no {{"kind": ..., "note": ...}} ({error})') from error
        self.events.append({'time_s': to_seconds(raw.log_time_ns), 'kind': kind, 'note': note})


class Transforms(Channel):
    """Frames of tf or tf_static."""

    def __init__(self, topic: Topic) -> None:
        super().__init__(topic)
        self.tree = PoseTree()

    def _take(self, raw: RawMessage) -> None:
        self.tree.add_transforms(self._decoded(raw).transforms)


def channel_for(topic: Topic, profile: RobotProfile) -> Channel | None:
    """Return what reads a topic; None if no episode needs it, or its messages have another type than its name needs.

    Joints, images and calibrations are read whatever they are called: a rig may say what they are.
    """
    anyhow = {kind: make for what, make in _ANY_NAME.items() for kind in topics.KINDS[what]}
    if topic.kind in anyhow:
        return anyhow[topic.kind](topic)
    meaning = topics.meaning(topic.name)
    if meaning is None or topic.kind not in topics.KINDS[meaning.what]:
        return None
    return Chunks(topic, profile) if meaning.what == 'action_chunk' else _BY_NAME[meaning.what](topic)


_ANY_NAME: dict[str, type[Joints | Images | Infos]] = {
    'joint_states': Joints,
    'image': Images,
    'compressed': Images,
    'camera_info': Infos,
}
_BY_NAME: dict[str, type[Reference | Openings | Marks | Transforms]] = {
    'controller_state': Reference,
    'gripper_command': Openings,
    'events': Marks,
    'tf': Transforms,
    'tf_static': Transforms,
}


def chunk_of(message: Any, profile: RobotProfile) -> Chunk:
    """Return the chunk of a trajectory message; without the gripper's joint its openings are not known (NaN).

    Raises:
        DatasetError: if a joint of the arm is missing, or the points are not evenly spaced in time.
    """
    names, gripper = list(message.joint_names), profile.gripper
    missing = [name for name in profile.arm_joints if name not in names]
    times_s = [stamp_seconds(each.time_from_start.sec, each.time_from_start.nanosec) for each in message.points]
    even = len(times_s) and times_s[0] > 0 and np.allclose(np.diff(times_s, prepend=0.0), times_s[0], atol=1e-6)
    if missing or not even:
        raise DatasetError(f'action_chunk: joints {names}, points at {times_s} s; it needs the arm, evenly from one step on')
    positions = np.array([each.positions for each in message.points], dtype=np.float64)
    openings = np.full(len(positions), np.nan)
    if gripper.is_there and gripper.joints[0] in names:
        openings = np.array([gripper.opening(each) for each in positions[:, names.index(gripper.joints[0])]])
    arm = positions[:, [names.index(name) for name in profile.arm_joints]]
    return Chunk(topics.stamp_s(message), times_s[0], arm, openings)
