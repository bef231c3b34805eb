# SPDX-License-Identifier: Apache-2.0
"""A folder as a reader has it after the commands at the head of the examples."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

BIN = Path(sys.executable).parent


@pytest.fixture(scope='session')
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp('examples')
    subprocess.run([BIN / 'genima', 'collect', '--episodes', '2', '--out', 'data/pick'], cwd=made, check=True, timeout=240)
    return made


@pytest.fixture
def lab(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder with demonstrations as the working directory, and `genima` on the path; plots are not shown."""
    monkeypatch.chdir(folder)
    monkeypatch.setenv('PATH', f'{BIN}{os.pathsep}{os.environ["PATH"]}')
    monkeypatch.setenv('MPLBACKEND', 'Agg')
    return folder
