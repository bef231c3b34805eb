# SPDX-License-Identifier: Apache-2.0
"""A policy of another package behind the guard: it moves the arm inside the limits, or not at all."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from genima.chunks.plan import Chunk
from genima.contract.spec import PolicySpec
from genima.errors import PolicyError
from genima.evaluate.closed_loop import LoopConfig, run_episode
from genima.policy.protocols import Observation
from genima.policy.registry import load_policy
from genima.robots.profile import RobotProfile
from genima.sim.base import Setup, Simulator
from genima.sim.registry import open_simulator

PANDA = RobotProfile.load('panda')
SPEC = replace(PolicySpec.from_recipe('one_camera', PANDA), view_size_px=16)


class Turning:
    """Turns the first joint, as far as its address says [rad per step]; paints nothing."""

    spec, targets = SPEC, None

    def __init__(self, address: str, device: str) -> None:
        self._step_rad = float(address)

    def reset(self) -> None: ...

    def infer(self, observation: Observation, instruction: str | None = None) -> Chunk:
        steps = np.outer(np.arange(1, SPEC.chunk_steps + 1), [self._step_rad, 0, 0, 0, 0, 0, 0])
        return Chunk(observation.stamp_s, 0.1, observation.q_rad + steps, np.ones(SPEC.chunk_steps))


@pytest.fixture(autouse=True)
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    info = tmp_path / 'turning-1.0.dist-info'
    info.mkdir()
    (info / 'METADATA').write_text('Metadata-Version: 2.1\nName: turning\nVersion: 1.0\n')
    (info / 'entry_points.txt').write_text(f'[genima.policies]\nturning = {__name__}:Turning\n')
    monkeypatch.syspath_prepend(str(tmp_path))


@pytest.fixture(scope='module')
def simulator() -> Simulator:
    return open_simulator('mujoco', Setup(PANDA, 'pick', 'front', 16, 16))


def test_it_moves_the_arm_inside_the_limits(simulator: Simulator) -> None:
    result = run_episode(load_policy('turning:0.02'), simulator, 3, LoopConfig(timeout_s=2.0))
    assert simulator.q_rad[0] > 0.2 and max(result.limits.values()) <= 1.0 and not result.success


def test_what_is_too_fast_is_held(simulator: Simulator) -> None:
    result = run_episode(load_policy('turning:1.5'), simulator, 3, LoopConfig(timeout_s=2.0))
    assert abs(simulator.q_rad[0]) < 0.1 and sum(result.held.values()) > 5 and max(result.limits.values()) <= 1.0


def test_what_cannot_be_loaded_is_named() -> None:
    with pytest.raises(PolicyError, match=r"'turning' of package turning is broken: .*could not convert"):
        load_policy('turning:fast')
