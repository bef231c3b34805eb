# SPDX-License-Identifier: Apache-2.0
"""Frames as messages of tf, and the tree that tf and tf_static describe."""

from collections.abc import Sequence

import numpy as np
from geometry_msgs.msg import Point, Pose, Quaternion, TransformStamped, Vector3
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation
from tf2_msgs.msg import TFMessage

from genima.cameras.tree import PoseTree
from genima_ros.messages import stamp


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


class FrameTree(PoseTree):
    """Knows each frame's newest pose in its parent from tf and tf_static."""

    def add(self, message: TFMessage) -> None:
        """Take one message of tf or tf_static."""
        self.add_transforms(message.transforms)
