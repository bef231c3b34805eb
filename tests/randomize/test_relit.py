# SPDX-License-Identifier: Apache-2.0
from pathlib import Path

import numpy as np
import pytest

from genima.episodes.diversity import conditions, level
from genima.episodes.episode import Episode
from genima.episodes.store import read_episode, write_episode
from genima.randomize.photometric import Light, relight
from genima.randomize.relit import relight_dataset, relit


@pytest.fixture
def episode() -> Episode:
    views = {'front': np.random.default_rng(0).integers(0, 256, (3, 8, 9, 3), dtype=np.uint8)}
    numbers = {name: np.zeros((3, 2)) for name in ('q_rad', 'q_command_rad')}
    openings = {name: np.zeros(3) for name in ('gripper_open', 'gripper_command_open')}
    metadata = {'robot': 'panda', 'diversity': {'background': 'wood', 'conditions': ['table texture', 'brightness']}}
    return Episode(timestamps_s=np.arange(3.0), views=views, cameras={}, metadata=metadata, **numbers, **openings)


def test_an_episode_under_another_light_says_so(episode: Episode) -> None:
    light = Light(0.6, 3500.0)
    other = relit(episode, light)
    np.testing.assert_array_equal(other.views['front'], relight(episode.views['front'], light))
    assert conditions(other.metadata) == ('brightness', 'color temperature', 'table texture')
    assert level(conditions(other.metadata)) == 'medium'
    assert '60 %, 3500 K' in other.metadata['diversity']['lighting']
    assert other.metadata['diversity']['background'] == 'wood'
    assert episode.metadata['diversity'].keys() == {'background', 'conditions'}
    np.testing.assert_array_equal(other.q_rad, episode.q_rad)


def test_a_dataset_under_other_lights_is_the_same_each_time(tmp_path: Path, episode: Episode) -> None:
    names = ['episode_000000.h5', 'episode_000001.h5']
    for name in names:
        write_episode(tmp_path / 'native' / name, episode)
    assert list(relight_dataset(tmp_path / 'native', tmp_path / 'lit', seed=3)) == names
    first, second = (read_episode(tmp_path / 'lit' / name) for name in names)
    assert first.metadata['diversity']['lighting'] != second.metadata['diversity']['lighting']
    assert first.views['front'].mean() < episode.views['front'].mean()
    (tmp_path / 'lit' / names[1]).unlink()
    assert list(relight_dataset(tmp_path / 'native', tmp_path / 'lit', seed=3)) == names[1:]
    np.testing.assert_array_equal(read_episode(tmp_path / 'lit' / names[1]).views['front'], second.views['front'])
