# SPDX-License-Identifier: Apache-2.0
"""The newest tree of frames, as tf describes it: enough to place cameras, with no dependency."""

import warnings
from collections.abc import Collection, Iterable, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from genima.errors import CalibrationError

MAX_DEPTH = 64
NORM_TOLERANCE = 0.01  # of a quaternion's squared norm, as in tf2's buffer_core.cpp

_Edge = tuple[str, NDArray[np.float64]]


def transform_matrix(message: Any) -> NDArray[np.float64]:
    """Return a geometry_msgs/TransformStamped as a (4, 4) matrix that maps child coordinates to parent coordinates.

    Args:
        message: from any library that has the fields of the message.

    Raises:
        CalibrationError: if it is not finite, or its quaternion is no rotation.
    """
    shift, turn = message.transform.translation, message.transform.rotation
    numbers = np.array([shift.x, shift.y, shift.z, turn.x, turn.y, turn.z, turn.w], dtype=np.float64)
    child = message.child_frame_id
    if not np.isfinite(numbers).all():
        raise CalibrationError(f'tf of {child!r} is not finite: {numbers.tolist()}')
    if abs(float(numbers[3:] @ numbers[3:]) - 1.0) > NORM_TOLERANCE:
        raise CalibrationError(f'tf of {child!r} is not finite or no rotation: quaternion {numbers[3:].tolist()}')
    matrix = np.eye(4)
    matrix[:3, :3] = Rotation.from_quat(numbers[3:]).as_matrix()
    matrix[:3, 3] = numbers[:3]
    return matrix


class PoseTree:
    """Knows each frame's newest pose in its parent.

    What tf2 would not take (no rotation, not finite, a frame in itself) is left out with one warning per child frame. A
    slash before the name of a frame, as ROS 1 had it, is taken off.
    """

    def __init__(self) -> None:
        self._edges: dict[str, _Edge] = {}
        self._first: dict[str, _Edge] = {}
        self._refused: dict[str, str] = {}

    def __contains__(self, child: str) -> bool:
        """Return whether the pose of this frame in a parent is known."""
        return _plain(child) in self._edges

    def add_transforms(self, transforms: Iterable[Any]) -> None:
        """Take geometry_msgs/TransformStamped messages; they replace what was known of their children."""
        for transform in transforms:
            child, parent = _plain(transform.child_frame_id), _plain(transform.header.frame_id)
            try:
                if not child or not parent or child == parent:
                    raise CalibrationError(f'tf of {child!r} in {parent!r}: a frame needs another one as its parent')
                edge = parent, transform_matrix(transform)
            except CalibrationError as error:
                self._refuse(child, str(error))
                continue
            self._edges[child] = edge
            self._first.setdefault(child, edge)

    def begun(self) -> 'PoseTree':
        """Return the tree with each frame's first pose in place of its newest."""
        tree = PoseTree()
        tree._edges, tree._first, tree._refused = dict(self._first), dict(self._first), self._refused
        return tree

    def update(self, other: 'PoseTree') -> None:
        """Take everything that another tree knows; it replaces what was known of the same frames."""
        self._edges |= other._edges
        self._first |= other._first
        self._refused |= other._refused

    def lookup(self, target: str, source: str) -> NDArray[np.float64]:
        """Return T_target_source, shape (4, 4).

        Raises:
            CalibrationError: if the two frames are not connected.
        """
        root_target, T_root_target = self.to_root(target)
        root_source, T_root_source = self.to_root(source)
        if root_target != root_source:
            raise self._unconnected(_plain(source), repr(_plain(target)), root_source, root_target)
        return np.linalg.inv(T_root_target) @ T_root_source

    def carrier(self, frame: str, links: Collection[str]) -> tuple[str, NDArray[np.float64]]:
        """Return the robot link that carries a frame, the first on its way to the root, and T_link_frame (4, 4).

        Where the camera and the robot hang on a common frame, `world` for example, it is the link next to that frame.

        Raises:
            CalibrationError: if nothing connects the frame and the robot.
        """
        frame, known = _plain(frame), {_plain(link): link for link in links}
        for above, T_above_frame in self._way_up(frame):
            if above in known:
                return known[above], T_above_frame
        root, T_root_frame = self.to_root(frame)
        for link in known:
            if link in self._edges and not any(above in known for above, _ in list(self._way_up(link))[1:]):
                root_link, T_root_link = self.to_root(link)
                if root_link == root:
                    return known[link], np.linalg.inv(T_root_link) @ T_root_frame
        raise self._unconnected(frame, 'the robot', root, *known)

    def knows(self, frame: str) -> bool:
        """Return whether a frame was heard of, as a child or as a parent."""
        frame = _plain(frame)
        return frame in self._edges or any(parent == frame for parent, _ in self._edges.values())

    def parent(self, child: str) -> str | None:
        """Return the parent of a frame, None where it has none."""
        edge = self._edges.get(_plain(child))
        return edge[0] if edge else None

    def to_root(self, frame: str) -> tuple[str, NDArray[np.float64]]:
        """Return the root of the tree that a frame is in, itself if it has no parent, and T_root_frame (4, 4).

        Raises:
            CalibrationError: if the frames form a loop.
        """
        *_, last = self._way_up(_plain(frame))
        return last

    def _way_up(self, frame: str) -> Iterator[_Edge]:
        """Yield a frame, its parent and so on up to the root, each with T_it_frame (4, 4)."""
        matrix = np.eye(4)
        for _ in range(MAX_DEPTH):
            yield frame, matrix
            if frame not in self._edges:
                return
            frame, T_parent_frame = self._edges[frame]
            matrix = T_parent_frame @ matrix
        raise CalibrationError(f'tf has a loop at frame {frame!r}')

    def _refuse(self, child: str, reason: str) -> None:
        if child not in self._refused:
            self._refused[child] = reason
            warnings.warn(f'{reason}; it is left out', UserWarning, stacklevel=3)

    def _unconnected(self, frame: str, target: str, *ends: str) -> CalibrationError:
        """Return why there is no way: a transform that was refused, or nobody published one."""
        for end in (frame, *ends):
            if end in self._refused and end not in self._edges:
                return CalibrationError(f'{self._refused[end]}; it is needed, correct what publishes it')
        return CalibrationError(f'tf does not connect {frame!r} to {target}; publish the calibration of the camera')


def _plain(frame: str) -> str:
    return frame.lstrip('/')
