# SPDX-License-Identifier: Apache-2.0
"""Another texture where the masks say, the same pixels everywhere else, and a note of it."""

import sys
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
from typer.testing import CliRunner

from genima.cli.main import app
from genima.episodes.store import read_episode
from genima.errors import DatasetError, GenimaError
from genima.quality.verify import verify
from genima.randomize.masks import read_masks, write_masks
from genima.randomize.retextured import Swap, retexture_dataset, retextured
from genima.robots.profile import RobotProfile

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / 'quality'))
from small_episodes import SIZE, STEPS, make_episode, write_dataset

FIRST = 'episode_000000.h5'
SHAPES = dict.fromkeys(('front', 'wrist'), (STEPS, *SIZE))


@pytest.fixture
def dataset(tmp_path: Path, panda: RobotProfile) -> Path:
    return write_dataset(tmp_path / 'wave', panda, 2)


@pytest.fixture
def masks(tmp_path: Path) -> Path:
    for stem in ('episode_000000', 'episode_000001'):
        write_masks(tmp_path / 'masks' / f'{stem}.h5', _masks())
    return tmp_path / 'masks'


def _masks() -> dict[str, np.ndarray]:
    mask = np.zeros((STEPS, *SIZE), dtype=bool)
    for step in range(STEPS):
        mask[step, 5:15, step % 20 : step % 20 + 10] = True
    mask[3] = False  # the arm hides it
    return {'front': mask, 'wrist': mask[::-1]}


@pytest.mark.parametrize('part', ['object', 'background'])
def test_only_what_the_masks_show_changes(part: str, dataset: Path, masks: Path, tmp_path: Path) -> None:
    assert len(list(retexture_dataset(dataset, tmp_path / 'new', Swap(part, str(masks), seed=1)))) == 2
    before, after = read_episode(dataset / FIRST), read_episode(tmp_path / 'new' / FIRST)
    for name, mask in _masks().items():
        np.testing.assert_array_equal(after.views[name][~mask], before.views[name][~mask])
        changed = (after.views[name] != before.views[name]).any(axis=-1)[mask]
        assert changed.mean() > 0.9
    diversity = after.metadata['diversity']
    assert f'{part} texture' in diversity['conditions'] and 'day' in diversity['conditions']
    assert diversity['texture_swaps'][0]['seed'] == 1
    assert not [finding for finding in verify(tmp_path / 'new') if finding.severity == 'error']


def test_the_seed_decides(dataset: Path, masks: Path, tmp_path: Path) -> None:
    for name, seed in (('a', 1), ('b', 1), ('c', 2)):
        list(retexture_dataset(dataset, tmp_path / name, Swap('background', str(masks), seed)))
    first, same, other = (read_episode(tmp_path / name / FIRST).views['front'] for name in 'abc')
    assert (first == same).all() and (first != other).any()


def test_the_texture_goes_with_the_object_and_shade_stays(panda: RobotProfile) -> None:
    episode = make_episode(panda, 0)
    grey = np.full((STEPS, *SIZE, 3), 120, dtype=np.uint8)
    grey[:, :10] = 60  # the upper half of what is masked lies in the shadow
    episode = replace(episode, views={'front': grey, 'wrist': grey})
    texture = np.random.default_rng(0).integers(100, 120, (32, 32, 3), dtype=np.uint8)
    new = retextured(episode, _masks(), Swap('object', ''), 'noise', texture, panda).views['front']
    np.testing.assert_array_equal(new[0, 5:15, 0:10], new[7, 5:15, 7:17])
    assert new[0, 10:15, :10].mean() / new[0, 5:10, :10].mean() == pytest.approx(2.0, abs=0.1)
    np.testing.assert_array_equal(new[3], grey[3])


def test_masks_may_be_png_files(tmp_path: Path) -> None:
    for camera, mask in _masks().items():
        (tmp_path / 'episode_000000' / camera).mkdir(parents=True)
        for step, each in enumerate(mask):
            cv2.imwrite(str(tmp_path / 'episode_000000' / camera / f'{step:04d}.png'), 255 * each.astype(np.uint8))
    read = read_masks(tmp_path, 'episode_000000', SHAPES)
    for camera, mask in _masks().items():
        np.testing.assert_array_equal(read[camera], mask)
    (tmp_path / 'episode_000000' / 'wrist' / '0005.png').write_bytes(b'')
    with pytest.raises(DatasetError, match='nothing readable'):
        read_masks(tmp_path, 'episode_000000', SHAPES)
    (tmp_path / 'episode_000000' / 'wrist' / '0005.png').unlink()
    with pytest.raises(DatasetError, match='no mask of step 5'):
        read_masks(tmp_path, 'episode_000000', SHAPES)


def test_masks_that_do_not_fit_are_refused_in_words(masks: Path, tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match='has no masks of episode_7'):
        read_masks(masks, 'episode_7', SHAPES)
    with pytest.raises(DatasetError, match='no masks of camera left'):
        read_masks(masks, 'episode_000000', {'left': (STEPS, *SIZE)})
    with pytest.raises(DatasetError, match='are needed'):
        read_masks(masks, 'episode_000000', {'front': (STEPS + 1, *SIZE)})
    (masks / 'episode_000000.h5').write_bytes(b'nothing')
    with pytest.raises(DatasetError, match='as masks of these images'):
        read_masks(masks, 'episode_000000', SHAPES)
    with pytest.raises(GenimaError, match='no part'):
        Swap('arm', str(masks))


def test_the_command_warns_where_the_instruction_names_a_colour(dataset: Path, masks: Path, tmp_path: Path) -> None:
    arguments = ['dataset', 'retexture', str(dataset), '--out', str(tmp_path / 'new'), '--masks', str(masks)]
    result = CliRunner().invoke(app, arguments)
    assert result.exit_code == 0 and '2 episodes written' in result.output and 'another colour' not in result.output
    assert isinstance(CliRunner().invoke(app, [*arguments[:4], str(dataset), *arguments[5:]]).exception, DatasetError)
