# SPDX-License-Identifier: Apache-2.0
import numpy as np

from genima.episodes.diversity import conditions, level
from genima.episodes.episode import Episode
from genima.randomize.photometric import Light, relight
from genima.randomize.relit import relit


def test_an_episode_under_another_light_says_so() -> None:
    views = {'front': np.random.default_rng(0).integers(0, 256, (3, 8, 9, 3), dtype=np.uint8)}
    numbers = {name: np.zeros((3, 2)) for name in ('q_rad', 'q_command_rad')}
    openings = {name: np.zeros(3) for name in ('gripper_open', 'gripper_command_open')}
    metadata = {'robot': 'panda', 'diversity': {'background': 'wood', 'conditions': ['table texture', 'brightness']}}
    episode = Episode(timestamps_s=np.arange(3.0), views=views, cameras={}, metadata=metadata, **numbers, **openings)
    light = Light(0.6, 3500.0)
    other = relit(episode, light)
    np.testing.assert_array_equal(other.views['front'], relight(views['front'], light))
    assert conditions(other.metadata) == ('brightness', 'color temperature', 'table texture')
    assert level(conditions(other.metadata)) == 'medium'
    assert '60 %, 3500 K' in other.metadata['diversity']['lighting']
    assert other.metadata['diversity']['background'] == 'wood' and metadata['diversity'].keys() == {
        'background',
        'conditions',
    }
    np.testing.assert_array_equal(other.q_rad, episode.q_rad)
