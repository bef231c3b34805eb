# SPDX-License-Identifier: Apache-2.0
"""The part of tf_transformations that nodes use. Quaternions are x y z w; Euler angles roll, pitch, yaw about fixed axes."""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.spatial.transform import Rotation

AXES = 'sxyz'


def quaternion_from_euler(ai: float, aj: float, ak: float, axes: str = AXES) -> NDArray[np.float64]:
    """Return the quaternion (4,) of Euler angles [rad]."""
    _require_axes(axes)
    return np.asarray(Rotation.from_euler('xyz', [ai, aj, ak]).as_quat())


def euler_from_quaternion(quaternion: ArrayLike, axes: str = AXES) -> tuple[float, float, float]:
    """Return the Euler angles [rad] of a quaternion (4,)."""
    _require_axes(axes)
    roll, pitch, yaw = Rotation.from_quat(quaternion).as_euler('xyz').tolist()
    return roll, pitch, yaw


def quaternion_matrix(quaternion: ArrayLike) -> NDArray[np.float64]:
    """Return the homogeneous matrix (4, 4) of a quaternion (4,)."""
    matrix = np.eye(4)
    matrix[:3, :3] = Rotation.from_quat(quaternion).as_matrix()
    return matrix


def quaternion_from_matrix(matrix: Any) -> NDArray[np.float64]:
    """Return the quaternion (4,) of a homogeneous matrix (4, 4)."""
    return np.asarray(Rotation.from_matrix(np.asarray(matrix)[:3, :3]).as_quat())


def _require_axes(axes: Any) -> None:
    if axes != AXES:
        raise NotImplementedError(f'rosless: tf_transformations has the axes {AXES!r} only, got {axes!r}')
