# SPDX-License-Identifier: Apache-2.0
"""OpenCV's projection is that of our cameras, with derivatives; a board's pose is found again."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from genima.calibration.boards import DEFAULT, Board
from genima.calibration.lens import board_pose, lens_vector, project_with_derivatives, with_lens
from genima.calibration.synthetic import random_view
from genima.cameras.model import CameraModel

K = np.array([[600.0, 0, 318], [0, 602, 243], [0, 0, 1]])
CAMERAS = [
    CameraModel('c', 640, 480, K),
    CameraModel('c', 640, 480, K, np.array([0.1, -0.2, 0.001, -0.001, 0.05]), 'plumb_bob'),
    CameraModel('c', 640, 480, K, np.array([0.3, -0.2, 0.001, -0.001, 0.05, 0.2, -0.1, 0.02]), 'rational_polynomial'),
    CameraModel('c', 640, 480, K, np.array([0.02, -0.01, 0.003, -0.001]), 'equidistant'),
]


@pytest.mark.parametrize('camera', CAMERAS, ids=lambda camera: camera.model)
@given(seed=st.integers(0, 10_000))
def test_projection_and_derivatives(camera: CameraModel, seed: int) -> None:
    rng = np.random.default_rng(seed)
    points = rng.uniform([-0.2, -0.2, 0.4], [0.2, 0.2, 1.0], (5, 3))
    pixels, by_point, by_lens = project_with_derivatives(camera, points)
    assert np.allclose(pixels, camera.project(points)[0], atol=1e-6)
    step = 1e-6
    for axis in range(3):
        shifted = points + step * np.eye(3)[axis]
        assert np.allclose((camera.project(shifted)[0] - pixels) / step, by_point[..., axis], atol=0.05, rtol=1e-3)
    numbers = lens_vector(camera)
    assert by_lens.shape == (5, 2, len(numbers))
    for place in range(len(numbers)):
        changed = with_lens(camera, numbers + step * np.eye(len(numbers))[place])
        assert np.allclose((changed.project(points)[0] - pixels) / step, by_lens[..., place], atol=0.01, rtol=1e-3)


@pytest.mark.parametrize('camera', CAMERAS, ids=lambda camera: camera.model)
def test_the_pose_of_a_board_is_found(camera: CameraModel) -> None:
    board, rng = Board.parse(DEFAULT), np.random.default_rng(1)
    corners = board.corners_m()
    for _ in range(10):
        T = random_view(board, camera, rng)
        pixels, _ = camera.project(corners @ T[:3, :3].T + T[:3, 3])
        if not np.isfinite(pixels).all():
            continue
        found, residuals = board_pose(camera, corners, pixels)
        assert np.abs(found - T).max() < 1e-6 and np.abs(residuals).max() < 1e-5
