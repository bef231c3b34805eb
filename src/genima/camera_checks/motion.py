# SPDX-License-Identifier: Apache-2.0
"""How one picture has moved against another: shift, turn and zoom, to a small part of a pixel.

Chosen pixels of the reference are compared with the other picture directly, coarse to fine, by inverse compositional
Gauss-Newton (Baker and Matthews, IJCV 56, 2004) with the weights of Geman and McClure (1987): what was put there or taken
away in the meantime does not count.
"""

from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from genima.camera_checks.pictures import Grey, Single, pyramid
from genima.camera_checks.silhouette import Mask

Complexes = NDArray[np.complex128]
Floats = NDArray[np.float64]

CELLS = 8  # pixels are chosen from a grid of so many by so many cells, so that no corner rules
PER_CELL = 40
LEAST_GRADIENT = 0.08
STEPS = 10
SMALL_STEP_PX = 0.003
LEAST_SPREAD = 0.05  # residuals below this are as good as 0
LEAST_TOLD = 1e-3  # a motion that changes the pixels less than this share of the clearest one is taken not to have happened
LEAST_PIXELS = 40
FARTHEST = 95  # per cent of the pixels move less than what counts as the largest motion


@dataclass(frozen=True, eq=False)
class PictureMotion:
    """The motion of a picture against a reference.

    Attributes:
        shift_px: (2,) mean motion of what is seen, right and down.
        largest_px: how far what moves farthest has gone.
        turn_rad: clockwise as seen in the picture.
        zoom: 1 where nothing became larger or smaller.
        likeness: correlation with the reference after the motion is taken back; 1 is perfect.
        pixels: how many were compared.
    """

    shift_px: Floats
    largest_px: float
    turn_rad: float
    zoom: float
    likeness: float
    pixels: int

    def scaled(self, factor: float) -> 'PictureMotion':
        """Return the same motion in a picture that is `factor` times as large."""
        return replace(self, shift_px=self.shift_px * factor, largest_px=self.largest_px * factor)


@dataclass(frozen=True, eq=False)
class _Level:
    """Chosen pixels of one level: places from the centre (N,), values (N,), derivatives by zoom, turn and shift (N, 4)."""

    places: Complexes
    values: Floats
    slopes: Floats
    centre: complex
    reach: float


class Pattern:
    """Pixels of a reference picture that tell motion well.

    Args:
        grey: (H, W) the reference.
        region: (H, W) where pixels may be chosen: not 0.
    """

    def __init__(self, grey: Grey, region: Mask) -> None:
        levels = pyramid(grey)
        height, width = grey.shape
        centre = complex(width - 1, height - 1) / 2
        self._levels: list[_Level] = []
        for number, picture in enumerate(levels):
            shape = picture.shape[1], picture.shape[0]
            allowed = region if number == 0 else cv2.resize(region, shape, interpolation=cv2.INTER_NEAREST)
            self._levels.append(_chosen(picture, np.asarray(allowed), centre / 2**number))

    @property
    def pixels(self) -> int:
        """How many were chosen in the picture itself."""
        return len(self._levels[0].values)

    def motion_to(self, grey: Grey, hidden: Mask) -> PictureMotion | None:
        """Return how another picture has moved; None if too little of the reference can be seen in it.

        Args:
            grey: (H, W) the other picture, of the same size.
            hidden: (H, W) what must not be compared there: not 0.
        """
        pictures = pyramid(grey)
        zoom, shift = complex(1.0), complex(0.0)
        for number in reversed(range(len(pictures))):
            level, picture = self._levels[number], pictures[number]
            if len(level.values) >= LEAST_PIXELS:
                mask = cv2.resize(hidden, picture.shape[::-1], interpolation=cv2.INTER_NEAREST) if number else hidden
                zoom, shift = _fit(level, picture, np.asarray(mask), zoom, shift)
            shift *= 2 if number else 1
        return _judged(self._levels[0], pictures[0], hidden, zoom, shift)


