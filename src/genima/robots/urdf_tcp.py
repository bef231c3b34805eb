# SPDX-License-Identifier: Apache-2.0
"""Proposes a TCP between two fingers of a URDF that names none."""

import itertools
from collections.abc import Sequence

import numpy as np

from genima.errors import ProfileError
from genima.robots.transforms import rpy_matrix, transform
from genima.robots.urdf_arm import Finger
from genima.robots.urdf_reading import UrdfModel
from genima.robots.urdf_shapes import link_shapes

# so far behind the end of the fingers' boxes, or before their frames where there are none
PAD_M, FINGER_LENGTH_M = 0.010, 0.045


def between_fingers(model: UrdfModel, tip: str, fingers: Sequence[Finger]) -> list[float]:
    """Return x y z roll pitch yaw in the link `tip`: y where the first finger opens to, z away from the arm.

    Empty where the fingers do not hang on `tip`.
    """
    places, moves, ends = [], [], []
    for finger in fingers:
        try:
            way = model.path(tip, finger.joint.parent)
        except ProfileError:
            return []
        T = np.eye(4)
        for joint in (*way, finger.joint):
            T = T @ transform(joint.xyz, joint.rpy)
        places.append(T[:3, 3] + T[:3, :3] @ finger.joint.axis * finger.closed)
        moves.append(T[:3, :3] @ finger.joint.axis * finger.sense)
        ends += [T[:3, :3] @ corner + T[:3, 3] for corner in _corners(model, finger.joint.child)]
    y, out = moves[0], np.mean(places, axis=0)
    z = out - y * (y @ out)
    if np.linalg.norm(z) < 1e-3:  # the fingers are at the origin of the tip
        z = np.eye(3)[2 if abs(y[2]) < 0.9 else 0]
        z = z - y * (y @ z)
    z /= np.linalg.norm(z)
    R = np.stack([np.cross(y, z), y, z], axis=1)
    reach_m = max([float((end - out) @ z) for end in ends], default=0.0) - PAD_M
    middle = out + (reach_m if reach_m > 0 else FINGER_LENGTH_M) * z
    pitch = float(np.arcsin(np.clip(-R[2, 0], -1.0, 1.0)))
    roll, yaw = float(np.arctan2(R[2, 1], R[2, 2])), float(np.arctan2(R[1, 0], R[0, 0]))
    return [*(float(value) for value in middle.round(6)), roll, pitch, yaw]


def _corners(model: UrdfModel, name: str) -> list[np.ndarray]:
    """Return the corners of the boxes on a link, in the link, (3,) each."""
    shapes, _ = link_shapes(model, model.links[name], [], False)
    halves = [np.array(half) for half in itertools.product((-0.5, 0.5), repeat=3)]
    boxes = [
        (np.array(each['xyz']), rpy_matrix(np.array(each['rpy'])), each['size']) for each in shapes if each['kind'] == 'box'
    ]
    return [xyz + R @ (half * size) for xyz, R, size in boxes for half in halves]
