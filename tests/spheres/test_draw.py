# SPDX-License-Identifier: Apache-2.0
"""The renderer against a brute-force ray caster, its fast path against the general one, and the edges of its contract."""

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ray_caster import HEIGHT_PX, LENSES, WIDTH_PX, cast, lens, sphere

from genima.errors import GenimaError
from genima.spheres import render
from genima.spheres.render import draw, draw_views, visible
from genima.spheres.scene import Sphere, Stripes

COLORS = ((255, 0, 0), (0, 255, 0), (60, 120, 255))
STRIPES = Stripes(4, 0.3)
BACKGROUND = np.full((HEIGHT_PX, WIDTH_PX, 3), 128, np.uint8)


def number(low: float, high: float) -> st.SearchStrategy[float]:
    return st.floats(low, high)


SPHERES = st.builds(
    sphere,
    centre_m=st.tuples(number(-0.9, 0.9), number(-0.8, 0.8), number(-0.5, 1.6)),
    radius_m=number(0.05, 0.3),
    color=st.sampled_from(COLORS),
    turn_rad=st.tuples(number(-3, 3), number(-3, 3), number(-3, 3)),
)


def no_shared_surface(spheres: list[Sphere]) -> bool:
    """Spheres that coincide, or touch from inside, have no defined order."""
    for one, other in combinations(spheres, 2):
        apart_m = np.linalg.norm(one.T_base_sphere[:3, 3] - other.T_base_sphere[:3, 3])
        if abs(apart_m - abs(one.radius_m - other.radius_m)) < 0.04:
            return False
    return True


SCENES = (
    st.lists(SPHERES, min_size=1, max_size=3)
    .filter(
        # from less than two radii away the sphere fills the small image, and single pixels span large angles
        lambda spheres: all(np.linalg.norm(each.T_base_sphere[:3, 3]) > 2 * each.radius_m for each in spheres)
    )
    .filter(no_shared_surface)
)


def drawn(model: str, spheres: list[Sphere], stripes: Stripes = STRIPES) -> np.ndarray:
    return draw(BACKGROUND, lens(model), np.eye(4), spheres, stripes)


def general(spheres: list[Sphere], stripes: Stripes = STRIPES) -> np.ndarray:
    """Draw with the path that serves all lenses, which recording asks for."""
    image, owner = BACKGROUND.copy(), np.full(BACKGROUND.shape[:2], -1, np.int16)
    render._run(image, owner, lens('pinhole'), np.eye(4), spheres, stripes)
    return image


@pytest.mark.parametrize('model', LENSES)
@settings(max_examples=25, deadline=None)
@given(spheres=SCENES)
def test_looks_as_a_ray_caster_sees_it(model: str, spheres: list[Sphere]) -> None:
    difference = np.abs(drawn(model, spheres) - cast(BACKGROUND, lens(model), spheres, STRIPES)).max(axis=-1)
    assert difference.mean() < 2.5
    assert np.count_nonzero(difference > 90) <= 0.01 * difference.size


@pytest.mark.parametrize('model', LENSES)
@settings(max_examples=25, deadline=None)
@given(one=SPHERES.filter(lambda each: np.linalg.norm(each.T_base_sphere[:3, 3]) > 2 * each.radius_m))
def test_outline_is_right_to_a_fraction_of_a_pixel(model: str, one: Sphere) -> None:
    plain = Sphere(one.name, one.T_base_sphere, one.radius_m, np.array([255, 255, 255], np.uint8))
    black = np.zeros_like(BACKGROUND)
    cover = draw(black, lens(model), np.eye(4), [plain], Stripes(1, 1.0))[..., 0] / 255
    truth = cast(black, lens(model), [plain], Stripes(1, 1.0))[..., 0] / 255
    assert np.abs(cover - truth).max() < 0.35


@settings(max_examples=40, deadline=None)
@given(spheres=SCENES)
def test_fast_path_agrees_with_the_general_one(spheres: list[Sphere]) -> None:
    difference = np.abs(drawn('pinhole', spheres).astype(int) - general(spheres))
    assert np.quantile(difference, 0.98) <= 2 and difference.mean() < 0.2


@pytest.mark.parametrize('model', LENSES)
def test_near_hides_far_in_any_order(model: str) -> None:
    far, near = sphere((0, 0, 1.4), 0.3, (255, 0, 0)), sphere((0.02, 0, 0.8), 0.1, (0, 0, 255))
    for spheres in ([far, near], [near, far]):
        assert drawn(model, spheres, Stripes(1, 1.0))[20, 23].tolist() == [0, 0, 255]


