# SPDX-License-Identifier: Apache-2.0
"""A simulator of somebody else in a process of its own: policies are evaluated and demonstrations collected in it."""

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from genima.chunks.plan import Chunk
from genima.cli.main import app
from genima.contract.spec import PolicySpec
from genima.episodes.store import read_episode
from genima.errors import SimulatorError
from genima.policy.protocols import Observation
from genima.robots.profile import RobotProfile
from genima.sim.base import Setup
from genima.sim.registry import open_simulator

PANDA = RobotProfile.load('panda')
SPEC = replace(PolicySpec.from_recipe('one_camera', PANDA), task='turn', instruction='turn', view_size_px=64)
SERVER = Path(__file__).with_name('foreign_simulator.py')


class Turning:
    """A policy that is not ours either: it turns the first joint."""

    spec, targets = SPEC, None

    def reset(self) -> None: ...

    def infer(self, observation: Observation, instruction: str | None = None) -> Chunk:
        steps = np.outer(np.arange(1, 11), [0.02, 0, 0, 0, 0, 0, 0])
        return Chunk(observation.stamp_s, 0.1, observation.q_rad + steps, np.ones(10))


def turning(address: str, device: str) -> Turning:
    return Turning()


@contextmanager
def served(*arguments: str) -> Iterator[str]:
    """Start the simulator in another process; it has no GENIMA on its path, only genima_client."""
    process = subprocess.Popen([sys.executable, str(SERVER), *arguments], stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        yield f'ws://127.0.0.1:{int(process.stdout.readline())}'
    finally:
        process.kill()
        process.communicate()


@pytest.fixture
def address() -> Iterator[str]:
    with served() as at:
        yield at


def _run(*words: str) -> str:
    done = CliRunner().invoke(app, words, catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return done.output


def test_a_policy_is_evaluated_in_it(address: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / 'mine-1.0.dist-info').mkdir()
    (tmp_path / 'mine-1.0.dist-info' / 'entry_points.txt').write_text(f'[genima.policies]\nmine = {__name__}:turning\n')
    monkeypatch.syspath_prepend(str(tmp_path))
    SPEC.save(tmp_path)
    figures, options = tmp_path / 'figures.json', ('--episodes', '2', '--episode-s', '5', '--cameras', 'front=middle')
    _run('evaluate', '--policy', f'mine:{tmp_path}', '--simulator', address, *options, '--json', str(figures))
    told = json.loads(figures.read_text())
    assert (told['successes'], told['episodes'], told['task']) == (2, 2, 'turn')
    assert told['conditions']['simulator'] == 'toy 1.0' and told['conditions']['cameras'] == 'front=middle'
    assert 0.1 < told['limits']['velocity'] <= 1.0


def test_demonstrations_are_collected_in_it(address: str, tmp_path: Path) -> None:
    options = ('--episodes', '2', '--image-px', '64', '--cameras', 'front')
    _run('collect', '--simulator', address, '--task', 'pick', '--out', str(tmp_path), *options)
    episode = read_episode(tmp_path / 'episode_000000.h5')
    assert episode.metadata['simulator'] == 'toy 1.0' and episode.metadata['task'] == 'pick'
    assert episode.views['front'].shape == (60, 64, 64, 3) and np.ptp(episode.q_rad, axis=0).max() > 0.2


def test_what_it_refuses_is_told(address: str) -> None:
    with pytest.raises(SimulatorError, match='toy has no task fold'):
        open_simulator(address, Setup(PANDA, 'fold', 'front'))
    simulator = open_simulator(address, Setup(PANDA, 'turn', 'front', 64, 64))
    with pytest.raises(SimulatorError, match=r'it has no `place`'):
        simulator.place(PANDA.home_rad, 1.0, {})
    with pytest.raises(SimulatorError, match='all 1 places for clients are taken'):
        open_simulator(address, Setup(PANDA, 'turn', 'front'))
    simulator.close()
    with served('secret') as guarded, pytest.raises(SimulatorError, match='is the token right'):
        open_simulator(guarded, Setup(PANDA, 'turn'))
    with pytest.raises(SimulatorError, match="no simulator 'gazebo'; known are ws://host:port, mujoco"):
        open_simulator('gazebo', Setup(PANDA))
