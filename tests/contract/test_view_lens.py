# SPDX-License-Identifier: Apache-2.0
"""A fisheye keeps its field of view: contract, views, spheres and triangulation share one camera of the view."""

from pathlib import Path

import numpy as np
import pytest

from genima.cameras.lens import ViewLens
from genima.cameras.model import CameraModel
from genima.cameras.triangulate import nearest_point, view_ray
from genima.cameras.views import prepare
from genima.contract.spec import PolicySpec
from genima.errors import ContractError
from genima.failures.moments import View
from genima.robots.profile import RobotProfile
from genima.spheres.render import visible
from genima.spheres.scene import Sphere

FISHEYE = CameraModel(
    'front', 640, 480, np.array([[180.0, 0, 322.0], [0, 181.0, 236.0], [0, 0, 1]]), np.array([0.01, -0.002, 0.0, 0.0]),
    'equidistant',
)  # fmt: skip
LENS = ViewLens('equidistant', 150.0)
SIZE = 256


def ball(xyz_m: list[float], radius_m: float = 0.01) -> Sphere:
    T = np.eye(4)
    T[:3, 3] = xyz_m
    return Sphere('ball', T, radius_m, np.array([255, 0, 0], dtype=np.uint8))


@pytest.mark.parametrize(
    ('policy', 'digits'), [('panda_pick', '700557c0c7760026'), ('ur5e_pick', 'a8537475d3b1f2e3')]
)
def test_shipped_policies_keep_their_hash(policy: str, digits: str) -> None:
    spec = PolicySpec.load(Path(__file__).parents[2] / 'models' / policy)
    assert spec.hash() == digits
    assert 'view_lens' not in spec.to_dict()


def test_the_lens_is_part_of_the_contract(tmp_path: Path) -> None:
    spec = PolicySpec.from_recipe('small', RobotProfile.load('panda'))
    lenses = {'front': {'model': 'equidistant', 'view_angle_deg': 150.0}}
    wide = PolicySpec.from_dict({**spec.to_dict(), 'view_lens': lenses})
    assert wide.view_lens == {'front': LENS}
    assert wide.hash() != spec.hash()
    assert [line.split(':')[0] for line in spec.differences(wide)] == ['view_lens']
    wide.save(tmp_path)
    assert PolicySpec.load(tmp_path).hash() == wide.hash()


@pytest.mark.parametrize(
    'lens',
    [
        {'front': {'model': 'fish', 'view_angle_deg': 150.0}},
        {'front': {'model': 'pinhole', 'view_angle_deg': 179.0}},
        {'front': {'model': 'equidistant', 'view_angle_deg': float('nan')}},
        {'front': {'model': 'equidistant'}},
        {'front': 150.0},
        {'nowhere': {'model': 'equidistant', 'view_angle_deg': 150.0}},
        [150.0],
    ],
)
def test_a_lens_that_makes_no_sense_is_refused(lens: object) -> None:
    spec = PolicySpec.from_recipe('small', RobotProfile.load('panda'))
    with pytest.raises(ContractError):
        PolicySpec.from_dict({**spec.to_dict(), 'view_lens': lens})


def test_a_fisheye_view_shows_what_the_contract_says() -> None:
    rays = FISHEYE.view(SIZE, LENS).rays()
    middle = SIZE // 2
    kept_deg = np.degrees(np.arccos(rays[middle, 0] @ rays[middle, -1]))
    assert kept_deg >= 140.0
    old = FISHEYE.view(SIZE).rays()
    assert np.degrees(np.arccos(old[middle, 0] @ old[middle, -1])) < 110.0


@pytest.mark.parametrize('lens', [LENS, ViewLens('pinhole', 100.0), None])
@pytest.mark.parametrize('angle_deg', [0.0, 25.0, 40.0])
def test_a_point_of_the_image_lies_where_the_view_projects_it(lens: ViewLens | None, angle_deg: float) -> None:
    angle = np.radians(angle_deg)
    point = np.array([np.sin(angle), 0.1, np.cos(angle)])
    image = np.zeros((480, 640, 3), np.uint8)
    (u, v), _ = FISHEYE.project(point)
    rows, columns = np.mgrid[:480, :640]
    image[:] = (255 * np.exp(-((columns - u) ** 2 + (rows - v) ** 2) / 18))[..., None]
    view, model = prepare(image, FISHEYE, SIZE, lens=lens)
    weights = view[..., 0].astype(float)
    rows, columns = np.mgrid[:SIZE, :SIZE]
    found = [(weights * columns).sum() / weights.sum(), (weights * rows).sum() / weights.sum()]
    np.testing.assert_allclose(found, model.project(point)[0], atol=0.5)


def test_an_ideal_fisheye_without_coefficients_is_rectified_too() -> None:
    ideal = CameraModel('front', 640, 480, FISHEYE.K, np.zeros(4), 'equidistant')
    point = np.array([0.5, 0.0, 1.0])
    (u, v), _ = ideal.project(point)
    rows, columns = np.mgrid[:480, :640]
    image = np.repeat((255 * np.exp(-((columns - u) ** 2 + (rows - v) ** 2) / 18))[..., None], 3, 2).astype(np.uint8)
    view, model = prepare(image, ideal, SIZE)
    row, column = np.unravel_index(view[..., 0].argmax(), view.shape[:2])
    np.testing.assert_allclose([column, row], model.project(point)[0], atol=1.0)


@pytest.mark.parametrize('xyz_m', [[0.0, 0.0, 0.5], [0.9, 0.2, 0.35], [-1.0, 0.0, 0.3], [0.0, 0.5, 0.2]])
def test_spheres_are_drawn_where_the_view_projects_them(xyz_m: list[float]) -> None:
    seen = visible(FISHEYE.view(SIZE, LENS), np.eye(4), [ball(xyz_m, 0.02)])
    assert seen.pixels[0] > 3
    np.testing.assert_allclose(seen.outline_px[0], seen.centres_px[0], atol=0.5)


def test_two_fisheye_views_triangulate_to_a_millimetre() -> None:
    model, away = FISHEYE.view(SIZE, LENS), np.eye(4)
    away[0, 3] = -0.4  # the second camera stands 0.4 m to the right
    for where in ([0.2, 0.1, 0.4], [0.6, -0.1, 0.3], [-0.4, 0.2, 0.3]):
        rays = [view_ray(model, T, model.project((T @ [*where, 1.0])[:3])[0]) for T in (np.eye(4), away)]
        point = nearest_point([origin for origin, _ in rays], [direction for _, direction in rays])
        assert point is not None
        assert np.linalg.norm(point - where) < 1e-3


def test_failures_measure_in_the_view_of_a_fisheye() -> None:
    view = View(FISHEYE.view(SIZE, LENS), np.eye(4), {}, {})
    where, beside = np.array([0.5, 0.0, 0.3]), np.array([0.5, 0.002, 0.3])
    assert view.off_mm(where, view.pixel(beside)) == pytest.approx(2.0, rel=0.25)
    moved = view.pixel(where) + view.pixel_slopes(where) @ (beside - where)
    np.testing.assert_allclose(moved, view.pixel(beside), atol=0.01)
    assert view.holds(where, 0.02)
    assert not view.holds(np.array([0.5, 0.0, -0.3]), 0.02)
