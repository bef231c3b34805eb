# SPDX-License-Identifier: Apache-2.0
"""A board on paper, to scale: SVG in millimetres, or PNG with its resolution in the file."""

import io
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from genima.calibration.boards import Board
from genima.errors import CalibrationError
from genima.files import write_atomic

M_PER_INCH = 0.0254
MARGIN_SHARE = 0.5  # of a square: the detectors need white around the pattern
MAX_PX = 20000


def dark_rectangles(board: Board, margin_m: float = 0.0) -> NDArray[np.float64]:
    """Return what is black on a board: rows x, y, width, height [m] from the outer corner of a margin."""
    squares = [(c, r) for r in range(board.rows) for c in range(board.columns) if (c + r) % 2 == 0]
    black = [(c * board.square_m, r * board.square_m, board.square_m, board.square_m) for c, r in squares]
    if board.kind == 'charuco':
        charuco = board.charuco()
        for identity, points in zip(np.ravel(charuco.getIds()), charuco.getObjPoints(), strict=True):
            black += _marker(board, int(identity), float(points[0][0]), float(points[0][1]))
    return np.array(black) + np.array([margin_m, margin_m, 0.0, 0.0])


def _marker(board: Board, identity: int, x_m: float, y_m: float) -> list[tuple[float, float, float, float]]:
    """Return the black runs of one marker whose upper left corner is given."""
    dictionary = board.marker_dictionary()
    cells = dictionary.markerSize + 2  # with its border
    bits = dictionary.generateImageMarker(identity, cells) == 0
    side_m = board.marker_m / cells
    runs = []
    for row, dark in enumerate(bits):
        edges = np.flatnonzero(np.diff(np.concatenate([[0], dark.astype(np.int8), [0]])))
        runs += [(x_m + a * side_m, y_m + row * side_m, (b - a) * side_m, side_m) for a, b in edges.reshape(-1, 2)]
    return runs


def board_pixels(board: Board, px_per_m: float, margin_m: float = 0.0) -> NDArray[np.uint8]:
    """Return the board as a grey picture (height, width), uint8, with a white margin.

    Raises:
        CalibrationError: if the picture would have more than 20000 pixels on a side.
    """
    size_px = np.round((np.array(board.size_m) + 2 * margin_m) * px_per_m).astype(int)
    if size_px.max() > MAX_PX:
        raise CalibrationError(f'a picture of {size_px[0]}x{size_px[1]} px is too large; ask for fewer dpi, or SVG')
    picture = np.full(size_px[::-1], 255, np.uint8)
    for x, y, width, height in px_per_m * dark_rectangles(board, margin_m):
        picture[round(y) : round(y + height), round(x) : round(x + width)] = 0
    return picture


def board_svg(board: Board) -> str:
    """Return the board as SVG text whose units are millimetres."""
    margin_m = MARGIN_SHARE * board.square_m
    width, height = (1e3 * (side_m + 2 * margin_m) for side_m in board.size_m)
    shapes = (
        f'<rect x="{x:.4f}" y="{y:.4f}" width="{w:.4f}" height="{h:.4f}"/>'
        for x, y, w, h in 1e3 * dark_rectangles(board, margin_m)
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width:g}mm" height="{height:g}mm" viewBox="0 0 {width:g} '
        f'{height:g}" shape-rendering="crispEdges">\n<title>{board.text}</title>\n'
        f'<rect width="{width:g}" height="{height:g}" fill="white"/>\n' + '\n'.join(shapes) + '\n</svg>\n'
    )


def write_board(board: Board, path: Path, dpi: float = 300.0) -> None:
    """Write a board for printing.

    Args:
        board: What to print.
        path: `.svg` or `.png`.
        dpi: Dots per inch of a PNG.

    Raises:
        CalibrationError: for another kind of file.
    """
    if path.suffix.lower() == '.svg':
        write_atomic(path, board_svg(board))
    elif path.suffix.lower() == '.png':
        data = io.BytesIO()
        picture = board_pixels(board, dpi / M_PER_INCH, MARGIN_SHARE * board.square_m)
        Image.fromarray(picture).save(data, format='png', dpi=(dpi, dpi))
        write_atomic(path, data.getvalue())
    else:
        raise CalibrationError(f'{path}: a board is written as .svg or .png')
