# SPDX-License-Identifier: Apache-2.0
"""The outline of a sphere encloses what the renderer paints, through any lens."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from genima.cameras.model import CameraModel
from genima.spheres.outline import outline_px
from genima.spheres.render import visible
from genima.spheres.scene import Sphere

K = np.array([[150.0, 0, 99.5], [0, 150.0, 74.5], [0, 0, 1]])
LENSES = {
    'pinhole': CameraModel('any', 200, 150, K),
    'plumb_bob': CameraModel('any', 200, 150, K, np.array([-0.25, 0.06, 0.001, -0.001, 0.0]), 'plumb_bob'),
    'equidistant': CameraModel('any', 200, 150, K, np.array([0.02, -0.005, 0.001, 0.0]), 'equidistant'),
}


def _sphere(x_m: float, y_m: float, z_m: float, radius_m: float) -> Sphere:
    T = np.eye(4)
    T[:3, 3] = x_m, y_m, z_m
    return Sphere('any', T, radius_m, np.array([255, 0, 0], dtype=np.uint8))


def _area_px(line: np.ndarray) -> float:
    x, y = line[:-1].T
    return 0.5 * abs(float(x @ np.roll(y, -1) - y @ np.roll(x, -1)))


@pytest.mark.parametrize('lens', LENSES)
@settings(max_examples=15)
@given(u=st.floats(-0.3, 0.3), v=st.floats(-0.2, 0.2), z_m=st.floats(0.6, 2.0), share=st.floats(0.05, 0.15))
def test_the_outline_encloses_what_is_painted(lens: str, u: float, v: float, z_m: float, share: float) -> None:
    camera, sphere = LENSES[lens], _sphere(u * z_m, v * z_m, z_m, share * z_m)
    line = outline_px(camera, np.eye(4), sphere, points=201)
    assert np.allclose(line[0], line[-1])
    seen = visible(camera, np.eye(4), [sphere])
    assert _area_px(line) == pytest.approx(seen.pixels_alone[0], rel=0.06, abs=12)
    np.testing.assert_allclose(line[:-1].mean(axis=0), seen.outline_px[0], atol=1.0)


def test_what_cannot_be_seen_whole_has_no_outline() -> None:
    for sphere in (_sphere(0, 0, -1, 0.1), _sphere(0, 0, 0.05, 0.1), _sphere(0.1, 0, 0.02, 0.08)):
        assert outline_px(LENSES['pinhole'], np.eye(4), sphere).shape == (0, 2)