def _chosen(picture: Single, allowed: Mask, centre: complex) -> _Level:
    """Choose the pixels of a level by their gradient, some in each cell."""
    across = cv2.Sobel(picture, cv2.CV_32F, 1, 0, scale=1 / 8)
    down = cv2.Sobel(picture, cv2.CV_32F, 0, 1, scale=1 / 8)
    strength = np.hypot(across, down) * (allowed > 0)
    strength[[0, -1]] = strength[:, [0, -1]] = 0.0
    rows, columns = np.nonzero(strength > LEAST_GRADIENT)
    height, width = picture.shape
    cell = (rows * CELLS // height) * CELLS + columns * CELLS // width
    order = np.lexsort((-strength[rows, columns], cell))
    rank = np.arange(len(order)) - np.searchsorted(cell[order], cell[order])
    order = order[rank < PER_CELL]
    rows, columns = rows[order], columns[order]
    places = columns + 1j * rows - centre
    gx, gy = across[rows, columns].astype(float), down[rows, columns].astype(float)
    reach = max(height, width) / 2
    unit = places / reach
    slopes = np.stack([gx * unit.real + gy * unit.imag, gy * unit.real - gx * unit.imag, gx, gy], axis=-1)
    return _Level(places, picture[rows, columns].astype(float), slopes, centre, reach)


def _sampled(
    level: _Level, picture: Single, hidden: Mask, zoom: complex, shift: complex
) -> tuple[Floats, NDArray[np.bool_]]:
    """Return what a picture has where the pixels have gone (N,), and which of them can be seen there (N,)."""
    there = zoom * level.places + shift + level.centre
    u, v = there.real.astype(np.float32)[:, None], there.imag.astype(np.float32)[:, None]
    values = cv2.remap(picture, u, v, cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)[:, 0].astype(float)
    height, width = picture.shape
    inside = (u > 1) & (u < width - 2) & (v > 1) & (v < height - 2)
    covered = cv2.remap(hidden, u, v, cv2.INTER_NEAREST, borderMode=cv2.BORDER_REPLICATE)
    return values, (inside & (covered == 0))[:, 0]


def _fit(level: _Level, picture: Single, hidden: Mask, zoom: complex, shift: complex) -> tuple[complex, complex]:
    """Return zoom-and-turn and shift after some steps of Gauss-Newton on one level."""
    for _ in range(STEPS):
        values, seen = _sampled(level, picture, hidden, zoom, shift)
        if seen.sum() < LEAST_PIXELS:
            break
        slopes, error = level.slopes[seen], (values - level.values)[seen]
        weight = _weights(error)
        told, kinds = np.linalg.eigh(slopes.T @ (weight[:, None] * slopes))
        inverse = np.where(told > LEAST_TOLD * told[-1], 1 / np.maximum(told, 1e-12), 0.0)
        a, b, x, y = kinds @ (inverse * (kinds.T @ (slopes.T @ (weight * error))))
        step, move = 1 + complex(a, b) / level.reach, complex(x, y)
        zoom, shift = zoom / step, shift - zoom * move / step
        if max(abs(complex(a, b)), abs(move)) < SMALL_STEP_PX:
            break
    return zoom, shift


def _weights(error: Floats) -> Floats:
    spread = max(1.4826 * float(np.median(np.abs(error))), LEAST_SPREAD)
    return np.asarray((1 + (error / (2 * spread)) ** 2) ** -2, dtype=np.float64)


def _judged(level: _Level, picture: Single, hidden: Mask, zoom: complex, shift: complex) -> PictureMotion | None:
    if not level.values.size:
        return None
    values, seen = _sampled(level, picture, hidden, zoom, shift)
    if seen.sum() < LEAST_PIXELS:
        return None
    values, wanted, places = values[seen], level.values[seen], level.places[seen]
    moved = zoom * places + shift - places
    norm = np.sqrt((values**2).sum() * (wanted**2).sum())
    return PictureMotion(
        shift_px=np.array([moved.real.mean(), moved.imag.mean()]),
        largest_px=float(np.percentile(np.abs(moved), FARTHEST)),
        turn_rad=float(np.angle(zoom)),
        zoom=abs(zoom),
        likeness=float((values * wanted).sum() / norm) if norm else 0.0,
        pixels=int(seen.sum()),
    )
