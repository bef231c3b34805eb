# SPDX-License-Identifier: Apache-2.0
import pytest

from genima.contract.spec import PolicySpec
from genima.robots.profile import RobotProfile


@pytest.fixture(scope='session')
def panda() -> RobotProfile:
    return RobotProfile.load('panda')


@pytest.fixture(scope='session')
def small_spec(panda: RobotProfile) -> PolicySpec:
    return PolicySpec.from_recipe('small', panda)
