# SPDX-License-Identifier: Apache-2.0
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from genima.errors import GenimaError
from genima.randomize.photometric import (
    BRIGHTNESS,
    NEUTRAL_K,
    TEMPERATURE_K,
    Light,
    chromaticity,
    gains,
    random_light,
    relight,
)

LUMINANCE = np.array([0.2126, 0.7152, 0.0722])
GRAY = np.full((2, 3, 3), 128, dtype=np.uint8)


def linear(stored: np.ndarray) -> np.ndarray:
    return ((stored / 255 + 0.055) / 1.055) ** 2.4


@pytest.mark.parametrize(('temperature_k', 'xy'), [(2856, (0.44757, 0.40745)), (5000, (0.34510, 0.35161))])
def test_black_body_has_its_published_colour(temperature_k: float, xy: tuple[float, float]) -> None:
    """Illuminant A of the CIE, and the Planckian locus at 5000 K."""
    assert chromaticity(temperature_k) == pytest.approx(xy, abs=1e-3)


@given(st.floats(*TEMPERATURE_K))
def test_lower_temperatures_are_redder_and_as_light(temperature_k: float) -> None:
    red, green, blue = gains(temperature_k)
    assert red >= green - 1e-9 >= blue - 1e-9
    assert LUMINANCE @ gains(temperature_k) == pytest.approx(1.0)


def test_neutral_light_changes_nothing() -> None:
    image = np.random.default_rng(0).integers(0, 256, (5, 4, 3), dtype=np.uint8)
    np.testing.assert_array_equal(relight(image, Light(1.0, NEUTRAL_K)), image)


def test_half_the_light_is_half_the_linear_value() -> None:
    dark = relight(GRAY, Light(0.5))
    assert linear(dark[0, 0, 0]) == pytest.approx(0.5 * linear(np.array(128)), rel=0.02)
    assert dark.shape == GRAY.shape and (dark == dark[0, 0]).all()


@given(st.integers(0, 1000))
def test_lights_are_in_the_ranges_of_the_page(seed: int) -> None:
    light = random_light(np.random.default_rng(seed))
    assert BRIGHTNESS[0] <= light.brightness <= BRIGHTNESS[1]
    assert TEMPERATURE_K[0] <= light.temperature_k <= TEMPERATURE_K[1]
    assert light == random_light(np.random.default_rng(seed))


def test_impossible_lights_are_refused() -> None:
    with pytest.raises(GenimaError, match='brightness'):
        Light(0.0)
    with pytest.raises(GenimaError, match='1667'):
        gains(1000.0)
