# SPDX-License-Identifier: Apache-2.0
"""The pipeline of diffusers is imported without a word about torchvision."""

import subprocess
import sys
from pathlib import Path

SOURCE = Path(__file__).resolve().parents[2] / 'src'


def test_importing_it_says_nothing() -> None:
    command = [sys.executable, '-c', 'from genima.painter.standard_pipeline import StableDiffusionControlNetPipeline']
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert (done.returncode, done.stdout, done.stderr) == (0, '', '')


def test_nobody_imports_it_from_elsewhere() -> None:
    for path in SOURCE.rglob('*.py'):
        lines = [line for line in path.read_text().splitlines() if line.startswith('from diffusers import')]
        if path.name != 'standard_pipeline.py':
            assert not any('Pipeline' in line for line in lines), f'{path}: genima.painter.standard_pipeline has it'
