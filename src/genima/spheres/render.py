# SPDX-License-Identifier: Apache-2.0
"""Draw spheres by geometry alone: no GL, any camera model, the same pixels on every machine.

A sphere's outline is the cone of rays that touch it, so a pixel's coverage follows from the angle between its ray and
that cone. The stripes come from the point where the ray meets the sphere. Both are averaged over the pixel's footprint.

Order: a sphere whose tangents from the camera are shorter (power |c|^2 - r^2) lies on the camera's side of the plane
in which two spheres meet, or would meet. Painting by falling power is therefore exact for spheres that do not touch,
and where two do intersect, a surface point is hidden exactly if it lies inside the other sphere.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import ArrayLike, NDArray

from genima.cameras.model import CameraModel
from genima.errors import GenimaError
from genima.spheres.kernel import paint
from genima.spheres.pinhole import paint_pinhole
from genima.spheres.scene import Sphere, Stripes

Floats = NDArray[np.float64]
Image = NDArray[np.uint8]

_NO_OWNER = np.zeros((0, 0), dtype=np.int16)
_NO_COUNTS = np.zeros(0, dtype=np.int64)


@dataclass(frozen=True)
class Visibility:
    """What one camera sees of n spheres.

    Attributes:
        centres_px: (n, 2) projected centres; NaN behind the camera.
        outline_px: (n, 2) centroids of the visible pixels, not the projected centres; NaN if none.
        depths_m: (n,) depths of the centres along the optical axis.
        pixels: (n,) pixels that show the sphere.
        pixels_alone: (n,) pixels that would show it if it were the only one.
    """

    centres_px: Floats
    outline_px: Floats
    depths_m: Floats
    pixels: NDArray[np.int64]
    pixels_alone: NDArray[np.int64]


def draw(
    image: Image,
    camera: CameraModel,
    T_camera_base: ArrayLike,
    spheres: Sequence[Sphere],
    stripes: Stripes,
    out: Image | None = None,
) -> Image:
    """Draw spheres over an image; they show through everything in it, as in the paper.

    Args:
        image: (H, W, 3) uint8 RGB.
        camera: the camera that made the image.
        T_camera_base: (4, 4) maps base coordinates to the optical frame.
        spheres: what to draw, in any order. One that holds the camera, or lies behind it, is not drawn.
        stripes: bands of all spheres.
        out: where to draw; a copy of `image` if None, `image` itself to draw in place.

    Returns:
        (H, W, 3) uint8.

    Raises:
        GenimaError: if the image does not fit the camera.
    """
    if image.shape != (camera.height_px, camera.width_px, 3) or image.dtype != np.uint8:
        raise GenimaError(
            f"image {image.shape} {image.dtype} does not fit camera '{camera.name}'; "
            f'it must be ({camera.height_px}, {camera.width_px}, 3) uint8'
        )
    if out is None:
        out = image.copy()
    elif out is not image:
        np.copyto(out, image)
    if spheres:
        canvas = out if out.flags.c_contiguous else out.copy()  # part of a larger image: the kernels want one layout
        _run(canvas, _NO_OWNER, camera, T_camera_base, spheres, stripes)
        if canvas is not out:
            np.copyto(out, canvas)
    return out


def draw_views(
    images: Image,
    cameras: Sequence[CameraModel],
    T_camera_base: Sequence[ArrayLike],
    spheres: Sequence[Sphere],
    stripes: Stripes,
) -> Image:
    """Draw the same spheres over V views (V, H, W, 3); see `draw`."""
    out = images.copy()
    for view, camera, T in zip(out, cameras, T_camera_base, strict=True):
        draw(view, camera, T, spheres, stripes, out=view)
    return out


def compile_kernels() -> None:
    """Compile what draws, for cameras without and with distortion; on a fresh machine that takes half a minute."""
    T = np.eye(4)
    T[2, 3] = 1.0
    sphere = Sphere('any', T, 0.1, np.zeros(3, dtype=np.uint8))
    K = np.array([[8.0, 0.0, 3.5], [0.0, 8.0, 3.5], [0.0, 0.0, 1.0]])
    for D, model in ((np.empty(0), 'pinhole'), (np.full(5, 1e-3), 'plumb_bob')):
        visible(CameraModel('any', 8, 8, K, D, model), np.eye(4), [sphere])


def visible(camera: CameraModel, T_camera_base: ArrayLike, spheres: Sequence[Sphere]) -> Visibility:
    """Return where spheres appear in the image of a camera and how many pixels each one shows."""
    T = np.asarray(T_camera_base, dtype=np.float64)
    centres = np.array([sphere.T_base_sphere[:3, 3] for sphere in spheres]).reshape(-1, 3)
    uv, depths = camera.project(centres @ T[:3, :3].T + T[:3, 3])
    shape = (camera.height_px, camera.width_px)
    canvas, owner = np.zeros((*shape, 3), dtype=np.uint8), np.full(shape, -1, dtype=np.int16)
    alone = np.zeros(len(spheres), dtype=np.int64)
    if spheres:
        alone += _run(canvas, owner, camera, T, spheres, Stripes(1, 1.0))
    outline = np.full((len(spheres), 2), np.nan)
    pixels = np.zeros(len(spheres), dtype=np.int64)
    for index in range(len(spheres)):
        v, u = np.nonzero(owner == index)
        pixels[index] = len(u)
        if len(u):
            outline[index] = u.mean(), v.mean()
    return Visibility(uv, outline, depths, pixels, alone)


def _run(
    image: Image,
    owner: NDArray[np.int16],
    camera: CameraModel,
    T_camera_base: ArrayLike,
    spheres: Sequence[Sphere],
    stripes: Stripes,
) -> NDArray[np.int64]:
    """Paint by the fast way if it can; returns the pixels that each sphere would cover alone if `owner` is recorded."""
    frames = np.array([sphere.T_base_sphere for sphere in spheres], dtype=np.float64)
    colors = np.array([sphere.color_rgb for sphere in spheres], dtype=np.float64)
    radii = np.array([sphere.radius_m for sphere in spheres], dtype=np.float64)
    T = np.ascontiguousarray(T_camera_base, dtype=np.float64)
    pinhole, bands, dark = camera.model == 'pinhole', float(stripes.bands), float(stripes.dark)
    simple = pinhole and owner is _NO_OWNER
    if simple and paint_pinhole(image, camera.K, T, frames, radii, colors, bands, dark):
        return _NO_COUNTS
    rays, pitch_rad = _ray_table(camera)
    return paint(image, owner, rays, pitch_rad, camera.K, pinhole, T, frames, radii, colors, bands, dark)


@lru_cache(maxsize=64)
def _ray_table(camera: CameraModel) -> tuple[Floats, float]:
    """Return rays with the angle that a pixel spans (H, W, 4), 0 where a pixel sees nothing, and the largest angle."""
    rays = camera.rays()
    seen = (rays != 0).any(axis=-1)
    step = [np.gradient(rays, axis=axis) if rays.shape[axis] > 1 else np.zeros_like(rays) for axis in (0, 1)]
    pitch = np.where(seen, np.sqrt(np.linalg.norm(np.cross(step[0], step[1]), axis=-1)), 0.0)
    lengths = np.maximum(np.linalg.norm(step[0], axis=-1), np.linalg.norm(step[1], axis=-1))
    return np.concatenate([rays, pitch[..., None]], axis=-1), float(np.quantile(lengths[seen], 0.999))
