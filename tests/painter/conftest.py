# SPDX-License-Identifier: Apache-2.0
from pathlib import Path

import numpy as np
import pytest

from genima.contract.spec import PolicySpec
from genima.painter.folder import save_pipeline
from genima.painter.pipeline import build_pipeline
from genima.robots.profile import RobotProfile


@pytest.fixture(scope='session')
def spec() -> PolicySpec:
    return PolicySpec.from_recipe('small', RobotProfile.load('panda'))


@pytest.fixture(scope='session')
def policy_dir(spec: PolicySpec, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A policy directory with an untrained painter."""
    directory = tmp_path_factory.mktemp('policy')
    spec.save(directory)
    save_pipeline(build_pipeline(spec), directory)
    return directory


@pytest.fixture(scope='session')
def views(spec: PolicySpec) -> np.ndarray:
    shape = (len(spec.cameras), spec.view_size_px, spec.view_size_px, 3)
    return np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)
