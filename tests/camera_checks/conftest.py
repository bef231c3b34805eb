# SPDX-License-Identifier: Apache-2.0
"""One simulated arm with its cameras for all tests of this folder."""

from collections.abc import Iterator

import pytest

from genima.bench.camera_work import WorkingArm


@pytest.fixture(scope='session')
def arm() -> Iterator[WorkingArm]:
    working = WorkingArm('panda', 128, 128, seed=3)
    yield working
    working.close()
