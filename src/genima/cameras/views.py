# SPDX-License-Identifier: Apache-2.0
"""From a camera's image to the policy's square view, and from views to one tiled image and back."""

import math
from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

from genima.cameras.lens import ViewLens
from genima.cameras.model import CameraModel
from genima.errors import CalibrationError, ContractError

Image = NDArray[np.uint8]
_INTERPOLATION = {'area': cv2.INTER_AREA, 'linear': cv2.INTER_LINEAR}


def prepare(
    image: Image, camera: CameraModel, size_px: int, resize: str = 'area', lens: ViewLens | None = None
) -> tuple[Image, CameraModel]:
    """Rectify an image, cut out its central square and scale it; the intrinsics follow each step.

    Args:
        image: (H, W, 3) uint8 as the camera gave it.
        camera: Its intrinsics with lens distortion.
        size_px: Edge of the view.
        resize: 'area' or 'linear', as in the contract. Area averaging only shrinks; views larger than the image are
            interpolated linearly.
        lens: Of the view, as in the contract; None: the pinhole with the focal length of the camera. What the camera
            does not see is black.

    Returns:
        The view (size_px, size_px, 3) uint8 and the camera that would have made it, `camera.view(size_px, lens)`.

    Raises:
        CalibrationError: if the image does not have the size of the calibration.
    """
    if image.shape != (camera.height_px, camera.width_px, 3) or image.dtype != np.uint8:
        raise CalibrationError(
            f"camera '{camera.name}' sent an image {image.shape} {image.dtype}, its calibration is for "
            f'({camera.height_px}, {camera.width_px}, 3) uint8: calibrate at the size that is sent'
        )
    side = min(image.shape[:2])
    seen = camera.pinhole() if lens is None else camera.view(side, lens)
    if seen != camera and (camera.D.any() or 'equidistant' in (camera.model, seen.model) or lens is not None):
        image = np.asarray(cv2.remap(image, *_rectification(camera, seen), cv2.INTER_LINEAR), dtype=np.uint8)
    top, left = (image.shape[0] - side) // 2, (image.shape[1] - side) // 2
    view = image[top : top + side, left : left + side]
    if side != size_px:
        kind = resize if side > size_px else 'linear'
        view = np.asarray(cv2.resize(view, (size_px, size_px), interpolation=_INTERPOLATION[kind]), dtype=np.uint8)
    return np.ascontiguousarray(view), camera.view(size_px, lens)


@lru_cache(maxsize=16)
def _rectification(camera: CameraModel, seen: CameraModel) -> tuple[np.ndarray, np.ndarray]:
    """Return for each pixel of the image that `seen` would take where it lies in the raw one, as OpenCV's remap wants it."""
    uv, _ = camera.project(seen.rays())
    uv = np.nan_to_num(uv, nan=-1.0).astype(np.float32)
    return uv[..., 0], uv[..., 1]


def grid(views: int) -> tuple[int, int]:
    """Return rows and columns of the tiled image: 1x1, 1x2, 2x2, 2x2, 2x3, 2x3 for one to six views."""
    if not 1 <= views <= 6:
        raise ContractError(f'{views} views; a tiled image holds 1 to 6')
    rows = 1 if views < 3 else 2
    return rows, math.ceil(views / rows)


def tile(views: Image) -> Image:
    """Put views (V, H, W, 3) into one image (rows * H, columns * W, 3), row by row; a free place is black."""
    rows, columns = grid(len(views))
    count, height, width, channels = views.shape
    full = np.zeros((rows * columns, height, width, channels), dtype=views.dtype)
    full[:count] = views
    arranged = full.reshape(rows, columns, height, width, channels).swapaxes(1, 2)
    return arranged.reshape(rows * height, columns * width, channels)


def untile(tiled: Image, views: int) -> Image:
    """Take a tiled image apart into its views (V, H, W, 3).

    Raises:
        ContractError: if its size does not divide into the grid.
    """
    rows, columns = grid(views)
    if tiled.ndim != 3 or tiled.shape[0] % rows or tiled.shape[1] % columns:
        raise ContractError(f'a tiled image of {views} views has {rows} x {columns} tiles, got shape {tiled.shape}')
    height, width = tiled.shape[0] // rows, tiled.shape[1] // columns
    arranged = tiled.reshape(rows, height, columns, width, tiled.shape[2]).swapaxes(1, 2)
    return np.ascontiguousarray(arranged.reshape(rows * columns, height, width, tiled.shape[2])[:views])
