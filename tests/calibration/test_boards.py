# SPDX-License-Identifier: Apache-2.0
"""Boards: as OpenCV has them, printed to scale, and found again."""

import re
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from genima.calibration.boards import DEFAULT, Board
from genima.calibration.detect import find_board
from genima.calibration.printing import board_pixels, board_svg, write_board
from genima.calibration.synthetic import picture, random_view
from genima.cameras.model import CameraModel
from genima.errors import CalibrationError

K = np.array([[600.0, 0, 318], [0, 602, 243], [0, 0, 1]])
FISHEYE_K = np.array([[360.0, 0, 318], [0, 361.0, 243], [0, 0, 1]])
LENSES = {
    'plumb_bob': CameraModel('c', 640, 480, K, np.array([0.1, -0.2, 0.001, -0.001, 0.05]), 'plumb_bob'),
    'equidistant': CameraModel('c', 640, 480, FISHEYE_K, np.array([0.02, -0.01, 0.003, -0.001]), 'equidistant'),
}
BOARDS = [DEFAULT, 'charuco:7x5:35:26:DICT_4X4_50', 'checkerboard:9x6:25', 'checkerboard:8x5:30']


@pytest.mark.parametrize('text', BOARDS)
def test_text_and_board_are_the_same(text: str) -> None:
    assert Board.parse(text).text == text


@pytest.mark.parametrize(
    'text',
    ['', 'charuco', 'charuco:8x6:30', 'checkerboard:8:30', 'checkerboard:8x6:wide', 'dots:8x6:30', 'checkerboard:2x6:30',
     'charuco:8x6:30:31:DICT_5X5_100', 'charuco:8x6:30:22:DICT_9X9', 'charuco:40x40:30:22:DICT_4X4_50'],
)  # fmt: skip
def test_what_is_no_board_is_refused(text: str) -> None:
    with pytest.raises(CalibrationError):
        Board.parse(text)


def test_the_layout_is_that_of_opencv() -> None:
    board = Board.parse('charuco:8x6:30:21:DICT_5X5_100')  # 21 mm: 7 cells of 3 mm; at 2 px per mm every edge is on a pixel
    theirs = board.charuco().generateImage((8 * 60, 6 * 60), marginSize=0, borderBits=1)
    assert np.mean(board_pixels(board, 2000.0) != theirs) < 0.002
    assert np.allclose(board.corners_m(), board.charuco().getChessboardCorners(), atol=1e-6)


def test_an_svg_is_to_scale() -> None:
    svg = board_svg(Board.parse('checkerboard:9x6:25'))
    assert 'width="250mm" height="175mm" viewBox="0 0 250 175"' in svg  # half a square of margin on each side
    sizes = re.findall(r'width="([\d.]+)" height="([\d.]+)"/>', svg)
    assert len(sizes) == 27 and {(float(w), float(h)) for w, h in sizes} == {(25.0, 25.0)}


def test_a_png_knows_its_resolution_and_its_corners_are_found(tmp_path: Path) -> None:
    board = Board.parse(DEFAULT)
    write_board(board, tmp_path / 'board.png', dpi=100)
    image = Image.open(tmp_path / 'board.png')
    assert image.info['dpi'] == pytest.approx((100, 100), abs=0.1)
    sighting = find_board(board, np.asarray(image))
    assert sighting is not None and len(sighting) == 35
    expected = (board.corners_m()[sighting.ids, :2] + 0.015) * 100 / 0.0254 - 0.5
    assert np.abs(sighting.pixels - expected).max() < 0.6  # edges were rounded to whole dots
    with pytest.raises(CalibrationError, match='svg'):
        write_board(board, tmp_path / 'board.pdf')


@pytest.mark.parametrize('text', BOARDS)
@pytest.mark.parametrize('lens', LENSES)
def test_corners_are_found_where_the_lens_shows_them(text: str, lens: str) -> None:
    board, camera, rng = Board.parse(text), LENSES[lens], np.random.default_rng(3)
    T = np.eye(4)
    T[:3, :3] = cv2.Rodrigues(rng.uniform(-0.4, 0.4, 3))[0]
    T[:3, 3] = [0, 0, 0.32] - T[:3, :2] @ np.array(board.size_m) / 2
    sighting = find_board(board, picture(board, camera, T))
    assert sighting is not None and len(sighting) >= 0.9 * len(board.corners_m())
    expected, _ = camera.project(board.corners_m()[sighting.ids] @ T[:3, :3].T + T[:3, 3])
    if board.ambiguous:
        expected = min(expected, expected[::-1], key=lambda order: np.abs(order - sighting.pixels).max())
    distances = np.linalg.norm(sighting.pixels - expected, axis=1)
    assert np.median(distances) < 0.1 and distances.max() < 0.5


def test_a_checkerboard_upside_down_keeps_its_origin() -> None:
    board, camera = Board.parse('checkerboard:8x5:30'), LENSES['plumb_bob']
    T = np.eye(4)
    T[:3, :3] = np.diag([-1.0, -1.0, 1.0])
    T[:3, 3] = [0, 0, 0.5] - T[:3, :2] @ np.array(board.size_m) / 2
    sighting = find_board(board, picture(board, camera, T))
    assert sighting is not None
    expected, _ = camera.project(board.corners_m() @ T[:3, :3].T + T[:3, 3])
    assert np.abs(sighting.pixels - expected).max() < 0.5


def test_a_picture_without_a_board_shows_none() -> None:
    noise = np.random.default_rng(0).integers(0, 255, (240, 320, 3), dtype=np.uint8)
    assert find_board(Board.parse(DEFAULT), noise) is None
    assert find_board(Board.parse('checkerboard:9x6:25'), noise) is None


def test_random_views_look_at_the_front_of_the_board() -> None:
    board, rng = Board.parse(DEFAULT), np.random.default_rng(0)
    for _ in range(20):
        T = random_view(board, LENSES['equidistant'], rng)
        assert T[:3, 2] @ T[:3, 3] > 0
