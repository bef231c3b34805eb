# SPDX-License-Identifier: Apache-2.0
"""Pictures that must not change by accident.

Regenerate them after a change on purpose, and look at them: `python tests/spheres/test_golden.py`.
"""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from ray_caster import HEIGHT_PX, LENSES, WIDTH_PX, lens, sphere

from genima.spheres.render import draw
from genima.spheres.scene import Stripes

GOLDEN = Path(__file__).with_name('golden')
SPHERES = [
    sphere((-0.25, -0.15, 1.0), 0.16, (40, 110, 255), (0.2, 0.1, 0.6)),
    sphere((0.10, -0.02, 0.9), 0.12, (255, 225, 30), (0.0, 0.8, 0.0)),
    sphere((0.20, 0.06, 1.3), 0.18, (230, 60, 230), (1.0, 0.0, 0.3)),
    sphere((-0.12, 0.24, 0.8), 0.10, (30, 230, 60), (0.0, 0.0, 1.4)),
]


def picture(model: str) -> np.ndarray:
    """Return four spheres, one half hidden and one that touches it, over a gradient."""
    u, v = np.meshgrid(np.linspace(60, 220, WIDTH_PX), np.linspace(60, 220, HEIGHT_PX))
    gradient = np.stack([u, v, 280 - u], axis=-1).astype(np.uint8)
    return draw(gradient, lens(model), np.eye(4), SPHERES, Stripes(6, 0.3))


@pytest.mark.parametrize('model', LENSES)
def test_picture_is_the_golden_one(model: str) -> None:
    golden = np.asarray(Image.open(GOLDEN / f'{model}.png'))
    assert np.abs(picture(model).astype(int) - golden).max() <= 2


if __name__ == '__main__':
    for name in LENSES:
        Image.fromarray(picture(name)).save(GOLDEN / f'{name}.png')