def test_spheres_that_intersect_are_cut_where_they_meet() -> None:
    left, right = sphere((-0.08, 0, 1), 0.15, (255, 0, 0)), sphere((0.08, 0, 1), 0.15, (0, 0, 255))
    row = drawn('pinhole', [left, right], Stripes(1, 1.0))[20]
    assert row[19].tolist() == [255, 0, 0] and row[26].tolist() == [0, 0, 255]


@pytest.mark.parametrize('model', LENSES)
def test_stripes_turn_with_the_frame(model: str) -> None:
    upright = drawn(model, [sphere((0, 0, 0.8), 0.25)], Stripes(6, 0.0)).astype(int)
    turned = drawn(model, [sphere((0, 0, 0.8), 0.25, turn_rad=(0, 0, np.pi / 2))], Stripes(6, 0.0)).astype(int)
    inner = np.s_[16:25, 18:27, 0]
    across, down = np.abs(np.diff(upright[inner], axis=1)).sum(), np.abs(np.diff(upright[inner], axis=0)).sum()
    assert across > 5 * down
    across, down = np.abs(np.diff(turned[inner], axis=1)).sum(), np.abs(np.diff(turned[inner], axis=0)).sum()
    assert down > 5 * across


@pytest.mark.parametrize('model', LENSES)
def test_what_cannot_be_seen_is_not_drawn(model: str) -> None:
    around, behind = sphere((0, 0, 0.05), 0.2), sphere((0.05, 0, -1.0), 0.1)
    assert (drawn(model, [around, behind]) == BACKGROUND).all()
    assert (drawn(model, []) == BACKGROUND).all()


def test_input_stays_and_out_is_used() -> None:
    image, out = BACKGROUND.copy(), np.empty_like(BACKGROUND)
    one = [sphere((0, 0, 0.8))]
    assert draw(image, lens('pinhole'), np.eye(4), one, STRIPES, out=out) is out
    assert (image == BACKGROUND).all() and (out == drawn('pinhole', one)).all()
    assert draw(image, lens('pinhole'), np.eye(4), one, STRIPES, out=image) is image and (image == out).all()


def test_part_of_a_larger_image_can_be_drawn_into() -> None:
    tiles = np.full((HEIGHT_PX, 2 * WIDTH_PX, 3), 128, np.uint8)
    view = tiles[:, WIDTH_PX:]
    draw(view, lens('pinhole'), np.eye(4), [sphere((0, 0, 0.8))], STRIPES, out=view)
    assert np.abs(view.astype(int) - drawn('pinhole', [sphere((0, 0, 0.8))])).max() <= 2
    assert (tiles[:, :WIDTH_PX] == 128).all()


def test_views_are_drawn_each_with_its_camera() -> None:
    cameras, one = [lens(model) for model in LENSES], [sphere((0.1, 0, 0.8))]
    views = draw_views(np.stack([BACKGROUND] * 3), cameras, [np.eye(4)] * 3, one, STRIPES)
    for view, model in zip(views, LENSES, strict=True):
        assert (view == drawn(model, one)).all()


@pytest.mark.parametrize('image', [np.zeros((40, 47, 3), np.uint8), np.zeros((40, 48, 3)), np.zeros((40, 48), np.uint8)])
def test_an_image_that_does_not_fit_is_refused(image: np.ndarray) -> None:
    with pytest.raises(GenimaError, match=r'does not fit.*\(40, 48, 3\) uint8'):
        draw(image, lens('pinhole'), np.eye(4), [], STRIPES)


@pytest.mark.parametrize('model', LENSES)
def test_visible_tells_centres_and_pixels(model: str) -> None:
    spheres = [sphere((0.1, -0.05, 1.0)), sphere((0.1, -0.05, 2.0)), sphere((0, 0, -1.0)), sphere((0, 0.3, 0.9), 0.08)]
    seen = visible(lens(model), np.eye(4), spheres)
    expected, _ = lens(model).project(np.array([each.T_base_sphere[:3, 3] for each in spheres]))
    np.testing.assert_allclose(seen.centres_px, expected)
    np.testing.assert_allclose(seen.depths_m, [1.0, 2.0, -1.0, 0.9])
    assert seen.pixels[0] == seen.pixels_alone[0] > 0
    assert seen.pixels[1] == 0 < seen.pixels_alone[1] and np.isnan(seen.outline_px[1]).all()
    assert seen.pixels[2] == seen.pixels_alone[2] == 0
    assert np.abs(seen.outline_px[[0, 3]] - expected[[0, 3]]).max() < 0.6
