# SPDX-License-Identifier: Apache-2.0
"""The outline of a sphere in a picture, as points: for viewers that draw over a picture and leave its pixels alone."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from genima.cameras.model import CameraModel
from genima.spheres.scene import Sphere

Floats = NDArray[np.float64]


def outline_px(camera: CameraModel, T_camera_base: ArrayLike, sphere: Sphere, points: int = 49) -> Floats:
    """Return a closed line around a sphere as a camera sees it, shape (n, 2) in pixels, first point = last point.

    The rays that touch a sphere of radius r at distance d do so on a circle of radius r sqrt(1 - (r/d)^2), whose centre is
    at (1 - (r/d)^2) of the way to the sphere's own; its points go through the lens model one by one.

    Args:
        camera: that sees it.
        T_camera_base: (4, 4) maps base coordinates to the optical frame.
        sphere: in the base.
        points: on the line.

    Returns:
        No points where the camera is in the sphere, or any part of it is out of sight of the lens.
    """
    T = np.asarray(T_camera_base, dtype=np.float64)
    centre = T[:3, :3] @ sphere.T_base_sphere[:3, 3] + T[:3, 3]
    distance = float(np.linalg.norm(centre))
    if distance <= sphere.radius_m:
        return np.zeros((0, 2))
    near = 1.0 - (sphere.radius_m / distance) ** 2
    # two directions across the view; any that are perpendicular will do
    towards = centre / distance
    right = np.cross(towards, np.eye(3)[int(np.abs(towards).argmin())])
    right /= np.linalg.norm(right)
    down = np.cross(towards, right)
    angle = np.linspace(0.0, 2.0 * np.pi, points)[:, None]
    circle = near * centre + sphere.radius_m * np.sqrt(near) * (np.cos(angle) * right + np.sin(angle) * down)
    uv, depths = camera.project(circle)
    return uv if np.isfinite(uv).all() and (depths > 0).all() else np.zeros((0, 2))
