# SPDX-License-Identifier: Apache-2.0
"""The bench of the target check, with a policy that makes no mistakes: only what is mixed up on purpose differs."""

from pathlib import Path
from typing import Any, cast

import numpy as np

from genima.bench.targets import AGREES, measure_targets, summary
from genima.chunks.plan import Chunk
from genima.contract.spec import PolicySpec
from genima.episodes.store import write_episode
from genima.policy.local import LocalPolicy
from genima.robots.profile import RobotProfile
from genima.sim.collect import CollectConfig, record
from genima.sim.simulation import Simulation
from genima.train.samples import Samples, load_samples


class Perfect:
    """Paints the true target and acts on it."""

    def __init__(self, samples: Samples) -> None:
        self._samples = samples

    def paint(self, views: np.ndarray, instruction: str | None = None) -> np.ndarray:
        same = (self._samples.views == views).all(axis=(1, 2, 3, 4))
        return self._samples.target_views(int(same.argmax()))

    def act(self, target: np.ndarray, q_rad: np.ndarray, gripper_open: float, age_s: float, *, stamp_s: float) -> Chunk:
        index = int(np.abs(self._samples.q_rad - q_rad).max(axis=1).argmin())
        share = np.linspace(0.1, 1.0, 10)[:, None]
        q = (1 - share) * q_rad + share * self._samples.target_q_rad[index]
        return Chunk(stamp_s, 0.1, q, np.full(10, self._samples.target_open[index]))


def test_only_mistakes_are_far_apart(tmp_path: Path, small_spec: PolicySpec, panda: RobotProfile) -> None:
    simulation = Simulation(panda)
    for seed in range(2):
        episode = record(simulation, seed, CollectConfig(steps=16))
        episode.metadata['success'] = None  # cut short, nobody judged it
        write_episode(tmp_path / f'episode_{seed}.h5', episode)
    perfect = cast(Any, Perfect(load_samples(tmp_path, small_spec, panda)))
    distances = measure_targets(LocalPolicy(tmp_path, small_spec, panda, perfect, perfect), tmp_path, 10)
    assert np.percentile(distances[AGREES], 90) < 0.005
    for name, values in distances.items():
        assert name == AGREES or np.median(values) > 0.02, name
    rows = {row['situation']: row['share above the limit'] for row in summary(distances, 0.02)}
    assert rows[AGREES] == 0.0 and rows['views mixed up'] > 0.9
