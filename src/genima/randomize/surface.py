# SPDX-License-Identifier: Apache-2.0
"""Put a texture on a plane that a camera sees, where a mask says that the plane is what it sees."""

import cv2
import numpy as np
from numpy.typing import NDArray

from genima.cameras.model import CameraModel

Image = NDArray[np.uint8]
Mask = NDArray[np.bool_]
Floats = NDArray[np.float64]

SHADE_LIMITS = (0.3, 1.8)
GRAIN = (0.6, 1.2)
"""Factor on the colour where a texture is darkest, and where it is lightest."""


def plane_coordinates(camera: CameraModel, T_camera_plane: Floats) -> Floats:
    """Return where the ray of each pixel meets the plane z = 0 of a frame.

    Args:
        camera: What takes the picture.
        T_camera_plane: (4, 4) pose of the plane's frame in the optical frame.

    Returns:
        (H, W, 2) x and y in that frame, metres; 0 where a ray is parallel to the plane.
    """
    R, t = T_camera_plane[:3, :3], T_camera_plane[:3, 3]
    rays, eye = camera.rays() @ R, -t @ R
    steep = np.abs(rays[..., 2]) > 1e-6
    length = np.where(steep, -eye[2] / np.where(steep, rays[..., 2], 1.0), 0.0)
    return np.where(steep[..., None], eye[:2] + length[..., None] * rays[..., :2], 0.0)


def sample_texture(texture: Image, xy_m: Floats, size_m: float) -> Image:
    """Return the colours (H, W, 3) of a texture at places xy_m (H, W, 2).

    It is `size_m` metres wide and repeated, every second time as in a mirror: then there are no seams.
    """
    height, width = texture.shape[:2]
    uv = np.abs(xy_m / size_m % 2.0 - 1.0) * [width - 1, height - 1]
    u, v = uv[..., 0].astype(np.float32), uv[..., 1].astype(np.float32)
    colors = cv2.remap(texture, u, v, cv2.INTER_LINEAR)
    return np.asarray(colors, dtype=np.uint8)


def cover(image: Image, mask: Mask, colors: Image) -> Image:
    """Return a picture with other colours where the mask is true, as light and dark there as the picture was."""
    if not mask.any():
        return image
    gray = image.mean(axis=-1)
    shade = np.clip(gray[mask] / max(float(np.median(gray[mask])), 1.0), *SHADE_LIMITS)
    out = image.copy()
    out[mask] = np.clip(colors[mask] * shade[:, None], 0, 255).astype(np.uint8)
    return out


def grain(image: Image, mask: Mask, colors: Image) -> Image:
    """Return a picture whose colours are kept where the mask is true, but lighter and darker as a texture is.

    For things that are called by their colour: a red mug stays a red mug.
    """
    if not mask.any():
        return image
    gray = colors[mask].mean(axis=-1)
    light = (gray - gray.min()) / max(float(np.ptp(gray)), 1.0)
    out = image.copy()
    out[mask] = np.clip(image[mask] * (GRAIN[0] + (GRAIN[1] - GRAIN[0]) * light[:, None]), 0, 255).astype(np.uint8)
    return out
