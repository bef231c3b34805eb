# SPDX-License-Identifier: Apache-2.0
"""The bench of the loader: both sides give the same, and a side that does not is refused."""

from pathlib import Path

import numpy as np
import pytest
import torch

from genima.bench import loader
from genima.bench.loader import PIXELS, TENSORS, bench_loader
from genima.bench.png_folders import TARGETS, VIEWS, by_opencv, by_pil, read_pixels, read_tensors, write_png
from genima.episodes.store import write_episode
from genima.errors import GenimaError
from genima.robots.profile import RobotProfile
from genima.sim.collect import CollectConfig, record
from genima.sim.simulation import Simulation


@pytest.fixture(scope='module')
def data(tmp_path_factory: pytest.TempPathFactory, panda: RobotProfile) -> Path:
    folder = tmp_path_factory.mktemp('data')
    episode = record(Simulation(panda), 0, CollectConfig(steps=8))
    episode.metadata['success'] = None  # cut short, nobody judged it
    write_episode(folder / 'episode_000000.h5', episode)
    return folder


def test_ours_is_faster_at_the_same_output(data: Path) -> None:
    threads = torch.get_num_threads()
    rows = {row['output']: row for row in bench_loader(data, moments=24, rounds=2)}
    assert len(rows) == 3 and torch.get_num_threads() == threads
    for name in (TENSORS, PIXELS):
        assert rows[name]['ratio'] == pytest.approx(rows[name]['ours_per_s'] / rows[name]['png_per_s'])
        assert rows[name]['ratio'] > 3, 'the bar is 10; a busy machine may take some of it'


def test_png_gives_back_every_pixel(tmp_path: Path) -> None:
    tiles = np.random.default_rng(0).integers(0, 256, (2, 32, 48, 3), dtype=np.uint8)
    write_png(tmp_path, 4, *tiles)
    for decode in (by_pil, by_opencv):
        np.testing.assert_array_equal(read_pixels(tmp_path, VIEWS, [4], decode)[0], tiles[0])
        targets = read_tensors(tmp_path, TARGETS, [4, 4], decode)
        assert targets.shape == (2, 3, 32, 48) and targets.is_contiguous()
        np.testing.assert_allclose(targets[1].permute(1, 2, 0).numpy(), tiles[1] / 127.5 - 1, atol=1e-6)


def test_sides_that_differ_are_not_compared(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loader, 'to_tensor', lambda images: torch.from_numpy(images).permute(0, 3, 1, 2) / 255)
    with pytest.raises(GenimaError, match='broken'):
        bench_loader(data, moments=8, rounds=1)
