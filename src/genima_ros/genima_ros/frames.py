# SPDX-License-Identifier: Apache-2.0
"""The newest tree of frames from tf and tf_static: enough to place cameras, with no dependency."""

from collections.abc import Collection, Sequence

import numpy as np
from geometry_msgs.msg import Point, Pose, Quaternion, TransformStamped, Vector3
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation
from tf2_msgs.msg import TFMessage

from genima.errors import CalibrationError
from genima_ros.messages import stamp

MAX_DEPTH = 64


def optical_frame(camera: str) -> str:
    """Return the optical frame of a camera (REP 103: z forward, x right, y down)."""
    return f'{camera}_optical_frame'


def transform_messages(edges: Sequence[tuple[str, str, NDArray[np.float64]]], time_s: float) -> list[TransformStamped]:
    """Return transforms as messages; each edge is (parent, child, T_parent_child (4, 4))."""
    turns = Rotation.from_matrix([matrix[:3, :3] for _, _, matrix in edges]).as_quat().tolist()
    messages = []
    for (parent, child, matrix), (x, y, z, w) in zip(edges, turns, strict=True):
        message = TransformStamped(child_frame_id=child)
        message.header.frame_id = parent
        message.header.stamp = stamp(time_s)
        message.transform.translation = Vector3(**dict(zip('xyz', matrix[:3, 3].tolist(), strict=True)))
        message.transform.rotation = Quaternion(x=x, y=y, z=z, w=w)
        messages.append(message)
    return messages


def pose_message(T_frame_object: NDArray[np.float64]) -> Pose:
    """Return a (4, 4) pose as a message."""
    x, y, z, w = Rotation.from_matrix(T_frame_object[:3, :3]).as_quat().tolist()
    position = Point(**dict(zip('xyz', T_frame_object[:3, 3].tolist(), strict=True)))
    return Pose(position=position, orientation=Quaternion(x=x, y=y, z=z, w=w))


def transform_matrix(message: TransformStamped) -> NDArray[np.float64]:
    """Return a transform message as a (4, 4) matrix that maps child coordinates to parent coordinates."""
    shift, turn = message.transform.translation, message.transform.rotation
    matrix = np.eye(4)
    matrix[:3, :3] = Rotation.from_quat([turn.x, turn.y, turn.z, turn.w]).as_matrix()
    matrix[:3, 3] = shift.x, shift.y, shift.z
    return matrix


class FrameTree:
    """Knows each frame's newest pose in its parent."""

    def __init__(self) -> None:
        self._edges: dict[str, tuple[str, NDArray[np.float64]]] = {}

    def add(self, message: TFMessage) -> None:
        """Take one message of tf or tf_static."""
        for transform in message.transforms:
            self._edges[transform.child_frame_id] = (transform.header.frame_id, transform_matrix(transform))

    def lookup(self, target: str, source: str) -> NDArray[np.float64]:
        """Return T_target_source, shape (4, 4).

        Raises:
            CalibrationError: if the two frames are not connected.
        """
        root_target, T_root_target = self._to_root(target)
        root_source, T_root_source = self._to_root(source)
        if root_target != root_source:
            raise CalibrationError(f'tf does not connect {source!r} to {target!r}; publish the calibration of the camera')
        return np.linalg.inv(T_root_target) @ T_root_source

    def carrier(self, frame: str, links: Collection[str]) -> tuple[str, NDArray[np.float64]]:
        """Return the robot link that carries a frame, the first on its way to the root, and T_link_frame (4, 4).

        Raises:
            CalibrationError: if no link of the robot is on that way.
        """
        start, matrix = frame, np.eye(4)
        for _ in range(MAX_DEPTH):
            if frame in links:
                return frame, matrix
            if frame not in self._edges:
                raise CalibrationError(f'tf does not connect {start!r} to the robot; publish the calibration of the camera')
            frame, T_parent_frame = self._edges[frame]
            matrix = T_parent_frame @ matrix
        raise CalibrationError(f'tf has a loop at frame {frame!r}')

    def _to_root(self, frame: str) -> tuple[str, NDArray[np.float64]]:
        matrix = np.eye(4)
        for _ in range(MAX_DEPTH):
            if frame not in self._edges:
                return frame, matrix
            frame, T_parent_frame = self._edges[frame]
            matrix = T_parent_frame @ matrix
        raise CalibrationError(f'tf has a loop at frame {frame!r}')
