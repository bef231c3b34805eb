# SPDX-License-Identifier: Apache-2.0
import numpy as np
import pytest

from genima.cameras.model import CameraModel
from genima.randomize.surface import cover, grain, plane_coordinates, sample_texture
from genima.randomize.textures import random_surface

CAMERA = CameraModel('any', 40, 30, np.array([[35.0, 0, 19.5], [0, 35.0, 14.5], [0, 0, 1]]))


def tilted() -> np.ndarray:
    """Return a plane 0.8 m ahead, turned by 0.7 rad about the camera's x."""
    T = np.eye(4)
    T[1:3, 1:3] = [[np.cos(0.7), -np.sin(0.7)], [np.sin(0.7), np.cos(0.7)]]
    T[:3, 3] = 0.05, -0.02, 0.8
    return T


def test_plane_coordinates_project_back_to_the_pixels() -> None:
    T = tilted()
    xy = plane_coordinates(CAMERA, T)
    points = np.concatenate([xy, np.zeros((30, 40, 1))], axis=-1) @ T[:3, :3].T + T[:3, 3]
    ahead = points[..., 2] > 0
    uv, _ = CAMERA.project(points)
    v, u = np.mgrid[:30, :40]
    np.testing.assert_allclose(uv[ahead], np.stack([u, v], axis=-1)[ahead], atol=1e-6)
    assert ahead.mean() > 0.9


def test_a_plane_seen_edge_on_gives_no_infinite_places() -> None:
    T = np.eye(4)
    T[:3, :3] = [[1, 0, 0], [0, 0, -1], [0, 1, 0]]
    assert np.isfinite(plane_coordinates(CAMERA, T)).all()


def test_texture_repeats_without_seams() -> None:
    ramp = np.repeat(np.linspace(0, 255, 64).astype(np.uint8)[None, :, None], 64, axis=0).repeat(3, axis=2)
    x = np.linspace(-3, 3, 300)
    line = sample_texture(ramp, np.stack([x, 0 * x], axis=-1)[None], 1.0)[0, :, 0].astype(int)
    assert np.abs(np.diff(line)).max() <= 8 and line.max() - line.min() > 230
    np.testing.assert_array_equal(line, line[::-1])


def test_only_masked_pixels_change_and_shading_stays() -> None:
    image = np.full((4, 6, 3), 100, dtype=np.uint8)
    image[:, 4:] = 50  # a shadow
    mask = np.zeros((4, 6), dtype=bool)
    mask[:, 2:] = True
    green = np.zeros_like(image)
    green[..., 1] = 160
    covered = cover(image, mask, green)
    np.testing.assert_array_equal(covered[~mask], image[~mask])
    assert (covered[:, 2:, 0] == 0).all() and (covered[:, 2:4, 1] > covered[:, 4:, 1]).all()
    assert covered[:, 2:4, 1] / covered[:, 4:, 1] == pytest.approx(2.0, abs=0.05)
    assert cover(image, np.zeros_like(mask), green) is image


def test_grain_keeps_the_colour() -> None:
    red = np.zeros((32, 32, 3), dtype=np.uint8)
    red[..., 0], red[..., 1] = 150, 30
    mask = np.ones((32, 32), dtype=bool)
    _, texture = random_surface(np.random.default_rng(1), 32)
    out = grain(red, mask, texture).astype(float)
    assert (out[..., 2] == 0).all() and np.abs(out[..., 1] / out[..., 0] - 0.2).max() < 0.02
    assert np.ptp(out[..., 0]) > 10
