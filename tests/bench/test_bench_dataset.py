# SPDX-License-Identifier: Apache-2.0
"""The bench of datasets: every conversion both ways, and a reason where there is none."""

from pathlib import Path

import pytest

from genima.bench import dataset
from genima.bench.dataset import bench_dataset
from genima.convert.formats import FORMATS
from genima.episodes.store import list_episodes, write_episode
from genima.robots.profile import RobotProfile
from genima.sim.collect import CollectConfig, record
from genima.sim.simulation import Simulation


def test_every_measurement_is_a_rate_or_says_why_not(
    tmp_path: Path, panda: RobotProfile, monkeypatch: pytest.MonkeyPatch
) -> None:
    episode = record(Simulation(panda), 0, CollectConfig(steps=8))
    episode.metadata['success'] = None  # cut short, nobody judged it
    write_episode(tmp_path / 'episode_000000.h5', episode)
    chosen = {name: FORMATS[name] for name in ('hdf5', 'rlds', 'rlbench')}
    monkeypatch.setattr(dataset, 'FORMATS', chosen)  # videos take their time
    rows = {row['what']: row for row in bench_dataset(tmp_path, episodes=1)}
    assert rows['hdf5 to rlbench']['value'] is None and 'cannot be written' in rows['hdf5 to rlbench']['unit']
    measured = {name: row for name, row in rows.items() if row['value'] is not None}
    assert {'hdf5 to rlds', 'rlds to hdf5', 'views read and drawn'} < measured.keys() and len(measured) == 6
    assert all(row['value'] > 0 and 'per core' in row['unit'] for row in measured.values())
    assert len(list_episodes(tmp_path)) == 1 and len(list(tmp_path.iterdir())) == 1, 'the data are as they were'
