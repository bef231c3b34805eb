# SPDX-License-Identifier: Apache-2.0
"""Two processes that share each step give what one with the double batch does, by the commands that users type."""

import subprocess
import sys
from pathlib import Path

import pytest
import torch
import yaml
from base_models import make_base
from made_episodes import made, write

from genima.contract.recipe import recipe_values
from genima.robots.profile import RobotProfile


@pytest.fixture(scope='module')
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_base(tmp_path_factory.mktemp('base') / 'sd15', 'sd15')


def train(folder: Path, base: Path, policy: Path, batch: int, launcher: list[str]) -> dict[str, torch.Tensor]:
    options = [
        'train', 'painter', '--base', base, '--data', folder / 'data', '--policy', policy, '--recipe', folder / 'tiny.yaml',
        '--device', 'cpu', '--precision', 'no', '--threads', 1, '--steps', 3, '--batch', batch, '--log-with', 'none',
        '--learning-rate', 1e-4,
    ]  # fmt: skip
    command = [sys.executable, '-W', 'ignore', *launcher, '-m', 'genima.cli.main', *map(str, options)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=500)
    assert done.returncode == 0, done.stderr[-3000:]
    return torch.load(policy / 'training' / 'finetune.pt', map_location='cpu', weights_only=True)['model']


def test_two_processes_are_one_with_the_double_batch(panda: RobotProfile, base: Path, tmp_path: Path) -> None:
    write(tmp_path / 'data', made(panda, 0))
    values = {**recipe_values('one_camera')[0], 'view_size_px': 64, 'base_model': 'any/base'}
    augmentation = {'brightness': 0.2, 'hue': 0.05, 'shift_px': 1}
    values['training'] = {'painter': {'augmentation': augmentation, 'stage': {'warmup_steps': 0, 'evaluations': 0}}}
    (tmp_path / 'tiny.yaml').write_text(yaml.safe_dump(values))
    launcher = ['-m', 'torch.distributed.run', '--standalone', '--nproc_per_node', '2']
    two = train(tmp_path, base, tmp_path / 'two', 1, launcher)
    one = train(tmp_path, base, tmp_path / 'one', 2, [])
    assert (tmp_path / 'two' / 'policy.yaml').read_text() == (tmp_path / 'one' / 'policy.yaml').read_text()
    assert max(float((one[name] - two[name]).abs().max()) for name in one) <= 1e-5
