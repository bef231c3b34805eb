# SPDX-License-Identifier: Apache-2.0
"""Finding the corners of a board in a picture."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from genima.calibration.boards import Board

MIN_CORNERS = 6  # a pose needs four; two more show when one is wrong
REFINE = (cv2.TERM_CRITERIA_EPS + cv2.TERM_CRITERIA_COUNT, 40, 1e-3)
SB_FLAGS = cv2.CALIB_CB_EXHAUSTIVE | cv2.CALIB_CB_ACCURACY | cv2.CALIB_CB_NORMALIZE_IMAGE


@dataclass(frozen=True, eq=False)
class Sighting:
    """The corners of a board that one picture shows.

    Attributes:
        ids: (n,) places of the corners in `Board.corners_m`.
        pixels: (n, 2) where they are [px].
    """

    ids: NDArray[np.int64]
    pixels: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.ids)


def find_board(board: Board, picture: NDArray[np.uint8]) -> Sighting | None:
    """Find the inner corners of a board.

    A ChArUco board may be partly hidden, a checkerboard may not.

    Args:
        board: What to look for.
        picture: RGB (height, width, 3) or grey (height, width), uint8.

    Returns:
        The corners, or None where fewer than `MIN_CORNERS` are seen.
    """
    grey = np.asarray(cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY) if picture.ndim == 3 else picture, dtype=np.uint8)
    sighting = _find_charuco(board, grey) if board.kind == 'charuco' else _find_checkerboard(board, grey)
    return sighting if sighting is not None and len(sighting) >= MIN_CORNERS else None


def _find_charuco(board: Board, grey: NDArray[np.uint8]) -> Sighting | None:
    markers = cv2.aruco.DetectorParameters()
    markers.cornerRefinementMethod = cv2.aruco.CORNER_REFINE_SUBPIX
    detector = cv2.aruco.CharucoDetector(board.charuco(), cv2.aruco.CharucoParameters(), markers)
    pixels, ids, _, _ = detector.detectBoard(grey)
    if ids is None or len(ids) == 0:
        return None
    places = np.ravel(ids).astype(np.int64)
    return Sighting(places, _refined(board, grey, np.asarray(pixels, dtype=np.float32), places))


def _find_checkerboard(board: Board, grey: NDArray[np.uint8]) -> Sighting | None:
    shape = board.columns - 1, board.rows - 1
    found, pixels = cv2.findChessboardCornersSB(grey, shape, flags=SB_FLAGS)
    if not found:
        return None
    corners = pixels.reshape(-1, 2).astype(np.float64)
    if not board.ambiguous and not _first_inner_square_is_dark(grey, corners, shape[0]):
        corners = corners[::-1].copy()
    return Sighting(np.arange(len(corners)), corners)


def _refined(
    board: Board, grey: NDArray[np.uint8], pixels: NDArray[np.float32], ids: NDArray[np.int64]
) -> NDArray[np.float64]:
    """Sharpen corners in a window that stays clear of the markers, which are edges, too."""
    corners = pixels.reshape(-1, 2)
    gap_share = (board.square_m - board.marker_m) / (2 * board.square_m)
    window = int(np.clip(0.7 * gap_share * _square_px(board, corners, ids), 2, 8))
    return cv2.cornerSubPix(grey, corners.copy(), (window, window), (-1, -1), REFINE).reshape(-1, 2).astype(np.float64)


def _square_px(board: Board, corners: NDArray[np.float32], ids: NDArray[np.int64]) -> float:
    """Return the side of a square as the picture shows it, the shortest near any two neighbours."""
    place = {int(identity): corner for identity, corner in zip(ids, corners, strict=True)}
    across = board.columns - 1
    steps = [
        float(np.linalg.norm(place[other] - corner))
        for identity, corner in place.items()
        for other in (identity + 1 if (identity + 1) % across else -1, identity + across)
        if other in place
    ]
    return min(steps, default=10.0)


def _first_inner_square_is_dark(grey: NDArray[np.uint8], corners: NDArray[np.float64], across: int) -> bool:
    """Return whether the square behind the first inner corner is darker than its neighbour, as the board has it."""

    def brightness(first: int) -> float:
        u, v = corners[[first, first + 1, first + across, first + across + 1]].mean(axis=0).round().astype(int)
        return float(grey[max(v - 1, 0) : v + 2, max(u - 1, 0) : u + 2].mean())

    return brightness(0) < brightness(1)
