# SPDX-License-Identifier: Apache-2.0
"""From image points of several views to a point in space."""

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import ArrayLike, NDArray

from genima.cameras.model import CameraModel

Floats = NDArray[np.float64]

MIN_ANGLE_RAD = 0.15
"""Rays that are more parallel than this say nothing about the distance."""


def view_ray(model: CameraModel, T_camera_base: ArrayLike, uv_px: ArrayLike) -> tuple[Floats, Floats]:
    """Return the camera's centre (3,) and the unit direction (3,) of a pixel (u, v), both in the base frame."""
    T = np.asarray(T_camera_base, dtype=np.float64)
    u, v = np.asarray(uv_px, dtype=np.float32)
    grid = model.rays().astype(np.float32)
    ray = cv2.remap(grid, np.array([[u]]), np.array([[v]]), cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)[0, 0]
    direction = T[:3, :3].T @ ray.astype(np.float64)
    return -T[:3, :3].T @ T[:3, 3], direction / np.linalg.norm(direction)


def nearest_point(origins_m: Sequence[ArrayLike], directions: Sequence[ArrayLike]) -> Floats | None:
    """Return the point (3,) with the least sum of squared distances to rays; None if they are nearly parallel.

    Args:
        origins_m: One point (3,) of each ray.
        directions: Unit vectors (3,).
    """
    d = np.array(directions, dtype=np.float64).reshape(-1, 3)
    if len(d) < 2 or np.abs(d @ d.T).min() > np.cos(MIN_ANGLE_RAD):
        return None
    across = np.eye(3) - d[:, :, None] * d[:, None, :]
    point: Floats = np.linalg.solve(across.sum(0), (across @ np.array(origins_m)[:, :, None]).sum(0)[:, 0])
    return point
