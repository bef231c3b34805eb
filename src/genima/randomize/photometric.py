# SPDX-License-Identifier: Apache-2.0
"""Another light on a picture: brightness from 50 to 100 %, colour temperature from 3000 to 6500 K.

Ranges: the training-data page that the project follows, "Visual Diversity".
"""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from genima.errors import GenimaError

Image = NDArray[np.uint8]

BRIGHTNESS = (0.5, 1.0)
TEMPERATURE_K = (3000.0, 6500.0)
LIGHTING = ('brightness', 'color temperature')
"""What changes, as `metadata['diversity']['conditions']` names it."""
NEUTRAL_K = 6500.0
"""Pictures are taken to be balanced for this light; it changes nothing."""

# linear sRGB from CIE XYZ with white D65 (IEC 61966-2-1)
_RGB_FROM_XYZ = np.array(
    [[3.2406, -1.5372, -0.4986], [-0.9689, 1.8758, 0.0415], [0.0557, -0.2040, 1.0570]], dtype=np.float64
)
_LUMINANCE = np.array([0.2126, 0.7152, 0.0722])  # of linear sRGB, ITU-R BT.709


@dataclass(frozen=True)
class Light:
    """A light.

    Attributes:
        brightness: Share of the light's power that is left, in (0, 1].
        temperature_k: Colour temperature, 1667 to 25000 K.
    """

    brightness: float = 1.0
    temperature_k: float = NEUTRAL_K

    def __post_init__(self) -> None:
        if not 0 < self.brightness <= 1:
            raise GenimaError(f'brightness {self.brightness} must be above 0 and at most 1')

    def describe(self) -> str:
        """Return the light in words, as metadata note it."""
        return f'brightness {100 * self.brightness:.0f} %, {self.temperature_k:.0f} K'


def random_light(rng: np.random.Generator) -> Light:
    """Draw a light from the ranges above, evenly."""
    return Light(float(rng.uniform(*BRIGHTNESS)), float(rng.uniform(*TEMPERATURE_K)))


def chromaticity(temperature_k: float) -> tuple[float, float]:
    """Return CIE 1931 x, y of a black body.

    Source: Kim et al., US patent 7024034 B2 (2002), cubic splines for the Planckian locus from 1667 to 25000 K.

    Raises:
        GenimaError: outside of that range.
    """
    if not 1667 <= temperature_k <= 25000:
        raise GenimaError(f'colour temperature {temperature_k} K; it must be between 1667 and 25000 K')
    u = 1e3 / temperature_k
    if temperature_k <= 4000:
        x = float(np.polyval([-0.2661239, -0.2343589, 0.8776956, 0.179910], u))
    else:
        x = float(np.polyval([-3.0258469, 2.1070379, 0.2226347, 0.240390], u))
    if temperature_k <= 2222:
        y = [-1.1063814, -1.34811020, 2.18555832, -0.20219683]
    elif temperature_k <= 4000:
        y = [-0.9549476, -1.37418593, 2.09137015, -0.16748867]
    else:
        y = [3.0817580, -5.87338670, 3.75112997, -0.37001483]
    return x, float(np.polyval(y, x))


def gains(temperature_k: float) -> NDArray[np.float64]:
    """Return factors (3,) on linear red, green and blue under this light; what is grey keeps its luminance.

    They are the colour of the black body over that at 6500 K, for which the picture was balanced (von Kries, 1902, in the
    camera's own primaries).
    """
    lit = _linear_rgb(temperature_k) / _linear_rgb(NEUTRAL_K)
    factors: NDArray[np.float64] = lit / (_LUMINANCE @ lit)
    return factors


def relight(image: Image, light: Light) -> Image:
    """Return a picture (..., 3) uint8 sRGB under another light; what gets too bright is cut off, as in a camera."""
    levels = _levels(light)
    return np.stack([levels[channel][image[..., channel]] for channel in range(3)], axis=-1)


@lru_cache(maxsize=64)
def _levels(light: Light) -> NDArray[np.uint8]:
    """Return what becomes of each level of each channel (3, 256); light adds up in linear values, not in stored ones."""
    stored = np.arange(256) / 255
    linear = np.where(stored <= 0.04045, stored / 12.92, ((stored + 0.055) / 1.055) ** 2.4)
    lit = np.clip(light.brightness * gains(light.temperature_k)[:, None] * linear, 0, 1)
    coded = np.where(lit <= 0.0031308, 12.92 * lit, 1.055 * lit ** (1 / 2.4) - 0.055)
    levels: NDArray[np.uint8] = np.rint(255 * coded).astype(np.uint8)
    return levels


def _linear_rgb(temperature_k: float) -> NDArray[np.float64]:
    x, y = chromaticity(temperature_k)
    rgb: NDArray[np.float64] = _RGB_FROM_XYZ @ np.array([x / y, 1.0, (1 - x - y) / y])
    return np.maximum(rgb, 1e-3)  # below 1900 K a black body is redder than sRGB can show
