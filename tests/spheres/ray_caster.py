# SPDX-License-Identifier: Apache-2.0
"""The plain truth to compare the renderer with: many rays per pixel, the nearest hit of each, no shortcuts."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from genima.cameras.model import CameraModel
from genima.spheres.scene import Sphere, Stripes

SUPERSAMPLING = 5
WIDTH_PX, HEIGHT_PX = 48, 40
LENSES = {
    'pinhole': (45.0, []),
    'plumb_bob': (45.0, [-0.15, 0.03, 0.002, -0.003, 0.0]),
    'equidistant': (25.0, [0.03, -0.005, 0.0, 0.0]),
}


def lens(model: str) -> CameraModel:
    """Return a small camera of a lens model; the equidistant one sees almost 90 degrees to the side."""
    focal, D = LENSES[model]
    K = np.array([[focal, 0, 22.3], [0, focal * 1.05, 20.1], [0, 0, 1]])
    return CameraModel(model, WIDTH_PX, HEIGHT_PX, K, np.array(D), model)


def sphere(
    centre_m: Sequence[float], radius_m: float = 0.1, color: Sequence[int] = (255, 255, 255),
    turn_rad: Sequence[float] = (0.0, 0.0, 0.0),
) -> Sphere:  # fmt: skip
    """Return a sphere in the frame of the camera (T_camera_base is the identity in these tests)."""
    T = np.eye(4)
    T[:3, :3], T[:3, 3] = Rotation.from_rotvec(turn_rad).as_matrix(), centre_m
    return Sphere('sphere', T, radius_m, np.array(color, np.uint8))


def cast(
    image: NDArray[np.uint8], camera: CameraModel, spheres: Sequence[Sphere], stripes: Stripes
) -> NDArray[np.float64]:
    """Return what `draw` should, not rounded (H, W, 3): the mean of the rays of each pixel."""
    s = SUPERSAMPLING
    rays = camera.resized(camera.width_px * s, camera.height_px * s).rays()
    fine = np.repeat(np.repeat(image.astype(float), s, axis=0), s, axis=1)
    nearest = np.full(rays.shape[:2], np.inf)
    for each in spheres:
        centre, axis = each.T_base_sphere[:3, 3], each.T_base_sphere[:3, 0]
        along = rays @ centre
        inside = along**2 - centre @ centre + each.radius_m**2
        t = along - np.sqrt(np.maximum(inside, 0))
        hit = (inside > 0) & (t > 0) & (t < nearest) & (centre @ centre > each.radius_m**2) & rays.any(axis=-1)
        local = (t[..., None] * rays - centre) @ axis / each.radius_m
        band = np.clip((local + 1) / 2 * stripes.bands, 0, stripes.bands - 1e-9).astype(int)
        factor = np.where(band % 2 == 1, stripes.dark, 1.0)
        fine[hit] = (factor[..., None] * each.color_rgb)[hit]
        nearest[hit] = t[hit]
    return fine.reshape(camera.height_px, s, camera.width_px, s, 3).mean(axis=(1, 3))
