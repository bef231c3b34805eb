# SPDX-License-Identifier: Apache-2.0
"""Find painted spheres by their hue: stripes change brightness, a painter blurs edges, neither changes the hue much."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]

HUE_TOLERANCE = 0.17
MIN_SATURATION = 0.30
MIN_VALUE = 40.0
MIN_PIXELS = 3
_LINK_PX = 3
_CORE_PX = 4
_RING_PX = 2


@dataclass(frozen=True)
class Found:
    """A sphere in an image.

    Attributes:
        uv_px: (2,) centroid of its pixels.
        pixels: How many pixels show it, edges counted in part.
    """

    uv_px: Floats
    pixels: float


def find(
    image: NDArray[np.uint8], colors_rgb: Sequence[ArrayLike], min_pixels: float = MIN_PIXELS
) -> list[Found | None]:
    """Find one sphere of each colour in an image (H, W, 3) uint8.

    A pixel belongs to a colour by the distance of their chromaticities (hue and saturation without brightness), so
    bands of the same hue count alike. Of several patches the largest is taken, then its weighted centroid.

    Args:
        image: RGB image.
        colors_rgb: Colours looked for; a pixel goes to the nearest of them, so name all that may occur.
        min_pixels: Smaller patches count as not found.

    Returns:
        For each colour what was found, or None.
    """
    weights = color_weights(image, colors_rgb)
    return [_largest(weight, min_pixels) for weight in weights]


def color_weights(image: NDArray[np.uint8], colors_rgb: Sequence[ArrayLike]) -> Floats:
    """Return for each colour how much a pixel looks like it, (n, H, W) in [0, 1]."""
    colors = _chromaticity(np.array([np.asarray(color, dtype=np.float64) for color in colors_rgb]).reshape(-1, 3))
    value = image.max(axis=-1)
    saturation = 1 - image.min(axis=-1) / np.maximum(value, 1)
    colorful = (saturation > MIN_SATURATION) & (value > MIN_VALUE)
    likeness = colors @ _chromaticity(image[colorful].astype(np.float64)).T
    distance = np.sqrt(np.maximum(2 - 2 * likeness, 0.0))  # of unit vectors
    nearest = distance.argmin(axis=0)[None] == np.arange(len(colors))[:, None]
    weights = np.zeros((len(colors), *value.shape))
    weights[:, colorful] = np.clip(2 * (1 - distance / HUE_TOLERANCE), 0, 1) * nearest
    return weights


def _chromaticity(rgb: Floats) -> Floats:
    """Return rgb over its length: brightness drops out."""
    return rgb / np.maximum(np.linalg.norm(rgb, axis=-1, keepdims=True), 1.0)


def _largest(weight: Floats, min_pixels: float) -> Found | None:
    """Return the patch around the densest place."""
    if weight.sum() < min_pixels:
        return None
    density = _box_sum(weight, _LINK_PX)
    v, u = (float(each) for each in np.unravel_index(density.argmax(), density.shape))
    rows, columns = np.mgrid[: weight.shape[0], : weight.shape[1]]
    for _ in range(12):
        distance = np.hypot(columns - u, rows - v)
        # a disc of the area found so far, with a margin, grows over the patch and leaves specks elsewhere out
        inside = weight * (distance <= _reach(weight, distance))
        total = inside.sum()
        if total <= 0:
            return None
        before, u, v = (u, v), float((inside * columns).sum() / total), float((inside * rows).sum() / total)
        if np.hypot(u - before[0], v - before[1]) < 1e-3:
            break
    return Found(np.array([u, v]), float(total)) if total >= min_pixels else None


def _reach(weight: Floats, distance: Floats) -> float:
    """Return the radius within which the patch around a place lies: where rings around it hold no more of it."""
    rings = np.ceil(np.maximum(distance - _CORE_PX, 0) / _RING_PX).astype(np.intp).ravel()
    pixels = np.bincount(rings)
    held = np.bincount(rings, weight.ravel()) / np.maximum(pixels, 1)
    empty = np.flatnonzero(held[1:] < 0.04)
    return float(_CORE_PX + _RING_PX * (empty[0] if len(empty) else len(pixels) - 1))


def _box_sum(values: Floats, reach: int) -> Floats:
    """Return sums over squares of 2 reach + 1 pixels."""
    padded = np.pad(values, reach + 1).cumsum(axis=0).cumsum(axis=1)
    side = 2 * reach + 1
    return (padded[side:, side:] - padded[:-side, side:] - padded[side:, :-side] + padded[:-side, :-side])[
        : values.shape[0], : values.shape[1]
    ]
