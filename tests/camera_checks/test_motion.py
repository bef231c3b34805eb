# SPDX-License-Identifier: Apache-2.0
"""The motion of a picture is measured to a small part of a pixel, in any light, whatever was put there."""

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from genima.camera_checks.motion import Pattern, PictureMotion

SIZE_PX = 160


def scene(seed: int) -> np.ndarray:
    """A picture with things of many sizes, larger than what is shown of it."""
    rng = np.random.default_rng(seed)
    parts = [cv2.GaussianBlur(rng.normal(size=(300, 300)), (0, 0), sigma) * sigma for sigma in (1.5, 4.0, 12.0)]
    picture = sum(parts)
    return np.asarray(128 + 45 * picture / picture.std(), dtype=np.float32)


def shown(
    picture: np.ndarray, shift_px: tuple[float, float] = (0, 0), turn_rad: float = 0.0, zoom: float = 1.0
) -> np.ndarray:
    """What a camera sees of it; the motion is about the middle."""
    c, s = zoom * np.cos(turn_rad), zoom * np.sin(turn_rad)
    middle, out = 149.5, (SIZE_PX - 1) / 2
    move = np.array([[c, -s, 0.0], [s, c, 0.0]])
    move[:, 2] = np.array([out, out]) + shift_px - move[:, :2] @ [middle, middle]
    seen = cv2.warpAffine(picture, move, (SIZE_PX, SIZE_PX), flags=cv2.INTER_CUBIC)
    return np.clip(np.rint(seen), 0, 255).astype(np.uint8)


def measured(before: np.ndarray, after: np.ndarray, hidden: np.ndarray | None = None) -> PictureMotion:
    nothing = np.zeros_like(before)
    motion = Pattern(before, 255 - nothing).motion_to(after, nothing if hidden is None else hidden)
    assert motion is not None
    return motion


@settings(max_examples=15, deadline=None)
@given(
    st.integers(0, 50), st.floats(-9, 9), st.floats(-9, 9), st.floats(-0.05, 0.05), st.floats(0.97, 1.03)
)
def test_shift_turn_and_zoom_are_found(seed: int, right_px: float, down_px: float, turn_rad: float, zoom: float) -> None:
    picture = scene(seed)
    motion = measured(shown(picture), shown(picture, (right_px, down_px), turn_rad, zoom))
    assert motion.turn_rad == pytest.approx(turn_rad, abs=1e-3) and motion.zoom == pytest.approx(zoom, abs=1e-3)
    np.testing.assert_allclose(motion.shift_px, [right_px, down_px], atol=0.5)  # mean over what is still seen
    assert motion.likeness > 0.9


def test_a_small_shift_is_measured_to_some_hundredths_of_a_pixel() -> None:
    picture = scene(1)
    motion = measured(shown(picture), shown(picture, (0.31, -0.17)))
    np.testing.assert_allclose(motion.shift_px, [0.31, -0.17], atol=0.03)
    assert motion.largest_px == pytest.approx(np.hypot(0.31, 0.17), abs=0.05)


def test_another_light_is_no_motion() -> None:
    picture = shown(scene(2)).astype(float)
    dimmed = 0.6 * picture + 20 + np.linspace(0, 40, SIZE_PX)  # and a lamp at the side
    noise = np.random.default_rng(0).normal(0, 1.5, picture.shape)
    motion = measured(picture.astype(np.uint8), np.clip(dimmed + noise, 0, 255).astype(np.uint8))
    assert motion.largest_px < 0.1


def test_a_thing_put_into_the_picture_does_not_count_nor_does_what_is_hidden() -> None:
    before = shown(scene(3))
    after = shown(scene(3), (0.5, 0.0))
    after[20:60, 30:80] = shown(scene(9))[20:60, 30:80]
    assert measured(before, after).shift_px == pytest.approx([0.5, 0.0], abs=0.05)
    hidden = np.zeros_like(before)
    hidden[:, :100] = 255
    after[:, :95] = 200
    assert measured(before, after, hidden).shift_px == pytest.approx([0.5, 0.0], abs=0.1)


def test_too_little_to_see_is_said() -> None:
    before = shown(scene(4))
    assert Pattern(before, np.full_like(before, 255)).motion_to(before, np.full_like(before, 255)) is None
    plain = np.full_like(before, 100)
    assert Pattern(plain, np.full_like(plain, 255)).motion_to(before, np.zeros_like(before)) is None
    assert measured(before, shown(scene(5))).likeness < 0.4, 'another picture'
