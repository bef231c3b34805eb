# SPDX-License-Identifier: Apache-2.0
"""The first reading of a recording: every stream by its stamps, the calibration, and the marks; no picture is kept."""

import json
import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from genima.align.demonstration import Streams
from genima.align.frames import FrameTrack
from genima.align.grid import stamp_seconds, to_seconds
from genima.cameras.model import CameraModel, MountedCamera
from genima.cameras.tree import PoseTree
from genima.chunks.plan import Chunk
from genima.convert.mcap import topics
from genima.errors import CalibrationError, DatasetError
from genima.recording.reader import Bag, RawMessage
from genima.recording.schemas import Schemas, header_stamp_ns
from genima.robots.profile import RobotProfile

HEADER_BYTES = 12  # of a stamped CDR message, up to the end of the stamp
MOVED_M = 1e-4  # a mount that moves by more during a recording is no mount


class Survey:
    """What a recording holds.

    Args:
        profile: the robot.
        offsets_s: latencies of the cameras that have one [s].

    Attributes:
        streams: by stamps; the payload of a frame is its place in the bag.
        image_topics: topic of each camera's pictures.
        events: marks as the metadata of an episode lists them.
    """

    def __init__(self, profile: RobotProfile, offsets_s: Mapping[str, float]) -> None:
        self.streams = Streams(profile)
        self.image_topics: dict[str, str] = {}
        self.events: list[dict[str, Any]] = []
        self._offsets_s = dict(offsets_s)
        self._schemas = Schemas()
        self._infos: dict[str, tuple[CameraModel, str]] = {}
        self._first_tree, self._last_tree = PoseTree(), PoseTree()

    def read(self, bag: Bag) -> None:
        """Take everything in a bag, once.

        Raises:
            DatasetError: if it is damaged, or a message cannot be used; says what to do.
        """
        for raw in bag.raw():
            meaning = topics.meaning(raw.topic.name)
            if meaning is not None:
                self._take(raw, meaning)
        if bag.damage:
            raise DatasetError(f'{"; ".join(bag.damage)}: repair the recording first')
        unknown = sorted(set(self._offsets_s) - set(self.image_topics))
        if unknown:
            known = ', '.join(self.image_topics) or 'none'
            raise DatasetError(f'a latency is given for {", ".join(unknown)}; recorded cameras: {known}')
        self._settle()

    def cameras(self) -> dict[str, MountedCamera]:
        """Return intrinsics and mounting of every camera with pictures.

        Raises:
            CalibrationError: if one is missing, or a camera moved on its link meanwhile; names the camera.
        """
        return {name: self._camera(name) for name in self.image_topics}

    def _camera(self, name: str) -> MountedCamera:
        if name not in self._infos:
            raise CalibrationError(f'camera {name!r}: its camera_info was not recorded; record cameras/{name}/camera_info')
        model, frame = self._infos[name]
        links = self.streams.profile.link_by_name
        try:
            link, T_link_camera = self._last_tree.carrier(frame, links)
            first_link, T_first = self._first_tree.carrier(frame, links)
        except CalibrationError as error:
            raise CalibrationError(f'camera {name!r}: {error}') from error
        if link != first_link or not np.allclose(T_link_camera, T_first, atol=MOVED_M):
            raise CalibrationError(
                f'camera {name!r} moved on {link} during the recording; record again with one calibration'
            )
        return MountedCamera(model, link, T_link_camera)

    def _take(self, raw: RawMessage, meaning: topics.Meaning) -> None:
        what, heard_s = meaning.what, to_seconds(raw.log_time_ns)
        if what in topics.IMAGES:
            self._take_image(raw, meaning.camera)
            return
        self._schemas.add(raw.topic.kind, raw.topic.schema)
        message = self._schemas.decode(raw.topic.kind, raw.data)
        if what == 'joint_states':
            self.streams.joints.add(message.name, message.position, topics.stamp_s(message))
        elif what == 'controller_state':
            self.streams.reference.add(message.joint_names, message.reference.positions, topics.stamp_s(message))
        elif what == 'gripper_command':
            self.streams.gripper_commands.append((heard_s, float(message.data)))
        elif what == 'action_chunk':
            self.streams.chunks.append(chunk_of(message, self.streams.profile))
        elif what == 'events':
            kind, note = _mark(message.data)
            self.events.append({'time_s': heard_s, 'kind': kind, 'note': note})
        elif what == 'camera_info':
            self._take_info(meaning.camera, message)
        else:
            self._last_tree.add_transforms(message.transforms)
            new = [each for each in message.transforms if each.child_frame_id not in self._first_tree]
            self._first_tree.add_transforms(new)

    def _take_image(self, raw: RawMessage, camera: str) -> None:
        if self.image_topics.setdefault(camera, raw.topic.name) != raw.topic.name:
            return  # recorded raw and compressed: one of them is enough
        tracks = self.streams.cameras
        if camera not in tracks:
            tracks[camera] = FrameTrack(self._offsets_s.get(camera, 0.0))
        # what follows the stamp is equal if and only if frame, size, encoding and pixels are
        stamp_s, content = to_seconds(header_stamp_ns(raw.data)), memoryview(raw.data)[HEADER_BYTES:]
        tracks[camera].add(stamp_s, raw.place, content)

    def _take_info(self, camera: str, message: Any) -> None:
        info = topics.camera_model(message, camera), message.header.frame_id
        if self._infos.setdefault(camera, info) != info:
            raise CalibrationError(f'camera {camera!r}: its camera_info changes during the recording; record again with one')

    def _settle(self) -> None:
        """Bring what may have come in another order into that of its times."""
        self.streams.chunks.sort(key=lambda chunk: chunk.stamp_s)
        self.streams.gripper_commands.sort(key=lambda command: command[0])
        self.events.sort(key=lambda event: float(event['time_s']))
        begun_s: float | None = None
        for event in self.events:
            if event['kind'] == 'ignore_begin' and begun_s is None:
                begun_s = event['time_s']
            elif event['kind'] == 'ignore_end' and begun_s is not None:
                self.streams.ignored.append((begun_s, event['time_s']))
                begun_s = None
        if begun_s is not None:
            self.streams.ignored.append((begun_s, math.inf))


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


def _mark(text: str) -> tuple[str, str]:
    try:
        values = json.loads(text)
        return str(values['kind']), str(values.get('note', ''))
    except (ValueError, TypeError, KeyError) as error:
        raise DatasetError(f'episode_events: {text!r} is no {{"kind": ..., "note": ...}} ({error})') from error
