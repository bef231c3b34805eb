# SPDX-License-Identifier: Apache-2.0
import cv2
import numpy as np
import pytest

from genima.cameras.model import CameraModel
from genima.spheres.detect import find
from genima.spheres.render import draw, visible
from genima.spheres.scene import Sphere, Stripes

COLORS = [(40, 110, 255), (255, 225, 30), (230, 60, 230), (30, 230, 60), (255, 120, 20)]
CAMERA = CameraModel('camera', 128, 128, np.array([[120.0, 0, 63.5], [0, 120.0, 63.5], [0, 0, 1]]), np.zeros(0), 'pinhole')


def sphere(color: int, x_m: float, y_m: float, radius_m: float = 0.05) -> Sphere:
    T = np.eye(4)
    T[:3, 3] = x_m, y_m, 1.0
    turn = cv2.Rodrigues(np.array([0.3 * color, 0.5, 0.8]))[0]
    T[:3, :3] = turn
    return Sphere(f'sphere {color}', T, radius_m, np.array(COLORS[color], dtype=np.uint8))


def scene(rng: np.random.Generator) -> list[Sphere]:
    places = rng.permutation([(-0.3, -0.3), (0.3, -0.3), (0, 0), (-0.3, 0.3), (0.3, 0.3)])
    return [sphere(color, *(place + rng.uniform(-0.1, 0.1, 2))) for color, place in enumerate(places)]


def grey_room(rng: np.random.Generator) -> np.ndarray:
    coarse = rng.integers(60, 220, (8, 8), dtype=np.uint8)
    return np.repeat(cv2.resize(coarse, (128, 128), interpolation=cv2.INTER_LINEAR)[..., None], 3, axis=-1)


@pytest.mark.parametrize('dark', [1.0, 0.45])
@pytest.mark.parametrize('seed', range(4))
def test_finds_striped_spheres(seed: int, dark: float) -> None:
    rng = np.random.default_rng(seed)
    spheres = scene(rng)
    found = find(draw(grey_room(rng), CAMERA, np.eye(4), spheres, Stripes(4, dark)), COLORS)
    seen = visible(CAMERA, np.eye(4), spheres)
    for one, outline, pixels in zip(found, seen.outline_px, seen.pixels, strict=True):
        assert np.linalg.norm(one.uv_px - outline) < 0.6
        assert one.pixels == pytest.approx(pixels, rel=0.25)


def test_half_a_pixel_on_blurred_and_noisy_pictures() -> None:
    errors = []
    for seed in range(8):
        rng = np.random.default_rng(seed)
        spheres = scene(rng)
        image = draw(grey_room(rng), CAMERA, np.eye(4), spheres, Stripes())
        spoiled = cv2.GaussianBlur(image, (0, 0), 0.9) + rng.normal(0, 8, image.shape)
        found = find(np.clip(spoiled, 0, 255).astype(np.uint8), COLORS)
        outlines = visible(CAMERA, np.eye(4), spheres).outline_px
        errors += [np.linalg.norm(one.uv_px - outline) for one, outline in zip(found, outlines, strict=True)]
    assert np.median(errors) < 0.5


def test_a_speck_of_the_same_hue_does_not_pull_the_centre() -> None:
    one = sphere(3, 0.2, 0.1)
    image = draw(np.full((128, 128, 3), 128, dtype=np.uint8), CAMERA, np.eye(4), [one], Stripes())
    image[5:8, 5:8] = COLORS[3]
    found = find(image, COLORS)[3]
    assert np.linalg.norm(found.uv_px - visible(CAMERA, np.eye(4), [one]).outline_px[0]) < 0.6


def test_what_is_not_there_is_not_found() -> None:
    assert find(np.full((64, 64, 3), 200, dtype=np.uint8), COLORS) == [None] * 5
    assert find(np.full((64, 64, 3), (200, 25, 25), dtype=np.uint8), COLORS) == [None] * 5


@pytest.mark.parametrize('u', [0, 127])
def test_spheres_at_the_edge(u: int) -> None:
    image = np.full((128, 128, 3), 90, dtype=np.uint8)
    cv2.circle(image, (u, 64), 6, COLORS[0], -1)
    assert abs(find(image, COLORS)[0].uv_px[1] - 64) < 0.3
