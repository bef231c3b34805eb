# SPDX-License-Identifier: Apache-2.0
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from genima.cameras.model import CameraModel
from genima.cameras.views import grid, prepare, tile, untile
from genima.errors import CalibrationError, ContractError


@given(st.integers(1, 6), st.integers(1, 5), st.integers(1, 5))
def test_untile_undoes_tile(views: int, height: int, width: int) -> None:
    pictures = np.random.default_rng(0).integers(0, 255, (views, height, width, 3), dtype=np.uint8)
    tiled = tile(pictures)
    rows, columns = grid(views)
    assert tiled.shape == (rows * height, columns * width, 3)
    np.testing.assert_array_equal(untile(tiled, views), pictures)


def test_tiles_are_in_contract_order_row_by_row() -> None:
    pictures = np.stack([np.full((2, 2, 3), index, np.uint8) for index in range(4)])
    assert tile(pictures)[::2, ::2, 0].tolist() == [[0, 1], [2, 3]]


def test_what_is_no_grid_is_refused() -> None:
    with pytest.raises(ContractError, match='tiles'):
        untile(np.zeros((3, 4, 3), np.uint8), 4)
    with pytest.raises(ContractError, match='1 to 6'):
        grid(7)


def _blob(camera: CameraModel, point: np.ndarray) -> np.ndarray:
    """Draw a soft blob where the camera sees a point."""
    uv, _ = camera.project(point)
    v, u = np.mgrid[: camera.height_px, : camera.width_px]
    weight = np.exp(-((u - uv[0]) ** 2 + (v - uv[1]) ** 2) / (2 * 4.0**2))
    return np.repeat((255 * weight).astype(np.uint8)[..., None], 3, axis=2)


@pytest.mark.parametrize(
    ('model', 'D', 'size'),
    [
        ('pinhole', (), 64),
        ('plumb_bob', (-0.2, 0.05, 0.001, -0.001, 0.0), 64),
        ('equidistant', (0.02, -0.003, 0.0, 0.0), 64),
        ('pinhole', (), 200),
    ],
)
def test_intrinsics_follow_the_picture(model: str, D: tuple[float, ...], size: int) -> None:
    camera = CameraModel('c', 160, 120, np.array([[110.0, 0, 81], [0, 112.0, 58], [0, 0, 1]]), np.array(D), model)
    point = np.array([0.1, -0.15, 1.0])
    view, view_camera = prepare(_blob(camera, point), camera, size)
    assert view.shape == (size, size, 3) and (view_camera.width_px, view_camera.height_px) == (size, size)
    weight = view[..., 0].astype(float)
    v, u = np.mgrid[:size, :size]
    seen = np.array([(weight * u).sum(), (weight * v).sum()]) / weight.sum()
    np.testing.assert_allclose(view_camera.project(point)[0], seen, atol=0.25)


def test_square_pinhole_view_is_left_alone() -> None:
    camera = CameraModel('c', 32, 32, np.array([[30.0, 0, 15.5], [0, 30.0, 15.5], [0, 0, 1]]))
    picture = np.random.default_rng(0).integers(0, 255, (32, 32, 3), dtype=np.uint8)
    view, view_camera = prepare(picture, camera, 32)
    np.testing.assert_array_equal(view, picture)
    assert view_camera == camera


def test_picture_of_another_size_is_refused() -> None:
    camera = CameraModel('wrist', 32, 32, np.array([[30.0, 0, 15.5], [0, 30.0, 15.5], [0, 0, 1]]))
    with pytest.raises(CalibrationError, match='wrist'):
        prepare(np.zeros((24, 32, 3), np.uint8), camera, 32)
