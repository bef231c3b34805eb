# SPDX-License-Identifier: Apache-2.0
"""Calibration boards: ChArUco boards and checkerboards.

The frame of a board lies in its plane with the origin at the outer corner of its first square: x along a row, y down the
columns, z away from the viewer, so a camera that looks straight at it has the same axes.
"""

import re
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from genima.errors import CalibrationError

KINDS = ('charuco', 'checkerboard')
DEFAULT = 'charuco:8x6:30:22:DICT_5X5_100'  # with a margin it fits on A4
FORM = 'charuco:COLUMNSxROWS:SQUARE:MARKER:DICTIONARY or checkerboard:COLUMNSxROWS:SQUARE, lengths in mm'


@dataclass(frozen=True)
class Board:
    """A flat board with a pattern of squares.

    Attributes:
        kind: 'charuco' or 'checkerboard'.
        columns: squares in a row.
        rows: squares in a column.
        square_m: side of a square.
        marker_m: side of a marker with its black border; ChArUco only.
        dictionary: OpenCV's name of the markers' dictionary, 'DICT_5X5_100' for example; ChArUco only.

    Raises:
        CalibrationError: if such a board cannot be.
    """

    kind: str
    columns: int
    rows: int
    square_m: float
    marker_m: float = 0.0
    dictionary: str = ''

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise CalibrationError(f'board of kind {self.kind!r}; allowed: {", ".join(KINDS)}')
        if min(self.columns, self.rows) < 3 or not 0.001 <= self.square_m <= 1.0:
            raise CalibrationError(
                f'board of {self.columns}x{self.rows} squares of {1e3 * self.square_m:g} mm; allowed: at least 3x3 squares '
                'of 1 to 1000 mm'
            )
        if self.kind == 'charuco':
            self._check_markers()

    def _check_markers(self) -> None:
        if not 0 < self.marker_m < self.square_m:
            raise CalibrationError(
                f'markers of {1e3 * self.marker_m:g} mm in squares of {1e3 * self.square_m:g} mm: a marker is smaller'
            )
        if not self.dictionary.startswith('DICT_') or not hasattr(cv2.aruco, self.dictionary):
            raise CalibrationError(f'unknown dictionary {self.dictionary!r}; OpenCV has DICT_5X5_100 and others')
        needed, there = self.columns * self.rows // 2, len(self.marker_dictionary().bytesList)
        if needed > there:
            raise CalibrationError(f'{self.dictionary} has {there} markers, the board needs {needed}; take a larger one')

    @classmethod
    def parse(cls, text: str) -> 'Board':
        """Build from text, `charuco:8x6:30:22:DICT_5X5_100` or `checkerboard:9x6:25`; lengths in mm.

        Raises:
            CalibrationError: if the text is not of that form.
        """
        kind, *parts = text.split(':')
        size = re.fullmatch(r'(\d+)x(\d+)', parts[0]) if parts else None
        if size is None or len(parts) != (4 if kind == 'charuco' else 2):
            raise CalibrationError(f'board {text!r}; the form is {FORM}')
        try:
            lengths_m = [1e-3 * float(part) for part in parts[1:3]]
        except ValueError as error:
            raise CalibrationError(f'board {text!r}: a length is not a number; the form is {FORM}') from error
        return cls(kind, int(size[1]), int(size[2]), *lengths_m, *parts[3:])  # type: ignore[arg-type]

    @property
    def text(self) -> str:
        """The form that `parse` reads."""
        base = f'{self.kind}:{self.columns}x{self.rows}:{1e3 * self.square_m:g}'
        return base if self.kind == 'checkerboard' else f'{base}:{1e3 * self.marker_m:g}:{self.dictionary}'

    @property
    def size_m(self) -> tuple[float, float]:
        """Width and height."""
        return self.columns * self.square_m, self.rows * self.square_m

    @property
    def ambiguous(self) -> bool:
        """Whether the board looks the same when it is turned by half a turn, so that its pose has two answers."""
        return self.kind == 'checkerboard' and (self.columns + self.rows) % 2 == 0

    def corners_m(self) -> NDArray[np.float64]:
        """Return the inner corners row by row, shape (n, 3); their places are the ids of a sighting."""
        x, y = np.meshgrid(np.arange(1, self.columns), np.arange(1, self.rows))
        flat = np.stack([x.ravel(), y.ravel(), np.zeros(x.size)], axis=1)
        return np.asarray(flat * self.square_m, dtype=np.float64)

    def marker_dictionary(self) -> cv2.aruco.Dictionary:
        """Return OpenCV's dictionary of the markers."""
        return cv2.aruco.getPredefinedDictionary(getattr(cv2.aruco, self.dictionary))

    def charuco(self) -> cv2.aruco.CharucoBoard:
        """Return the board as OpenCV's detector takes it."""
        return cv2.aruco.CharucoBoard((self.columns, self.rows), self.square_m, self.marker_m, self.marker_dictionary())
