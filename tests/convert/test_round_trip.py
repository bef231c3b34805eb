# SPDX-License-Identifier: Apache-2.0
"""Through every format and back: nothing may be lost on the way."""

from pathlib import Path

import numpy as np
import pytest
from small_recording import record

from genima.convert.formats import plan
from genima.episodes.store import read_episode, write_episode
from genima.errors import DatasetError
from genima.quality.compare import compare_episodes, paired


@pytest.fixture(scope='module')
def native(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two recordings as episodes."""
    folder = tmp_path_factory.mktemp('chain')
    for number in range(2):
        record(folder / 'mcap' / f'episode_{number:06d}')
    return _convert(folder / 'mcap', folder / 'native', 'hdf5')


def _convert(source: Path, out: Path, to: str, **options: object) -> Path:
    for step in plan(source, out, to):
        step.run(lambda name: None, 1, options)
    return out


def test_nothing_is_lost_through_all_formats(native: Path, tmp_path: Path) -> None:
    source = native
    for number, to in enumerate(('lerobot', 'rlds', 'mcap')):
        away = _convert(source, tmp_path / to, to, images='png')
        source = _convert(away, tmp_path / f'native_{number}', 'hdf5')
    for ours, theirs in paired(native, source):
        compared = compare_episodes(ours, theirs)
        assert compared.same_numbers, compared.different
        assert compared.psnr_db == {'front': np.inf, 'wrist': np.inf}


def test_a_difference_is_named(native: Path, tmp_path: Path) -> None:
    path = tmp_path / 'episode_000000.h5'
    episode = read_episode(native / path.name)
    episode.timestamps_s[3] += 1e-9 + np.spacing(episode.timestamps_s[3])
    episode.views['wrist'] = episode.views['wrist'] ^ 1
    write_episode(path, episode)
    compared = compare_episodes(native / path.name, path)
    assert compared.different == ('timestamps',)
    assert compared.psnr_db['front'] == np.inf and compared.psnr_db['wrist'] == pytest.approx(20 * np.log10(255))
    del episode.views['front'], episode.capture_s['front'], episode.cameras['front']
    write_episode(path, episode)
    compared = compare_episodes(native / path.name, path)
    assert np.isnan(compared.psnr_db['front'])
    assert 'observations/capture_time_front' in compared.different and 'metadata/camera_params' in compared.different


def test_other_episodes_are_not_compared(native: Path, tmp_path: Path) -> None:
    write_episode(tmp_path / 'episode_000000.h5', read_episode(native / 'episode_000000.h5'))
    with pytest.raises(DatasetError, match=r'has episode_000001\.h5'):
        paired(native, tmp_path)
