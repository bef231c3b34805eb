# SPDX-License-Identifier: Apache-2.0
"""Rotations and rigid transforms, batched where it matters."""

import math

import numpy as np


def axis_generators(axis: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return K (3, 3) with K @ v = axis x v, and K @ K, for Rodrigues' formula."""
    x, y, z = axis
    K = np.array([[0.0, -z, y], [z, 0.0, -x], [-y, x, 0.0]])
    return K, K @ K


def rotation_about(generators: tuple[np.ndarray, np.ndarray], angle_rad: np.ndarray | float) -> np.ndarray:
    """Rodrigues' formula: rotation matrices (..., 3, 3) for angles (...)."""
    K, K2 = generators
    angle = np.asarray(angle_rad)[..., None, None]
    return np.eye(3) + np.sin(angle) * K + (1.0 - np.cos(angle)) * K2


def rpy_matrix(rpy: np.ndarray) -> np.ndarray:
    """Rotation of URDF's roll, pitch, yaw (fixed axes x, y, z), (3, 3)."""
    roll, pitch, yaw = rpy
    cr, sr, cp, sp, cy, sy = (f(a) for a in (roll, pitch, yaw) for f in (math.cos, math.sin))
    return np.array(
        [
            [cy * cp, cy * sp * sr - sy * cr, cy * sp * cr + sy * sr],
            [sy * cp, sy * sp * sr + cy * cr, sy * sp * cr - cy * sr],
            [-sp, cp * sr, cp * cr],
        ]
    )


def transform(xyz: np.ndarray, rpy: np.ndarray) -> np.ndarray:
    """Rigid transform (4, 4) from a translation and roll, pitch, yaw."""
    T = np.eye(4)
    T[:3, :3] = rpy_matrix(rpy)
    T[:3, 3] = xyz
    return T


def inverse(T: np.ndarray) -> np.ndarray:
    """Inverse of rigid transforms (..., 4, 4)."""
    R_inv = np.swapaxes(T[..., :3, :3], -1, -2)
    result = np.zeros_like(T)
    result[..., :3, :3] = R_inv
    result[..., :3, 3] = -np.einsum('...ij,...j->...i', R_inv, T[..., :3, 3])
    result[..., 3, 3] = 1.0
    return result


def rotation_vector(R: np.ndarray) -> np.ndarray:
    """Axis times angle (3,) of one rotation matrix (3, 3); angle in [0, pi)."""
    skew = np.array([R[2, 1] - R[1, 2], R[0, 2] - R[2, 0], R[1, 0] - R[0, 1]]) / 2.0
    sine = math.sqrt(float(skew @ skew))
    cosine = (R[0, 0] + R[1, 1] + R[2, 2] - 1.0) / 2.0
    angle = math.atan2(sine, cosine)
    if sine > 1e-9:
        return skew * (angle / sine)
    if cosine > 0.0:
        return skew
    # Half a turn: the skew part vanishes and the axis is the column of R + 1 with the largest norm.
    columns = R + np.eye(3)
    axis = columns[:, int(np.argmax(np.diag(columns)))]
    return np.pi * axis / np.linalg.norm(axis)


def quaternion_xyzw(R: np.ndarray) -> np.ndarray:
    """Quaternion x, y, z, w (4,) of one rotation matrix (3, 3), w not negative."""
    vector = rotation_vector(R)
    angle = float(np.linalg.norm(vector))
    if angle < 1e-12:
        return np.array([0.0, 0.0, 0.0, 1.0])
    return np.append(vector / angle * math.sin(angle / 2.0), math.cos(angle / 2.0))
