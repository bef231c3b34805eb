# SPDX-License-Identifier: Apache-2.0
"""A painter of another package: the contract names it, nodes and policies run it, and what it paints is checked."""

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from genima.contract.base import BaseModel
from genima.contract.spec import PolicySpec
from genima.errors import ContractError, GenimaError, PolicyError
from genima.painter.backend import load_any_painter
from genima.painter.door import open_painter
from genima.policy.local import LocalPolicy
from genima.policy.protocols import Observation

SHIPPED = Path(__file__).resolve().parents[2] / 'models' / 'panda_pick'
VIEWS = np.random.default_rng(0).integers(0, 255, (4, 128, 128, 3), dtype=np.uint8)


class Night:
    """Paints what is seen, by night."""

    def __init__(self, policy_dir: Path, spec: PolicySpec, device: str) -> None:
        self.made_for, self.divisor = (policy_dir, spec.robot, device), int((policy_dir / 'night.txt').read_text())

    def paint(self, views: np.ndarray, instruction: str | None = None) -> np.ndarray:
        return views // self.divisor if instruction != 'shrink' else views[:, ::2, ::2]


@pytest.fixture
def policy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The shipped controller with another painter, whose package is installed."""
    info, directory = tmp_path / 'night-1.0.dist-info', tmp_path / 'policy'
    info.mkdir()
    (info / 'METADATA').write_text('Metadata-Version: 2.1\nName: night\nVersion: 1.0\n')
    (info / 'entry_points.txt').write_text(f'[genima.painters]\nnight = {__name__}:Night\nday = nowhere:Day\n')
    monkeypatch.syspath_prepend(str(tmp_path))
    shutil.copytree(SHIPPED / 'controller', directory / 'controller')
    replace(PolicySpec.load(SHIPPED), base_model=BaseModel('night')).save(directory)
    (directory / 'night.txt').write_text('4')
    return directory


def test_a_policy_paints_with_it(policy: Path) -> None:
    loaded = LocalPolicy.load(policy)
    chunk = loaded.infer(Observation(1.0, VIEWS, 1.0, loaded.profile.home_rad, 1.0))
    assert chunk.q_rad.shape == (loaded.spec.chunk_steps, 7)
    np.testing.assert_array_equal(loaded.targets, VIEWS // 4)
    assert loaded.painter.last_timing_ms > 0.0


def test_the_node_says_who_paints(policy: Path) -> None:
    painter, words = load_any_painter(policy, back_end='auto')
    assert words == 'that of painter night'
    np.testing.assert_array_equal(painter.paint(VIEWS), VIEWS // 4)
    with pytest.raises(GenimaError, match='backend: got openvino, allowed: auto; painter night is not ours'):
        load_any_painter(policy, back_end='openvino')


def test_what_it_paints_is_checked(policy: Path) -> None:
    painter = open_painter(policy)
    with pytest.raises(ContractError, match=r'what it painted, painter night: got uint8 \(4, 64, 64, 3\)'):
        painter.paint(VIEWS, 'shrink')
    with pytest.raises(ContractError, match=r'views for painter night: got uint8 \(2, 128, 128, 3\)'):
        painter.paint(VIEWS[:2])


def test_one_that_is_not_there_or_broken_is_named(policy: Path) -> None:
    for name, message in (('dusk', "no painter 'dusk'; known are small, night, day"), ('day', "'day' of package night is")):
        replace(PolicySpec.load(policy), base_model=BaseModel(name)).save(policy)
        with pytest.raises(PolicyError, match=message):
            open_painter(policy)
    replace(PolicySpec.load(policy), base_model=BaseModel('night')).save(policy)
    (policy / 'night.txt').unlink()
    with pytest.raises(PolicyError, match=r"'night' of package night is broken: .*night.txt"):
        open_painter(policy)
