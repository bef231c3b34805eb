# SPDX-License-Identifier: Apache-2.0
"""The newest tree of frames, as tf describes it: enough to place cameras, with no dependency."""

from collections.abc import Collection, Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from genima.errors import CalibrationError

MAX_DEPTH = 64


def transform_matrix(message: Any) -> NDArray[np.float64]:
    """Return a geometry_msgs/TransformStamped as a (4, 4) matrix that maps child coordinates to parent coordinates.

    Args:
        message: from any library that has the fields of the message.
    """
    shift, turn = message.transform.translation, message.transform.rotation
    matrix = np.eye(4)
    matrix[:3, :3] = Rotation.from_quat([turn.x, turn.y, turn.z, turn.w]).as_matrix()
    matrix[:3, 3] = shift.x, shift.y, shift.z
    return matrix


class PoseTree:
    """Knows each frame's newest pose in its parent."""

    def __init__(self) -> None:
        self._edges: dict[str, tuple[str, NDArray[np.float64]]] = {}

    def __contains__(self, child: str) -> bool:
        """Return whether the pose of this frame in a parent is known."""
        return child in self._edges

    def add_transforms(self, transforms: Iterable[Any]) -> None:
        """Take geometry_msgs/TransformStamped messages; they replace what was known of their children."""
        for transform in transforms:
            self._edges[transform.child_frame_id] = (transform.header.frame_id, transform_matrix(transform))

    def lookup(self, target: str, source: str) -> NDArray[np.float64]:
        """Return T_target_source, shape (4, 4).

        Raises:
            CalibrationError: if the two frames are not connected.
        """
        root_target, T_root_target = self.to_root(target)
        root_source, T_root_source = self.to_root(source)
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

    def knows(self, frame: str) -> bool:
        """Return whether a frame was heard of, as a child or as a parent."""
        return frame in self._edges or any(parent == frame for parent, _ in self._edges.values())

    def parent(self, child: str) -> str | None:
        """Return the parent of a frame, None where it has none."""
        return self._edges[child][0] if child in self._edges else None

    def to_root(self, frame: str) -> tuple[str, NDArray[np.float64]]:
        """Return the root of the tree that a frame is in, itself if it has no parent, and T_root_frame (4, 4).

        Raises:
            CalibrationError: if the frames form a loop.
        """
        matrix = np.eye(4)
        for _ in range(MAX_DEPTH):
            if frame not in self._edges:
                return frame, matrix
            frame, T_parent_frame = self._edges[frame]
            matrix = T_parent_frame @ matrix
        raise CalibrationError(f'tf has a loop at frame {frame!r}')
