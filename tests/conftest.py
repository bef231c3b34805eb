# SPDX-License-Identifier: Apache-2.0
import os
import random
import signal

# before anything computes: two workers of pytest with two threads each wait for one another on two cores
os.environ.update(dict.fromkeys(('OMP_NUM_THREADS', 'OPENBLAS_NUM_THREADS', 'LP_NUM_THREADS'), '1'))

import pytest
from hypothesis import settings

import genima.sim  # noqa: F401  # chooses the OpenGL before any test imports mujoco
from genima.contract.spec import PolicySpec
from genima.robots.profile import RobotProfile

# a shell that starts the tests in the background makes them, and what they start, deaf to Ctrl-C
signal.signal(signal.SIGINT, signal.default_int_handler)

# a DDS domain of its own for every test process: two of pytest's workers at once never share one
_WORKER = int(os.environ.get('PYTEST_XDIST_WORKER', 'gw0').removeprefix('gw'))
os.environ['ROS_DOMAIN_ID'] = str(1 + 10 * (_WORKER % 10) + random.SystemRandom().randrange(10))
os.environ['ROS_AUTOMATIC_DISCOVERY_RANGE'] = 'LOCALHOST'

# the same examples in every run: a red run can be repeated, and a green one stays green
settings.register_profile('fixed', derandomize=True, deadline=None)
settings.load_profile('fixed')


@pytest.fixture(scope='session')
def panda() -> RobotProfile:
    return RobotProfile.load('panda')


@pytest.fixture(scope='session')
def small_spec(panda: RobotProfile) -> PolicySpec:
    return PolicySpec.from_recipe('small', panda)
