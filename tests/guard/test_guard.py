# SPDX-License-Identifier: Apache-2.0
"""Whatever is lost, the arm comes to rest inside its limits and the guard says why."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rig import CONTRACT, PANDA, Rig, with_q

from genima.chunks.plan import Chunk
from genima.errors import LimitError
from genima.guard.gripper import GripperConfig, GripperSwitch
from genima.guard.guard import Guard
from genima.guard.status import GuardConfig, GuardOutput
from genima.guard.workspace import Workspace
from genima.robots.kinematics import tcp_pose


def spoiled(chunk: Chunk, value: float) -> Chunk:
    q = chunk.q_rad.copy()
    q[4, 2] = value
    return with_q(chunk, q)


def test_armed_it_follows_the_chunks() -> None:
    rig = Rig().run(3.0)
    assert rig.guard.status.state == 'moving' and rig.guard.status.armed and not rig.guard.status.reasons
    assert rig.guard.status.chunks >= 26 and set(rig.guard.status.violations) <= {'limits'}
    assert 0.4 < rig.moved_rad(2.5) < 0.65
    assert rig.worst_share() <= 1.0
    assert 0.4 / 2.175 < rig.guard.status.worst['velocity'] < 0.8 / 2.175


OFFSETS_S = (-0.04, 0.04, 0.06, 0.08, 0.1, 0.15)
AHEAD_S = {
    **{f'{offset_s:+.2f} s': (lambda now_s, offset_s=offset_s: offset_s) for offset_s in OFFSETS_S},
    '1 % fast': lambda now_s: 0.01 * (now_s - 1.0),
    '0.3 % slow': lambda now_s: -0.003 * (now_s - 1.0),
    'a step': lambda now_s: 0.06 if now_s > 2.5 else 0.0,
    'jitter': lambda now_s: 0.04 * (1 + np.sin(1e4 * now_s)),
}


@pytest.mark.parametrize('ahead_s', AHEAD_S.values(), ids=AHEAD_S)
@pytest.mark.parametrize('watched_s', [None, 0.1], ids=['blind', 'watching'])
def test_whatever_the_guards_clock_shows_the_limits_hold(ahead_s, watched_s: float | None) -> None:  # type: ignore[no-untyped-def]
    rig = Rig(GuardConfig(max_controller_age_s=watched_s))
    rig.clock_ahead_s = ahead_s
    assert rig.run(5.0).worst_share() <= 1.0


@pytest.mark.parametrize('by_s', [-0.6, -0.3, 0.2, 0.3, 0.5, 1.0])
def test_a_clock_that_is_set_in_motion_stops_the_arm_without_a_jump(by_s: float) -> None:
    rig = Rig(GuardConfig(max_controller_age_s=0.1))
    rig.speed_rad_s = 1.0
    rig.run(1.6)
    rig.clock_ahead_s = lambda now_s: by_s
    rig.run(1.0)
    assert rig.moved_rad(0.3) == 0.0 and rig.worst_share() <= 1.0
    rig.clock_ahead_s = lambda now_s: 0.0
    assert rig.run(4.0).guard.status.state == 'moving' and rig.worst_share() <= 1.0


def test_a_clock_that_is_off_is_found_and_named() -> None:
    rig = Rig(GuardConfig(max_controller_age_s=0.1), armed=False)
    rig.clock_ahead_s = lambda now_s: 0.03
    rig.run(1.0)
    assert rig.guard.clock_ahead_s == pytest.approx(0.03, abs=1e-6)
    rig.guard.arm(rig.guard_s)
    assert not rig.guard.status.armed and '30 ms ahead of' in rig.reasons
    rig.clock_ahead_s = lambda now_s: -0.01
    rig.run(3.0)
    assert rig.guard.arm(rig.guard_s).status.armed
    rig.clock_ahead_s = lambda now_s: 0.07
    rig.run(4.0)
    assert '70 ms ahead of' in rig.reasons and rig.moved_rad(0.5) == 0.0


@pytest.mark.parametrize('off_rad', [0.05, -0.1, 0.2, 0.34, -0.4])
@pytest.mark.parametrize('joint', [1, 3])
@pytest.mark.parametrize('lies', [lambda step: True, lambda step: step % 2 == 0], ids=['always', 'half of the time'])
def test_joint_states_that_lie_move_nothing(off_rad: float, joint: int, lies) -> None:  # type: ignore[no-untyped-def]
    rig = Rig(GuardConfig(max_controller_age_s=0.1)).run(1.5)
    rig.offset_rad[joint], rig.lies = off_rad, lies
    rig.run(3.0)
    assert rig.worst_share() <= 1.0 and rig.moved_rad(1.0) == 0.0 and PANDA.arm_joints[joint] in rig.reasons
    rig.offset_rad[joint] = 0.0
    assert rig.run(1.0).moved_rad(0.5) > 0.02, 'it goes on when they are right again'


def test_joint_states_that_lie_now_and_then_move_nothing() -> None:
    rig, rng = Rig(GuardConfig(max_controller_age_s=0.1)).run(1.5), np.random.default_rng(3)
    rig.offset_rad[2], rig.lies = 0.1, lambda step: bool(rng.random() < 0.2)
    rig.run(3.0)
    assert rig.moved_rad(2.0) == 0.0 and 'panda_joint3' in rig.reasons and rig.worst_share() <= 1.0


@pytest.mark.parametrize('watched_s', [None, 0.1])
def test_a_reset_in_motion_is_no_jump(watched_s: float | None) -> None:
    rig = Rig(GuardConfig(max_controller_age_s=watched_s))
    rig.speed_rad_s = 1.0
    rig.run(1.6)
    for _ in range(5):
        rig.take(rig.guard.reset(rig.guard_s))
        rig.guard.arm(rig.guard_s)
        rig.run(0.15)
    assert rig.worst_share() <= 1.0 and rig.run(1.0).guard.status.state == 'moving'


def test_without_a_word_of_the_controller_the_arm_is_led_to_the_measured_position_once() -> None:
    rig = Rig().run(1.5)
    rig.policy_alive = False
    rig.run(1.0)
    rig.policy_alive = True
    rig.offset_rad[1], there = 0.2, rig.arm.sample(rig.now_s)[0].copy()
    rig.change = lambda chunk: with_q(chunk, np.tile(there, (10, 1)))
    rig.run(6.0)
    assert rig.guard.status.violations['bridge'] > 5
    assert abs(rig.arm.sample(rig.now_s)[0][1] - there[1]) < 0.25 and rig.worst_share() <= 1.0
    rig.offset_rad[1] = 0.0
    rig.run(0.5)
    rig.guard.reset(rig.now_s)
    rig.guard.arm(rig.now_s)
    assert rig.run(1.5).guard.status.state == 'moving'


def test_disarmed_it_judges_and_sends_nothing() -> None:
    rig = Rig(armed=False).run(1.0)
    rig.change = lambda chunk: spoiled(chunk, np.nan)
    rig.run(0.5)
    assert rig.guard.status.state == 'disarmed' and not rig.guard.status.armed
    assert not rig.sent and not rig.gripper and rig.moved_rad(1.5) == 0.0
    assert rig.guard.status.chunks > 5 and rig.guard.status.violations['finite'] == 5
    assert rig.guard.status.worst


@pytest.mark.parametrize(
    ('kind', 'words', 'change'),
    [
        ('finite', '1 numbers of the chunk are not finite', lambda chunk: spoiled(chunk, np.nan)),
        ('finite', 'not finite', lambda chunk: spoiled(chunk, np.inf)),
        ('finite', 'not finite', lambda chunk: replace(chunk, gripper_open=np.full(10, np.nan))),
        ('finite', 'step', lambda chunk: replace(chunk, dt_s=0.0)),
        ('finite', 'stamp', lambda chunk: replace(chunk, stamp_s=float('nan'))),
        ('shape', '(10, 6)', lambda chunk: with_q(chunk, chunk.q_rad[:, :6])),
        ('shape', 'at least 4 points', lambda chunk: with_q(chunk, chunk.q_rad[:3])),
        ('shape', 'gripper openings of shape (9,)', lambda chunk: replace(chunk, gripper_open=np.ones(9))),
        ('finite', 'further than any joint turns', lambda chunk: spoiled(chunk, 1e308)),
        ('age', '0.60 s ago, allowed 0.50 s', lambda chunk: replace(chunk, stamp_s=chunk.stamp_s - 0.6)),
        ('age', '0.20 s in the future', lambda chunk: replace(chunk, stamp_s=chunk.stamp_s + 0.2)),
        ('gap', 'panda_joint4', lambda chunk: with_q(chunk, chunk.q_rad + 0.5 * np.eye(7)[3])),
        (
            'short',
            'predict more steps',
            lambda chunk: replace(chunk, dt_s=0.01, q_rad=chunk.q_rad[:1] + np.zeros((10, 1))),
        ),
    ],
)
def test_a_bad_chunk_is_refused_with_a_reason_and_the_arm_comes_to_rest(kind: str, words: str, change) -> None:  # type: ignore[no-untyped-def]
    rig = Rig().run(1.5)
    rig.change = change
    rig.run(0.08)
    assert rig.guard.status.violations[kind] == 1 and words in rig.reasons
    rig.run(0.6)
    sent = len(rig.sent)
    rig.run(0.5)
    assert rig.moved_rad(0.5) == 0.0 and len(rig.sent) == sent, 'one stop, then silence'
    assert rig.guard.status.state == 'holding' and rig.worst_share() <= 1.0


def test_a_chunk_of_another_length_than_the_contracts_is_refused() -> None:
    rig = Rig(GuardConfig(chunk_points=20)).run(0.5)
    assert '10 points, the contract says 20' in rig.reasons and not rig.sent


@pytest.mark.parametrize('watched_s', [None, 0.1])
@pytest.mark.parametrize('late_s', [0.1, 0.25, 0.4, 1.0])
def test_a_guard_that_is_late_itself_sends_nothing(late_s: float, watched_s: float | None) -> None:
    rig = Rig(GuardConfig(max_controller_age_s=watched_s)).run(1.52)
    send, withheld = rig.take, []

    def late(output: GuardOutput) -> GuardOutput:
        if output.plan is not None and len(withheld) < 2:
            assert rig.guard.too_late(rig.guard_s, rig.guard_s + late_s)
            withheld.append(output)
            output = replace(output, plan=None)
        return send(output)

    rig.take = late  # type: ignore[method-assign]
    rig.run(3.0)
    assert len(withheld) == 2 and rig.guard.status.violations['late'] == 2
    assert rig.worst_share() <= 1.0 and rig.guard.status.state == 'moving'


def test_an_overtaken_chunk_is_refused_and_the_arm_goes_on() -> None:
    rig = Rig().run(1.52)
    late = rig.chunk(rig.now_s - 0.15)
    assert 'before the newest chunk used' in rig.guard.accept_chunk(rig.now_s, late, CONTRACT).status.reasons[0]
    rig.run(0.5)
    assert rig.guard.status.state == 'moving' and not rig.reasons


def test_a_chunk_of_another_contract_is_refused_with_both_hashes() -> None:
    rig = Rig().run(0.5)
    output = rig.guard.accept_chunk(rig.now_s, rig.chunk(), 'ffff')
    assert output.plan is None and 'ffff' in output.status.reasons[0] and CONTRACT in output.status.reasons[0]
    assert Guard(PANDA).accept_chunk(1.0, rig.chunk(1.0), 'ffff').status.violations.get('contract') is None


def test_lost_joint_states_stop_the_arm_and_fresh_ones_resume() -> None:
    rig = Rig().run(1.5)
    rig.joints_alive = False
    rig.run(0.14)
    assert 'joint states are 0.1' in rig.reasons and 'allowed are 0.10 s' in rig.reasons
    rig.run(0.46)
    assert rig.moved_rad(0.1) == 0.0, 'at rest within 0.6 s of the last joint state, 0.5 s of noticing'
    assert rig.guard.status.state == 'holding'
    rig.joints_alive = True
    rig.run(1.0)
    assert rig.guard.status.state == 'moving' and rig.moved_rad(0.2) > 0.01
    assert rig.worst_share() <= 1.0


def test_a_missing_joint_is_named() -> None:
    rig = Rig().run(1.0)
    q = rig.q_rad.copy()
    q[4] = np.nan
    rig.guard.observe_joints(rig.now_s, q)
    assert 'panda_joint5' in rig.guard.accept_chunk(rig.now_s, rig.chunk(), CONTRACT).status.reasons[0]
    with pytest.raises(LimitError, match='7 arm joints'):
        rig.guard.observe_joints(rig.now_s, q[:6])


def test_joint_states_from_the_future_and_none_at_all() -> None:
    guard = Guard(PANDA)
    guard.arm()
    rig = Rig()
    assert 'no joint states yet' in guard.accept_chunk(1.0, rig.chunk(1.0)).status.reasons[0]
    guard.observe_joints(2.0, PANDA.home_rad)
    assert '1.00 s in the future' in guard.accept_chunk(1.0, rig.chunk(1.0)).status.reasons[0]


def test_silence_of_the_policy_stops_the_arm_within_half_a_second() -> None:
    rig = Rig().run(1.52)
    rig.policy_alive = False
    rig.run(0.5)
    assert 'no usable chunk for 0.26 s, allowed are 0.25 s' in rig.reasons
    assert rig.moved_rad(0.02) == 0.0 and rig.guard.status.violations['silence'] == 1
    assert rig.worst_share() <= 1.0


def test_death_of_the_guard_ends_the_motion_within_half_a_second() -> None:
    for extra_s in (0.0, 0.02, 0.06, 0.1):
        rig = Rig()
        rig.speed_rad_s = 1.0
        rig.run(1.5 + extra_s)
        times_s = rig.now_s + np.arange(500) * 0.002
        commands = np.array([rig.arm.sample(time_s)[0] for time_s in times_s])
        assert (np.ptp(commands[250:], axis=0) == 0).all()


def test_disarm_stops_and_arming_again_needs_a_chunk_seen_after_it() -> None:
    rig = Rig().run(1.5)
    old = rig.chunk(rig.now_s - 0.02)
    rig.take(rig.guard.disarm('by the operator', rig.now_s))
    rig.policy_alive = False
    rig.run(0.44)
    assert rig.moved_rad(0.02) == 0.0 and rig.guard.status.state == 'disarmed' and 'by the operator' in rig.reasons
    rig.guard.arm()
    assert 'the last stop' in rig.guard.accept_chunk(rig.now_s, old, CONTRACT).status.reasons[0]
    rig.policy_alive = True
    rig.run(1.0)
    assert rig.guard.status.state == 'moving' and rig.worst_share() <= 1.0


def test_stop_lasts_until_reset() -> None:
    rig = Rig().run(1.5)
    rig.take(rig.guard.stop('emergency stop pressed', rig.now_s))
    rig.run(0.5)
    assert rig.moved_rad(0.02) == 0.0
    assert not rig.guard.arm().status.armed and 'emergency stop pressed; reset to go on' in rig.reasons
    assert rig.guard.disarm('by the operator', rig.now_s).status.state == 'stopped'
    rig.run(1.0)
    assert rig.moved_rad(1.0) == 0.0 and rig.worst_share() <= 1.0
    assert rig.guard.reset().status.state == 'disarmed' and not rig.guard.status.violations
    rig.guard.arm()
    rig.run(1.0)
    assert rig.guard.status.state == 'moving' and rig.worst_share() <= 1.0


def test_a_blocked_arm_is_stopped() -> None:
    rig = Rig(GuardConfig(max_tracking_error_rad=0.1)).run(1.5)
    rig.guard.observe_joints(rig.now_s, rig.q_rad + 0.2 * np.eye(7)[1])
    output = rig.guard.tick(rig.now_s)
    assert output.plan is not None and 'panda_joint2 is 0.2' in output.status.reasons[0]


def test_an_arm_that_was_moved_starts_from_where_it_is() -> None:
    rig = Rig().run(1.5)
    rig.policy_alive = False
    rig.run(1.0)
    away = rig.q_rad + 0.2
    rig.q_rad = away
    rig.arm.reset(away)
    for _ in range(15):
        rig.guard.observe_joints(rig.now_s, rig.q_rad)
        chunk = with_q(rig.chunk(), np.tile(away, (10, 1)))
        rig.take(rig.guard.accept_chunk(rig.now_s, chunk, CONTRACT))
        rig.commanded.clear()
        rig.run(0.1)
        assert np.abs(rig.commanded - away).max() < 1e-9, 'a chunk that wants to stay there moves nothing'


def test_a_clock_that_jumps_back_forgets_the_plan() -> None:
    rig = Rig().run(1.5)
    output = rig.guard.tick(rig.now_s - 1.0)
    assert output.plan is None and 'jumped back by 0.98 s' in output.status.reasons[0]
    assert output.status.state == 'holding'
    rig.guard.observe_joints(rig.now_s - 1.0, rig.q_rad)
    for before_s, accepted in ((1.0, False), (0.6, False), (0.4, True)):  # what the robot was sent ends within 0.5 s
        now_s = rig.now_s - before_s
        rig.guard.observe_joints(now_s, rig.q_rad)
        assert (rig.guard.accept_chunk(now_s, rig.chunk(now_s), CONTRACT).plan is not None) is accepted


def lowest_tcp_m(rig: Rig) -> float:
    return float(tcp_pose(PANDA, np.array(rig.commanded))[:, 2, 3].min())


def test_the_gripper_does_not_leave_the_workspace() -> None:
    start_m = float(tcp_pose(PANDA, PANDA.home_rad)[2, 3])
    plane_m = start_m - 0.05
    config = GuardConfig(workspace=Workspace(min_xyz_m=(-2.0, -2.0, plane_m)))
    deepest = []
    for each in (None, config):
        rig = Rig(each)
        rig.change = lambda chunk, rig=rig: with_q(  # type: ignore[misc]
            chunk, rig.q_rad + np.outer(0.1 * np.arange(1, 11), 0.4 * np.eye(7)[1])
        )
        rig.run(1.5)
        deepest.append(lowest_tcp_m(rig))
    assert deepest[0] < plane_m - 0.03, 'without the box it goes there'
    assert deepest[1] > plane_m - 0.002
    assert rig.guard.status.violations['workspace'] and 'panda_hand_tcp at z' in rig.reasons
    assert f'below the allowed {plane_m:.3f} m' in rig.reasons and rig.worst_share() <= 1.0


def test_an_arm_outside_the_workspace_may_come_back() -> None:
    box = Workspace(min_xyz_m=(-2.0, -2.0, float(tcp_pose(PANDA, PANDA.home_rad)[2, 3]) + 0.05))
    rig = Rig(GuardConfig(workspace=box))
    rig.change = lambda chunk: with_q(chunk, rig.q_rad - np.outer(0.1 * np.arange(1, 11), 0.3 * np.eye(7)[1]))
    rig.run(2.0)
    assert rig.guard.status.state == 'moving' and box.outside_m(PANDA, rig.sent[-1][1], rig.now_s)[0] == 0.0


def test_a_chunk_that_hardly_passes_the_limits_is_explained() -> None:
    rig = Rig()
    rig.change = lambda chunk: with_q(chunk, rig.q_rad - np.outer(0.1 * np.arange(1, 11), 0.4 * np.eye(7)[3]))
    rig.run(4.0)
    assert rig.guard.status.violations['limits'] > 3
    assert 'position of panda_joint4 lets only' in rig.reasons and np.min(rig.commanded, axis=0)[3] > -3.0219
    assert rig.worst_share() <= 1.0


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 2**32 - 1))
def test_no_fault_breaks_the_limits_and_every_fault_ends_in_rest(seed: int) -> None:
    rng = np.random.default_rng(seed)
    rig = Rig()
    rig.speed_rad_s = float(rng.uniform(0.2, 1.5))
    faults = (
        lambda chunk: None,
        lambda chunk: spoiled(chunk, np.nan),
        lambda chunk: spoiled(chunk, 2.0),
        lambda chunk: with_q(chunk, chunk.q_rad + rng.normal(0, 0.05, 7)),
        lambda chunk: with_q(chunk, chunk.q_rad + rng.normal(0, 0.3, chunk.q_rad.shape)),
        lambda chunk: replace(chunk, stamp_s=chunk.stamp_s - rng.uniform(0, 1)),
        lambda chunk: chunk,
    )
    for _ in range(4):
        rig.change = faults[rng.integers(len(faults))]
        rig.joints_alive = bool(rng.random() < 0.8)
        rig.run(float(rng.choice([0.1, 0.3, 0.6])))
        if rng.random() < 0.3:
            rig.take(rig.guard.disarm('test', rig.now_s))
            rig.guard.arm()
    rig.policy_alive = False
    rig.run(0.6)
    rig.run(0.2)
    assert rig.moved_rad(0.2) == 0.0
    assert rig.worst_share() <= 1.0


def test_gripper_changes_after_three_agreeing_chunks_and_not_in_between() -> None:
    switch = GripperSwitch(GripperConfig())

    def vote(opening: float) -> float | None:
        return switch.vote(Chunk(0.0, 0.1, np.zeros((4, 7)), np.full(4, opening)), 0.0)

    assert [vote(x) for x in (0.9, 0.9, 0.9, 0.9)] == [None, None, 1.0, None]
    assert [vote(x) for x in (0.1, 0.9, 0.1, 0.1, 0.5, 0.1, 0.1)] == [None] * 7
    assert [vote(x) for x in (0.1, 0.1, 0.1)] == [0.0, None, None]
    assert [vote(x) for x in (0.5, 0.55, 0.45)] == [None] * 3


def test_gripper_is_commanded_only_when_armed() -> None:
    rig = Rig().run(1.0)
    assert rig.gripper == [1.0]
    rig.change = lambda chunk: replace(chunk, gripper_open=np.zeros(10))
    rig.run(0.5)
    assert rig.gripper == [1.0, 0.0]


def test_a_fast_chunk_can_start_an_arm_at_rest() -> None:
    rig = Rig()
    rig.change = lambda chunk: with_q(chunk, rig.q_rad + np.outer(0.1 * np.arange(1, 11), 1.3 * np.eye(7)[6]))
    rig.run(1.0)
    assert 'gap' not in rig.guard.status.violations and rig.moved_rad(1.0) > 0.5 and rig.worst_share() <= 1.0
