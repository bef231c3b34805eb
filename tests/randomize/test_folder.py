# SPDX-License-Identifier: Apache-2.0
from pathlib import Path

import cv2
import numpy as np
import pytest

from genima.errors import DatasetError
from genima.randomize.folder import make_mixed_pool, random_crop, random_texture, read_texture, texture_files


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two pictures: a red one, and one that is green at the left and blue at the right."""
    (tmp_path / 'more').mkdir()
    red = np.zeros((40, 60, 3), dtype=np.uint8)
    red[..., 2] = 255  # OpenCV writes blue, green, red
    halves = np.zeros((90, 90, 3), dtype=np.uint8)
    halves[:, :45, 1], halves[:, 45:, 0] = 255, 255
    assert cv2.imwrite(str(tmp_path / 'a.PNG'), red) and cv2.imwrite(str(tmp_path / 'more' / 'b.jpg'), halves)
    (tmp_path / 'notes.txt').write_text('no picture')
    return tmp_path


def test_pictures_are_found_below_and_read_as_rgb(folder: Path) -> None:
    first, second = texture_files(folder)
    assert (first.name, second.name) == ('a.PNG', 'b.jpg')
    np.testing.assert_array_equal(read_texture(first)[0, 0], (255, 0, 0))


@pytest.mark.parametrize('size_px', [16, 200])
def test_crops_are_squares_of_the_wanted_size(folder: Path, size_px: int) -> None:
    image, rng = read_texture(folder / 'more' / 'b.jpg'), np.random.default_rng(0)
    crops = [random_crop(rng, image, size_px) for _ in range(8)]
    assert all(crop.shape == (size_px, size_px, 3) and crop.dtype == np.uint8 for crop in crops)
    assert len({crop.tobytes() for crop in crops}) > 1, 'different places'


def test_a_pool_is_partly_from_the_folder_and_the_same_for_a_seed(folder: Path) -> None:
    pools = [make_mixed_pool(np.random.default_rng(3), 6, 24, folder, share=0.5) for _ in range(2)]
    np.testing.assert_array_equal(*pools)
    pure = (pools[0].reshape(6, -1, 3).min(axis=1) == pools[0].reshape(6, -1, 3).max(axis=1)).all(axis=1)
    assert pools[0].shape == (6, 24, 24, 3) and pure[:3].any()
    assert make_mixed_pool(np.random.default_rng(3), 4, 24, folder, share=1.0).shape == (4, 24, 24, 3)
    assert make_mixed_pool(np.random.default_rng(3), 4, 24).shape == (4, 24, 24, 3)


def test_every_file_gets_its_turn(folder: Path) -> None:
    rng, files = np.random.default_rng(0), texture_files(folder)
    assert {random_texture(rng, files, 8)[0] for _ in range(20)} == {'a.PNG', 'b.jpg'}


def test_wrong_folders_and_files_are_named(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match='no pictures'):
        texture_files(tmp_path)
    for content in (b'', b'no picture'):
        (tmp_path / 'c.png').write_bytes(content)
        with pytest.raises(DatasetError, match=r'c\.png'):
            make_mixed_pool(np.random.default_rng(0), 2, 8, tmp_path)
