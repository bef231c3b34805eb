# SPDX-License-Identifier: Apache-2.0
"""What can be mended is, nothing is invented, and the original stays beside it."""

from pathlib import Path

import h5py
import numpy as np
import pytest
from small_episodes import make_episode

from genima.episodes.index import FILE_NAME, read_index, refresh_index
from genima.episodes.store import read_episode, write_episode
from genima.quality.repair import Action, plan_repair
from genima.quality.salvage import salvage, whole_steps
from genima.quality.verify import verify
from genima.robots.profile import RobotProfile

FIRST = 'episode_000000.h5'


def _run(folder: Path) -> list[Action]:
    actions = list(plan_repair(folder))
    for action in actions:
        if action.run is not None:
            action.run()
    return actions


def test_a_whole_dataset_needs_no_repair(dataset: Path) -> None:
    refresh_index(dataset)
    assert list(plan_repair(dataset)) == []


def test_planning_changes_nothing(dataset: Path) -> None:
    (dataset / FIRST).write_bytes((dataset / FIRST).read_bytes()[:-100])
    before = {path.name: path.read_bytes() for path in dataset.iterdir()}
    assert list(plan_repair(dataset))
    assert {path.name: path.read_bytes() for path in dataset.iterdir()} == before


@pytest.mark.parametrize('share', [0.5, 0.8, 0.97])
def test_a_file_that_ends_early_keeps_its_whole_steps(share: float, panda: RobotProfile, dataset: Path) -> None:
    path, episode = dataset / FIRST, make_episode(panda, 0)
    write_episode(path, episode)
    assert verify(path) == []
    data = path.read_bytes()
    path.write_bytes(data[: int(share * len(data))])
    broken = path.read_bytes()
    steps, before = whole_steps(path)
    assert before == len(episode) and 0.5 * share * before < steps < before
    _run(dataset)
    again = read_episode(path)
    np.testing.assert_array_equal(again.views['wrist'], episode.views['wrist'][:steps])
    np.testing.assert_array_equal(again.timestamps_s, episode.timestamps_s[:steps])
    assert again.metadata['repaired']['steps_before'] == before
    assert (dataset / f'{FIRST}.broken').read_bytes() == broken
    assert verify(dataset) == []
    assert not list(dataset.glob('.*'))


def test_a_damaged_picture_ends_the_episode(panda: RobotProfile, dataset: Path) -> None:
    episode = make_episode(panda, 0)
    episode.views['front'][:] = np.arange(len(episode), dtype=np.uint8)[:, None, None, None]  # is stored compressed
    episode.views['front'][:, :, 16:] += 100
    write_episode(dataset / FIRST, episode)
    with h5py.File(dataset / FIRST) as file:
        place = file['observations/rgb_front'].id.get_chunk_info_by_coord((20, 0, 0, 0))
    data = bytearray((dataset / FIRST).read_bytes())
    data[place.byte_offset : place.byte_offset + place.size] = b'\xff' * place.size
    (dataset / FIRST).write_bytes(data)
    _run(dataset)
    again = read_episode(dataset / FIRST)
    np.testing.assert_array_equal(again.views['front'], episode.views['front'][:20])
    assert verify(dataset / FIRST) == []


def test_what_cannot_be_mended_is_said_and_left_alone(dataset: Path) -> None:
    (dataset / FIRST).write_bytes((dataset / FIRST).read_bytes()[:3000])
    broken = (dataset / FIRST).read_bytes()
    hopeless = [action for action in _run(dataset) if action.run is None]
    assert len(hopeless) == 1 and FIRST in hopeless[0].text
    assert (dataset / FIRST).read_bytes() == broken


def test_a_second_repair_keeps_the_first_original(dataset: Path, panda: RobotProfile) -> None:
    for _ in range(2):
        write_episode(dataset / FIRST, make_episode(panda, 0))
        data = (dataset / FIRST).read_bytes()
        (dataset / FIRST).write_bytes(data[: 4 * len(data) // 5])
        _run(dataset)
    assert (dataset / f'{FIRST}.broken').exists() and (dataset / f'{FIRST}.broken2').exists()


def test_a_damaged_index_is_made_anew(dataset: Path) -> None:
    refresh_index(dataset)
    (dataset / FILE_NAME).write_text('{')
    _run(dataset)
    assert len(read_index(dataset)) == 4 and (dataset / f'{FILE_NAME}.broken').read_text() == '{'


def test_salvage_writes_nothing_if_it_fails(dataset: Path, tmp_path: Path) -> None:
    (dataset / FIRST).write_bytes((dataset / FIRST).read_bytes()[:3000])
    with pytest.raises(ValueError, match='copy it again'):
        salvage(dataset / FIRST, tmp_path / 'kept.h5')
    assert not (tmp_path / 'kept.h5').exists()
