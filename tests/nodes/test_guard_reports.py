# SPDX-License-Identifier: Apache-2.0
"""What the guard says of itself: the clocks, and all that holds the arm, not only what came first."""

import math

import numpy as np
from builtin_interfaces.msg import Time
from genima_ros.guard.reports import Surroundings, diagnostic, status_message

from genima.guard.conditions import Condition
from genima.guard.guard import Guard
from genima.guard.status import GuardConfig
from genima.robots.profile import RobotProfile


def _guard(panda: RobotProfile) -> Guard:
    guard = Guard(panda, GuardConfig(max_controller_age_s=0.1))
    for kind in ('deadman', 'camera front'):
        guard.conditions.require(Condition(kind, f'nothing is heard of {kind}', 0.5))
    return guard


def test_all_that_holds_the_arm_is_told_with_the_offset_of_the_clocks(panda: RobotProfile) -> None:
    guard = _guard(panda)
    guard.tick(10.0)
    first = ('nothing is heard of deadman', 'nothing is heard of camera front')
    assert Surroundings.of(guard).holds[:2] == first and len(Surroundings.of(guard).holds) == 3
    for i in range(20):  # the clock here is 0.08 s behind
        t_s = 10.0 + 0.02 * i
        guard.observe_controller(t_s + 0.08, panda.home_rad, None, t_s, panda.home_rad)
        guard.observe_joints(t_s, panda.home_rad)
        guard.tick(t_s)
    guard.conditions.report('deadman', t_s, 'the deadman switch was let go')
    around = Surroundings.of(guard)
    assert around.clock_ahead_s is not None and abs(around.clock_ahead_s + 0.08) < 1e-6
    assert around.holds[:2] == ('the deadman switch was let go', 'nothing is heard of camera front')
    assert len(around.holds) == 3 and '80 ms behind' in around.holds[2]

    message = status_message(guard.status, t_s, Time(), around)
    assert list(message.holds) == list(around.holds) and abs(message.clock_ahead_s + 0.08) < 1e-6
    values = {each.key: each.value for each in diagnostic(guard.status, 'panda', around).values}
    assert values['clock ahead of the robot controller'] == '-80.0 ms' and values['holds 3'] == around.holds[2]


def test_a_clock_that_is_not_known_is_no_number(panda: RobotProfile) -> None:
    guard = _guard(panda)
    assert math.isnan(status_message(guard.status, 0.0, Time(), Surroundings.of(guard)).clock_ahead_s)
    values = {each.key: each.value for each in diagnostic(guard.status, 'panda', Surroundings.of(guard)).values}
    assert values['clock ahead of the robot controller'] == 'not known'


def test_a_guard_that_nothing_holds_says_so(panda: RobotProfile) -> None:
    guard = Guard(panda)
    guard.observe_joints(1.0, np.asarray(panda.home_rad))
    guard.tick(1.0)
    assert Surroundings.of(guard).holds == ()
