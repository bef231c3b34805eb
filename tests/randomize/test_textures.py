# SPDX-License-Identifier: Apache-2.0
import numpy as np
import pytest

from genima.randomize import textures


def test_same_seed_same_backgrounds_other_seed_others() -> None:
    first, second, other = (textures.make_pool(np.random.default_rng(seed), 4, 32) for seed in (0, 0, 1))
    np.testing.assert_array_equal(first, second)
    assert (first != other).any()
    assert first.shape == (4, 32, 32, 3) and first.dtype == np.uint8


@pytest.mark.parametrize('kind', textures._KINDS, ids=lambda kind: kind.__name__)
def test_every_kind_differs_from_draw_to_draw(kind: object) -> None:
    rng = np.random.default_rng(3)
    pictures = [kind(rng, 48) for _ in range(6)]  # type: ignore[operator]
    assert all(picture.shape == (48, 48, 3) and picture.dtype == np.uint8 for picture in pictures)
    assert np.std([picture.mean() for picture in pictures]) > 3


def test_varied_background_keeps_its_shape() -> None:
    rng = np.random.default_rng(0)
    background = textures.random_background(rng, 40)
    looks = [textures.vary(rng, background) for _ in range(5)]
    assert all(look.shape == background.shape and look.dtype == np.uint8 for look in looks)
    assert any((look != background).any() for look in looks)
