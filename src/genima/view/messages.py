# SPDX-License-Identifier: Apache-2.0
"""Messages of the graph as a scene: of a recording, or of nodes that run."""

import contextlib
import math
import re
from typing import Any

import numpy as np

from genima.align.joints import JointTrack, opening_joint, openings
from genima.cameras.info import camera_in
from genima.cameras.model import CameraModel
from genima.cameras.pixels import compressed_pixels, raw_pixels
from genima.cameras.tree import PoseTree
from genima.convert.mcap import topics
from genima.convert.mcap.channels import chunk_of
from genima.errors import CalibrationError
from genima.robots.kinematics import link_poses
from genima.view.scene import Scene

POSES_HZ, FRAMES_HZ = 30.0, 10.0  # nobody sees more
KEEP_S = 1.0
_OTHERS = {'guard': r'guard/status', 'target': r'target_image/image'}


def what(topic: str) -> str | None:
    """Return what a topic means to a scene: 'joint_states', 'image', 'guard' and so on; None if it shows none of it."""
    meaning = topics.meaning(topic)
    if meaning is not None:
        return meaning.what if meaning.what in _TAKES else None
    return next((kind for kind, pattern in _OTHERS.items() if re.fullmatch(f'(?:.*/)?{pattern}', topic)), None)


class MessageScene:
    """Takes messages from any library that has their fields, in the order in which they come.

    Args:
        scene: shows them.
        image_hz: most pictures per second and camera [Hz].
    """

    def __init__(self, scene: Scene, image_hz: float) -> None:
        self._scene = scene
        self._tree = PoseTree()
        self._track = JointTrack(KEEP_S)
        self._infos: dict[str, CameraModel] = {}
        self._periods_s = {'pose': 1.0 / POSES_HZ, 'frames': 1.0 / FRAMES_HZ}
        self._image_period_s = 1.0 / image_hz
        self._shown_s: dict[str, float] = {}

    def take(self, topic: str, message: Any, heard_s: float) -> None:
        """Show a message, if a scene shows what it is.

        Args:
            topic: full or relative name.
            message: of its type.
            heard_s: when it came; used where it has no stamp [s, ROS time].

        Raises:
            GenimaError: if it cannot be read.
        """
        kind = what(topic)
        if kind is not None:
            stamp_s = topics.stamp_s(message) if hasattr(message, 'header') else 0.0
            _TAKES[kind](self, topic, message, stamp_s or heard_s)

    def _joints(self, topic: str, message: Any, time_s: float) -> None:
        self._track.add(message.name, message.position, time_s)
        q_rad = self._q_rad()
        if q_rad is not None and self._due('pose', time_s, self._periods_s['pose']):
            self._scene.joints(time_s, q_rad, self._opening())

    def _frames(self, topic: str, message: Any, time_s: float) -> None:
        self._tree.add_transforms(message.transforms)
        links = self._scene.profile.link_by_name
        for transform in message.transforms:
            name = transform.child_frame_id
            if name in links or not self._due(f'tf/{name}', time_s, self._periods_s['frames']):
                continue
            with contextlib.suppress(CalibrationError):  # not connected to the robot, or not yet
                self._scene.frame(time_s, name, *self._tree.carrier(name, links))

    def _info(self, topic: str, message: Any, time_s: float) -> None:
        meaning = topics.meaning(topic)
        assert meaning is not None
        self._infos[meaning.camera] = camera_in(message, meaning.camera)

    def _image(self, topic: str, message: Any, time_s: float) -> None:
        meaning = topics.meaning(topic)
        assert meaning is not None
        camera = self._infos.get(meaning.camera)
        if camera is None or not self._due(f'cameras/{meaning.camera}', time_s, self._image_period_s):
            return
        read = compressed_pixels if meaning.what == 'compressed' else raw_pixels
        self._scene.picture(time_s, camera, self._place(message.header.frame_id), read(message, topic))

    def _target(self, topic: str, message: Any, time_s: float) -> None:
        if self._due('target', time_s, self._image_period_s):
            self._scene.target(time_s, raw_pixels(message, topic))

    def _chunk(self, topic: str, message: Any, time_s: float) -> None:
        self._scene.chunk(chunk_of(message, self._scene.profile))

    def _guard(self, topic: str, message: Any, time_s: float) -> None:
        self._scene.guard(time_s, message.state, list(message.reasons))

    def _due(self, name: str, time_s: float, period_s: float) -> bool:
        """Return whether something is to be shown again; a clock that was set back begins anew."""
        since_s = time_s - self._shown_s.get(name, -math.inf)
        if 0.0 <= since_s < 0.99 * period_s:
            return False
        self._shown_s[name] = time_s
        return True

    def _q_rad(self) -> np.ndarray | None:
        newest = [self._track.newest(name) for name in self._scene.profile.arm_joints]
        return np.array([reading[1] for reading in newest if reading is not None]) if all(newest) else None

    def _opening(self) -> float:
        if not self._scene.profile.gripper.is_there:
            return 1.0
        joint, closed, opened = opening_joint(self._scene.profile.gripper, self._track.names)
        reading = self._track.newest(joint)
        return 1.0 if reading is None else float(openings(reading[1], closed, opened))

    def _place(self, frame: str) -> np.ndarray | None:
        """Return T_base_frame (4, 4) by tf up to the first link, and by the joints from there; None if not known yet."""
        try:
            link, T_link_frame = self._tree.carrier(frame, self._scene.profile.link_by_name)
        except CalibrationError:
            return None
        q_rad = self._q_rad()
        if link == self._scene.profile.base_link:
            return T_link_frame
        return None if q_rad is None else link_poses(self._scene.profile, q_rad, self._opening())[link] @ T_link_frame


_TAKES = {
    'joint_states': MessageScene._joints,
    'tf': MessageScene._frames,
    'tf_static': MessageScene._frames,
    'camera_info': MessageScene._info,
    'image': MessageScene._image,
    'compressed': MessageScene._image,
    'action_chunk': MessageScene._chunk,
    'guard': MessageScene._guard,
    'target': MessageScene._target,
}
