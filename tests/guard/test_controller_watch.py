# SPDX-License-Identifier: Apache-2.0
"""The guard knows what the robot's controller does: lost messages, restarts and strangers end in rest, not in a jump."""

import numpy as np
import pytest
from rig import CONTRACT, PANDA, Rig

from genima.guard.conditions import Condition
from genima.guard.status import GuardConfig

WATCHED = GuardConfig(max_controller_age_s=0.1)


def test_a_controller_that_follows_is_left_alone() -> None:
    rig = Rig(WATCHED).run(3.0)
    assert rig.guard.status.state == 'moving' and not rig.reasons and set(rig.guard.status.violations) <= {'limits'}
    assert rig.guard.status.chunks == 30 and rig.worst_share() <= 1.0


@pytest.mark.parametrize('says_what_runs', [True, False])
@pytest.mark.parametrize('seed', range(5))
def test_single_lost_messages_are_not_felt(seed: int, says_what_runs: bool) -> None:
    rng = np.random.default_rng(seed)
    rig = Rig(WATCHED)
    rig.delay_s, rig.says_what_runs = 0.02, says_what_runs
    lost: list[bool] = []

    def one_of_five() -> bool:
        lost.append(bool(rng.random() < 0.2))
        return lost[-1]

    rig.lose = one_of_five
    rig.run(4.0)
    assert sum(lost) > 10 and rig.guard.status.state == 'moving'
    assert set(rig.guard.status.violations) <= {'limits'}
    assert rig.worst_share() <= 1.0


def test_a_dead_link_ends_in_rest_and_the_arm_goes_on_when_it_is_back() -> None:
    rig = Rig(WATCHED)
    rig.speed_rad_s = 1.0
    rig.run(2.0)
    rig.lose = lambda: True
    rig.run(0.6)
    assert rig.moved_rad(0.05) == 0.0
    rig.lose = lambda: False
    rig.run(1.0)
    assert rig.guard.status.state == 'moving' and rig.moved_rad(0.2) > 0.05
    assert rig.worst_share() <= 1.0


@pytest.mark.parametrize('seed', range(6))
def test_a_link_that_comes_back_at_any_moment_is_no_jump(seed: int) -> None:
    """Also while the guard tries to start, and the controller has nothing of it."""
    rng = np.random.default_rng(seed)
    rig = Rig(WATCHED)
    rig.speed_rad_s, rig.delay_s = 1.0, 0.01
    rig.run(1.0)
    for _ in range(4):
        rig.lose = lambda: True
        rig.run(rng.uniform(0.3, 1.5))
        rig.lose = lambda: False
        rig.run(1.0)
    assert rig.guard.status.state == 'moving'
    assert rig.worst_share() <= 1.0


def test_late_messages_are_no_jump() -> None:
    rig = Rig(WATCHED)
    rig.speed_rad_s, rig.delay_s = 1.0, 0.06
    assert rig.run(3.0).guard.status.state == 'moving' and rig.worst_share() <= 1.0


@pytest.mark.parametrize('down_s', [0.16, 0.2, 0.24, 0.3, 0.4])
def test_a_restarted_controller_is_noticed_and_picked_up_where_it_is(down_s: float) -> None:
    rig = Rig(WATCHED)
    rig.speed_rad_s, rig.delay_s = 0.8, 0.02
    rig.run(2.05)
    rig.controller_alive = False
    rig.arm.reset(rig.q_rad)  # what a controller does when it is activated; the jump is not ours
    rig.commanded.clear()
    rig.run(down_s)
    assert rig.moved_rad(down_s) == 0.0
    rig.controller_alive = True
    rig.run(1.5)
    assert {'controller', 'astray'} & set(rig.guard.status.violations)
    assert rig.guard.status.state == 'moving' and rig.moved_rad(0.2) > 0.01
    assert rig.worst_share() <= 1.0


def test_a_joint_that_is_measured_elsewhere_holds_the_arm_also_at_rest() -> None:
    rig = Rig(WATCHED).run(2.0)
    rig.offset_rad = 0.5 * np.eye(7)[2]
    rig.run(0.5)
    assert 'panda_joint3' in rig.reasons and 'rad from' in rig.reasons
    rig.run(3.0)
    assert rig.moved_rad(3.0) == 0.0, 'it does not set out for where the joint seems to be'
    assert 'where the robot controller has it' in rig.reasons
    rig.offset_rad = np.zeros(7)
    rig.run(1.0)
    assert rig.guard.status.state == 'moving' and rig.worst_share() <= 1.0


def test_nobody_else_may_move_the_arm() -> None:
    rig = Rig(WATCHED)
    start_s, times_s = rig.now_s + 0.2, np.linspace(0.0, 2.0, 21)
    way = 0.2 * (1 - np.cos(np.pi * times_s / 2)) / 2
    rig.arm.set_trajectory(rig.now_s, start_s, times_s, PANDA.home_rad + way[:, None])
    rig.policy_alive = False
    rig.run(0.5)
    rig.policy_alive = True
    rig.run(1.0)
    assert not rig.sent and 'without us' in rig.reasons
    rig.run(2.0)
    assert rig.guard.status.state == 'moving'


def test_a_stamp_that_is_nonsense_holds_the_arm_for_a_moment_only() -> None:
    rig = Rig(WATCHED).run(1.5)
    rig.guard.observe_controller(2.0**31, rig.q_rad, None, rig.now_s, rig.q_rad)
    rig.run(0.5)
    assert rig.guard.status.violations['clock'] >= 1
    rig.run(3.5)
    assert rig.guard.status.state == 'moving' and rig.worst_share() <= 1.0


def test_a_condition_stops_the_arm_and_says_what_to_do() -> None:
    rig = Rig()
    rig.guard.conditions.require(Condition('deadman', 'hold the deadman switch', max_age_s=0.2))
    rig.run(1.0)
    assert rig.moved_rad(1.0) == 0.0 and rig.reasons == 'hold the deadman switch'

    def hold(seconds: float) -> None:
        for _ in range(round(seconds / 0.1)):
            rig.guard.conditions.report('deadman', rig.now_s, None)
            rig.run(0.1)

    hold(1.0)
    assert rig.guard.status.state == 'moving'
    rig.run(0.75)
    assert 'hold the deadman switch (the last report is 0.8' in rig.reasons and rig.moved_rad(0.02) == 0.0
    hold(1.0)
    assert rig.guard.status.state == 'moving'
    rig.guard.conditions.report('deadman', rig.now_s, 'the deadman switch was let go')
    output = rig.guard.tick(rig.now_s)
    assert output.plan is not None and output.status.reasons == ('the deadman switch was let go',)
    assert rig.guard.accept_chunk(rig.now_s, rig.chunk(), CONTRACT).status.violations['deadman'] >= 2
    with pytest.raises(KeyError, match='never required; known: deadman'):
        rig.guard.conditions.report('dead man', 0.0, None)
