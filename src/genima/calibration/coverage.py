# SPDX-License-Identifier: Apache-2.0
"""Which parts of the picture a board was shown in, how it was tilted, and what to show next."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from genima.calibration.detect import Sighting
from genima.calibration.lens import board_pose
from genima.cameras.model import CameraModel

Floats = NDArray[np.float64]
CELLS = 6  # on each side of the picture
REGIONS = (
    ('upper left', 'upper middle', 'upper right'),
    ('left', 'middle', 'right'),
    ('lower left', 'lower middle', 'lower right'),
)
ROUGH_FOCAL_SHARE = 0.8  # of the image width: tilts need no more than a rough camera
TILTED_DEG = 15.0


@dataclass(frozen=True)
class Shown:
    """What a good set of pictures for a lens has.

    Attributes:
        pictures: how many.
        tilted: how many with the board tilted about its vertical axis, and how many about its horizontal axis.
        distance_ratio: farthest over nearest board.
    """

    pictures: int = 15
    tilted: int = 3
    distance_ratio: float = 1.5


@dataclass(frozen=True, eq=False)
class Coverage:
    """What a set of pictures has.

    Attributes:
        cells: (6, 6) corners seen in each part of the picture, rows from the top.
        tilts_deg: (n, 2) tilt of each board about the picture's horizontal and vertical axis.
        distances_m: (n,) of each board, for a rough camera.
    """

    cells: NDArray[np.int64]
    tilts_deg: Floats
    distances_m: Floats

    @property
    def share(self) -> float:
        """Share of the picture's parts in which a corner was seen."""
        return float(np.mean(self.cells > 0))

    def unseen(self) -> list[str]:
        """Return the names of the regions of which less than half was seen."""
        step = CELLS // 3
        return [
            name
            for row, names in enumerate(REGIONS)
            for column, name in enumerate(names)
            if np.mean(self.cells[row * step : (row + 1) * step, column * step : (column + 1) * step] > 0) < 0.5
        ]

    def missing(self, wanted: Shown) -> list[str]:
        """Return what to show next, one sentence each; nothing when all is there."""
        said = []
        if len(self.tilts_deg) < wanted.pictures:
            said.append(f'{len(self.tilts_deg)} of {wanted.pictures} pictures')
        if self.unseen():
            said.append(f'the board was never in these parts of the picture: {", ".join(self.unseen())}')
        for axis, words in enumerate(('forward or back', 'to the left or right')):
            tilted = int(np.sum(np.abs(self.tilts_deg[:, axis]) > TILTED_DEG))
            if tilted < wanted.tilted:
                said.append(f'{tilted} pictures show the board tilted {words}, wanted {wanted.tilted}')
        ratio = float(self.distances_m.max() / self.distances_m.min()) if len(self.distances_m) else 1.0
        if ratio < wanted.distance_ratio:
            said.append(f'the farthest board is {ratio:.1f} times as far as the nearest, wanted {wanted.distance_ratio:g}')
        return said


def measure_coverage(corners_m: Floats, sightings: Sequence[Sighting], size_px: tuple[int, int]) -> Coverage:
    """Measure what pictures of a board have shown.

    Args:
        corners_m: (k, 3) corners of the board.
        sightings: One per picture.
        size_px: Width and height of the pictures.
    """
    width, height = size_px
    focal_px = ROUGH_FOCAL_SHARE * width
    K = np.array([[focal_px, 0, (width - 1) / 2], [0, focal_px, (height - 1) / 2], [0, 0, 1]])
    rough = CameraModel('rough', width, height, K)
    cells = np.zeros((CELLS, CELLS), np.int64)
    tilts, distances = [], []
    for seen in sightings:
        places = np.clip(((seen.pixels + 0.5) / [width, height] * CELLS).astype(int), 0, CELLS - 1)
        np.add.at(cells, (places[:, 1], places[:, 0]), 1)
        T, _ = board_pose(rough, corners_m[seen.ids], seen.pixels)
        normal = T[:3, 2]
        tilts.append(np.degrees([np.arctan2(normal[1], normal[2]), np.arctan2(normal[0], normal[2])]))
        distances.append(float(np.linalg.norm(T[:3, 3])))
    return Coverage(cells, np.array(tilts).reshape(-1, 2), np.array(distances))
