# SPDX-License-Identifier: Apache-2.0
"""Pictures as the checks compare them: small, grey, and without the light that falls on them."""

from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from genima.align.latency import small_grey
from genima.cameras.model import MountedCamera

Floats = NDArray[np.float64]
Single = NDArray[np.float32]
Grey = NDArray[np.uint8]
Image = NDArray[np.uint8]

WINDOW_PX = (9, 15)  # light is taken to be even over so much of a small and of a large picture
WINDOW_SHARE = 1 / 20
NOISE_GREY = 4.0  # contrast below this is noise
LEAST_SIDE_PX = 28  # the smallest level of a pyramid


@dataclass(frozen=True, eq=False)
class Sight:
    """One picture and what was known when it was taken.

    Attributes:
        stamp_s: when it was taken [s].
        picture: (H, W, 3) uint8 RGB.
        camera: its live calibration: camera_info and tf.
        q_rad: (n,) joint positions at that time.
        gripper_open: opening in [0, 1].
    """

    stamp_s: float
    picture: Image
    camera: MountedCamera
    q_rad: Floats
    gripper_open: float

    @property
    def fits(self) -> bool:
        """Whether the picture has the size that the calibration is for."""
        return self.picture.shape[:2] == (self.camera.model.height_px, self.camera.model.width_px)


@dataclass(frozen=True, eq=False)
class SmallSight:
    """A sight made small.

    Attributes:
        sight: as it came.
        grey: (h, w) uint8.
        camera: the calibration of the small picture.
        scale: pixels of the picture per small pixel.
    """

    sight: Sight
    grey: Grey
    camera: MountedCamera
    scale: float


def made_small(sight: Sight) -> SmallSight:
    """Return a sight whose longer side has 320 pixels at most."""
    grey = small_grey(sight.picture)
    height, width = grey.shape
    camera = replace(sight.camera, model=sight.camera.model.resized(width, height))
    return SmallSight(sight, grey, camera, sight.picture.shape[1] / width)


def window_px(shape: tuple[int, ...]) -> int:
    """Return over how many pixels the light is taken to be even in a picture (H, W); an odd number."""
    return int(np.clip(max(shape) * WINDOW_SHARE, *WINDOW_PX)) // 2 * 2 + 1


def even_light(grey: Grey | Single) -> Single:
    """Return a picture (H, W) with its local mean taken away and its local contrast made 1.

    A change of light that is smooth over some pixels leaves the result as it is; what has no contrast stays near 0.
    """
    values = grey.astype(np.float32)
    window = (window_px(grey.shape),) * 2
    mean = cv2.blur(values, window)
    variance = np.maximum(cv2.blur(values * values, window) - mean * mean, 0.0)
    return np.asarray((values - mean) / np.sqrt(variance + NOISE_GREY**2), dtype=np.float32)


def pyramid(grey: Grey) -> list[Single]:
    """Return a picture in even light at its size, half of it, a quarter ...; pixel i of a level is 2 i of the one before."""
    levels, picture = [], cv2.GaussianBlur(grey.astype(np.float32), (0, 0), 0.7)
    while True:
        levels.append(even_light(np.asarray(picture, dtype=np.float32)))
        if min(picture.shape) < 2 * LEAST_SIDE_PX:
            return levels
        picture = cv2.pyrDown(picture)
