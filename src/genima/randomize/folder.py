# SPDX-License-Identifier: Apache-2.0
"""Textures from pictures in a folder of the user's; none are shipped, for their licences differ.

Sets that are often used: Describable Textures (Cimpoi et al., CVPR 2014), and the MIL textures of the original.
"""

from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from genima.borders.files import read_bytes
from genima.cameras.image_file import decode_rgb
from genima.errors import DatasetError
from genima.randomize.textures import make_pool

Image = NDArray[np.uint8]

SUFFIXES = ('.jpg', '.jpeg', '.png')
SMALLEST_CROP = 0.4
"""Of the picture's shorter edge."""


def texture_files(folder: Path | str) -> list[Path]:
    """Return the pictures of a folder and of those in it, in the order of their names.

    Raises:
        DatasetError: if there is none.
    """
    paths = sorted(path for path in Path(folder).rglob('*') if path.suffix.lower() in SUFFIXES and path.is_file())
    if not paths:
        raise DatasetError(f'no pictures in {folder}; give a folder with {", ".join(SUFFIXES)} files')
    return paths


def read_texture(path: Path | str) -> Image:
    """Read one picture (H, W, 3) uint8 RGB.

    Raises:
        DatasetError: if it is none.
    """
    image = decode_rgb(read_bytes(path))
    if image is None:
        raise DatasetError(f'{path} cannot be read as a picture: remove it from the folder of textures')
    return image


def random_crop(rng: np.random.Generator, image: Image, size_px: int) -> Image:
    """Return a random square of a picture, scaled to (size_px, size_px, 3)."""
    height, width = image.shape[:2]
    side = max(1, round(min(height, width) * float(rng.uniform(SMALLEST_CROP, 1.0))))
    top, left = int(rng.integers(0, height - side + 1)), int(rng.integers(0, width - side + 1))
    square = image[top : top + side, left : left + side]
    kind = cv2.INTER_AREA if side > size_px else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(square, (size_px, size_px), interpolation=kind), dtype=np.uint8)


def random_texture(rng: np.random.Generator, files: list[Path], size_px: int) -> tuple[str, Image]:
    """Return the name of a random file of these and a random square of it."""
    path = files[int(rng.integers(len(files)))]
    return path.name, random_crop(rng, read_texture(path), size_px)


def make_mixed_pool(
    rng: np.random.Generator, n: int, size_px: int, folder: Path | str | None = None, share: float = 0.5
) -> Image:
    """Return `n` backgrounds (n, S, S, 3): `share` of them from a folder, the others procedural; all of these without one.

    Raises:
        DatasetError: if the folder holds no pictures, or one that cannot be read.
    """
    if folder is None:
        return make_pool(rng, n, size_px)
    files, taken = texture_files(folder), round(share * n)
    pictures = np.empty((taken, size_px, size_px, 3), dtype=np.uint8)
    for row in range(taken):
        pictures[row] = random_texture(rng, files, size_px)[1]
    return np.concatenate([pictures, make_pool(rng, n - taken, size_px)]) if taken < n else pictures
