# SPDX-License-Identifier: Apache-2.0
"""Frames as messages of tf, and the tree that tf and tf_static describe."""

from collections.abc import Callable, Collection, Sequence
from functools import partial
from typing import Any

import numpy as np
from builtin_interfaces.msg import Time as Stamp
from geometry_msgs.msg import Point, Pose, Quaternion, TransformStamped, Vector3
from numpy.typing import NDArray
from rclpy.node import Node
from rclpy.time import Time
from tf2_ros import Buffer, TransformException, TransformListener
from tf_transformations import quaternion_from_matrix, quaternion_matrix

from genima.cameras.tree import PoseTree
from genima.errors import CalibrationError
from genima_ros.conversions.messages import stamp
from genima_ros.core.diagnostics import health

UNIT_TOLERANCE = 0.01  # |q|^2 - 1 beyond which tf2 ignores a transform (QUATERNION_NORMALIZATION_TOLERANCE)
MAX_DEPTH = 64
MOST_FRAMES = 1000


def optical_frame(camera: str) -> str:
    """Return the optical frame of a camera (REP 103: z forward, x right, y down)."""
    return f'{camera}_optical_frame'


def transform_messages(
    edges: Sequence[tuple[str, str, NDArray[np.float64]]], when: float | Stamp
) -> list[TransformStamped]:
    """Return transforms as messages; each edge is (parent, child, T_parent_child (4, 4))."""
    messages = []
    for parent, child, matrix in edges:
        message = TransformStamped(child_frame_id=child)
        message.header.frame_id = parent
        message.header.stamp = stamp(when)
        x, y, z = matrix[:3, 3].tolist()
        message.transform.translation = Vector3(x=x, y=y, z=z)
        message.transform.rotation = _quaternion(matrix)
        messages.append(message)
    return messages


def pose_message(T_frame_object: NDArray[np.float64]) -> Pose:
    """Return a (4, 4) pose as a message."""
    x, y, z = T_frame_object[:3, 3].tolist()
    return Pose(position=Point(x=x, y=y, z=z), orientation=_quaternion(T_frame_object))


def transform_matrix(message: TransformStamped) -> NDArray[np.float64]:
    """Return a transform as a (4, 4) matrix that maps child coordinates to parent coordinates."""
    shift, turn = message.transform.translation, message.transform.rotation
    matrix: NDArray[np.float64] = quaternion_matrix([turn.x, turn.y, turn.z, turn.w])
    matrix[:3, 3] = shift.x, shift.y, shift.z
    return matrix


def _quaternion(matrix: NDArray[np.float64]) -> Quaternion:
    x, y, z, w = (float(value) for value in quaternion_from_matrix(matrix))
    return Quaternion(x=x, y=y, z=z, w=w)


