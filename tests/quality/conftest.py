# SPDX-License-Identifier: Apache-2.0
import shutil
from pathlib import Path

import pytest
from small_episodes import write_dataset

from genima.robots.profile import RobotProfile


@pytest.fixture(scope='session')
def faultless(tmp_path_factory: pytest.TempPathFactory, panda: RobotProfile) -> Path:
    """A dataset of four episodes; do not change it."""
    return write_dataset(tmp_path_factory.mktemp('faultless') / 'wave', panda)


@pytest.fixture
def dataset(faultless: Path, tmp_path: Path) -> Path:
    """A copy to break."""
    return Path(shutil.copytree(faultless, tmp_path / 'wave'))