class FrameTree(Buffer):
    """tf2's buffer, whose lookups answer in matrices and in words. It is fed by a `TransformListener`.

    tf2 ignores what is no transform and logs that each time; here it is said once for each frame, and remembered.

    Args:
        warn: is told about each frame whose transform is ignored.
        heard: is told child and parent of each transform that is not.
    """

    def __init__(
        self,
        warn: Callable[[str], None] = lambda text: None,
        heard: Callable[[str, str], None] = lambda child, parent: None,
    ) -> None:
        super().__init__()
        self._warn, self._heard = warn, heard
        self._parents: dict[str, str] = {}
        self._ignored: dict[str, str] = {}
        self._said_full = False

    def set_transform(self, transform: Any, authority: str) -> None:
        """Take a transform that changes."""
        if self._accept(transform):
            super().set_transform(transform, authority)

    def set_transform_static(self, transform: Any, authority: str) -> None:
        """Take a transform that stays."""
        if self._accept(transform):
            super().set_transform_static(transform, authority)

    @property
    def ignored(self) -> dict[str, str]:
        """Frames of which a transform was ignored, and why."""
        return dict(self._ignored)

    def lookup(self, target: str, source: str) -> NDArray[np.float64]:
        """Return T_target_source, shape (4, 4), of the newest moment at which both are known.

        Raises:
            CalibrationError: if the two frames are not connected, or no transform of one of them was finite.
        """
        target, source = target.lstrip('/'), source.lstrip('/')
        if target == source:
            return np.eye(4)
        for frame in (target, source):
            self._root(frame)
        try:
            return transform_matrix(self.lookup_transform(target, source, Time()))
        except TransformException as error:
            raise CalibrationError(
                f'tf does not connect {source!r} to {target!r} ({error}); publish the calibration of the camera'
            ) from error

    def carrier(self, frame: str, links: Collection[str]) -> tuple[str, NDArray[np.float64]]:
        """Return the robot link that carries a frame, the first on its way to the root, and T_link_frame (4, 4).

        Raises:
            CalibrationError: if no link of the robot is on that way.
        """
        self._root(frame.lstrip('/'))
        link: str | None = frame.lstrip('/')
        while link is not None and link not in links:
            link = self._parents.get(link)
        if link is None:
            raise CalibrationError(f'tf does not connect {frame!r} to the robot; publish the calibration of the camera')
        return link, self.lookup(link, frame)

    def snapshot(self) -> PoseTree:
        """Return what is known now, as the library's tree."""
        tree = PoseTree()
        for child, parent in list(self._parents.items()):
            tree.add_transforms([self.lookup_transform(parent, child, Time())])
        return tree

    def _root(self, frame: str) -> str:
        """Return the root above a frame.

        Raises:
            CalibrationError: if nothing but ignored transforms is known of it, or the frames form a loop.
        """
        start = frame
        for _ in range(MAX_DEPTH):
            if frame not in self._parents:
                break
            frame = self._parents[frame]
        else:
            raise CalibrationError(f'tf has a loop at frame {start!r}')
        if frame in self._ignored:
            raise CalibrationError(f'tf of {frame} {self._ignored[frame]}; look at what publishes it')
        return frame

    def _accept(self, transform: Any) -> bool:
        child, parent = transform.child_frame_id.lstrip('/'), transform.header.frame_id.lstrip('/')
        reason = _fault(transform, child, parent)
        if child not in self._parents and child not in self._ignored and self._is_full():
            return False
        if reason is None:
            self._parents[child] = parent
            self._heard(child, parent)
        elif child not in self._ignored:
            self._ignored[child] = reason
            self._warn(f'tf of {child} {reason}: such transforms are ignored')
        return reason is None

    def _is_full(self) -> bool:
        full = len(self._parents) + len(self._ignored) >= MOST_FRAMES
        if full and not self._said_full:
            self._warn(f'tf has more than {MOST_FRAMES} frames: new ones are ignored; who makes them up?')
        self._said_full |= full
        return full


def _fault(transform: Any, child: str, parent: str) -> str | None:
    """Return in words why tf2 ignores a transform; None for one that it takes."""
    p, q = transform.transform.translation, transform.transform.rotation
    shift, turn = np.array([p.x, p.y, p.z]), np.array([q.x, q.y, q.z, q.w])
    if not child or not parent or child == parent:
        return f'has the parent {parent!r}'
    if not (np.isfinite(shift).all() and np.isfinite(turn).all()):
        return 'is not finite'
    if abs(float(turn @ turn) - 1.0) > UNIT_TOLERANCE:
        return f'is not finite: its quaternion {" ".join(f"{value:g}" for value in turn)} is no rotation'
    return None


def refuse_frame(node: Node, text: str) -> None:
    """Write into the node's log, and count, that transforms of a frame are ignored; it is said once for each frame."""
    health(node).count('frame', text)
    node.get_logger().warning(text)


def listen_to_frames(node: Node) -> FrameTree:
    """Return a tree that follows /tf and /tf_static."""
    tree = FrameTree(partial(refuse_frame, node))
    TransformListener(tree, node)  # its subscriptions belong to the node
    return tree
