# SPDX-License-Identifier: Apache-2.0
"""Whatever the chunks, what the controller commands is continuous, inside the limits, and at rest in the end."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from streams import RATE_HZ, assert_inside, chunks, commanded, executed, panda_limits

from genima.chunks.limits import PlanLimits
from genima.chunks.plan import Chunk, Plan
from genima.chunks.splice import SpliceConfig, splice, start_plan, stop_plan
from genima.errors import LimitError
from genima.robots.profile import RobotProfile

CONFIG = SpliceConfig()
LIMITS = panda_limits()
PLAN_LIMITS = PlanLimits(LIMITS, CONFIG.grid_s)
MIDDLE_RAD = (LIMITS.position_min_rad + LIMITS.position_max_rad) / 2
REST_RAD = np.array([0.0, -0.2, 0.0, -2.3, 0.0, 2.1, 0.8])
SEEDS = st.integers(0, 2**32 - 1)


def ramp(stamp_s: float, start_rad: np.ndarray, velocity_rad_s: float, points: int = 10) -> Chunk:
    times_s = 0.1 * np.arange(1, points + 1)
    return Chunk(stamp_s, 0.1, start_rad + velocity_rad_s * (stamp_s + times_s[:, None]), np.ones(points))


@settings(max_examples=150, deadline=None)
@given(
    seed=SEEDS,
    jump_rad=st.sampled_from([0.0, 0.01, 0.05, 0.3]),
    jitter_rad=st.sampled_from([0.0, 0.01, 0.1]),
    speed_rad_s=st.sampled_from([0.3, 1.5, 6.0]),
    jerk_share=st.sampled_from([1.0, 0.02]),
)
def test_any_stream_stays_inside_the_limits(
    seed: int, jump_rad: float, jitter_rad: float, speed_rad_s: float, jerk_share: float
) -> None:
    rng = np.random.default_rng(seed)
    limits = panda_limits(jerk_share)
    stream = chunks(rng, REST_RAD, 2.0, jump_rad, jitter_rad, speed_rad_s)
    q, plans, _ = executed(stream, limits, REST_RAD, rng)
    assert_inside(q, limits)
    np.testing.assert_array_equal(q[-1], plans[-1].q_rad[-1])
    for plan in plans:
        assert not plan.v_rad_s[-1].any(), 'a plan ends at rest'


@settings(max_examples=60, deadline=None)
@given(seed=SEEDS, end=st.sampled_from([0.02, 0.2, 0.5]), speed_rad_s=st.sampled_from([0.5, 1.5, 4.0]))
def test_velocity_shrinks_towards_the_ends_of_the_range(seed: int, end: float, speed_rad_s: float) -> None:
    """FR3: |v| <= sqrt(2 deceleration (end - q)) - offset, written down here once more."""
    rng, limits = np.random.default_rng(seed), RobotProfile.load('fr3').limits
    low, high, braking = limits.position_min_rad + 0.05, limits.position_max_rad - 0.05, limits.braking
    assert braking is not None
    start_rad = np.where(rng.random(7) < 0.5, low + end * (high - low), high - end * (high - low))
    q, _, _ = executed(chunks(rng, start_rad, 1.5, 0.05, 0.01, speed_rad_s), limits, start_rad, rng)
    assert_inside(q, limits)
    v = np.diff(q, axis=0) * RATE_HZ
    left = np.where(v > 0, braking.max_rad - q[:-1], q[:-1] - braking.min_rad)
    fastest = np.sqrt(2 * braking.deceleration_rad_s2 * left) - braking.offset_rad_s
    assert (np.abs(v) <= np.maximum(fastest, 1e-9)).all()


@settings(max_examples=80, deadline=None)
@given(seed=SEEDS, now_s=st.floats(1.2, 1.6), speed_rad_s=st.sampled_from([0.3, 1.5, 6.0]))
def test_stop_ends_on_the_path_inside_the_limits_within_half_a_second(seed: int, now_s: float, speed_rad_s: float) -> None:
    rng = np.random.default_rng(seed)
    stream = [item for item in chunks(rng, REST_RAD, 2.0, 0.02, 0.0, speed_rad_s) if item[0] <= now_s]
    _, plans, arrivals_s = executed(iter(stream), LIMITS, REST_RAD, rng)
    stop = stop_plan(plans[-1], now_s, PLAN_LIMITS, CONFIG)
    stop_arrival_s = max(now_s + rng.uniform(0.0, 0.05), arrivals_s[-1])
    assert stop.end_s <= now_s + 0.5 + 1e-9
    q = commanded(REST_RAD, [*plans[1:], stop], [*arrivals_s[1:], stop_arrival_s], now_s + 1.0)
    assert_inside(q, LIMITS)
    # on the path of the plan that it stops: every position of the stop is one of that plan
    path, _, _ = plans[-1].at(np.linspace(now_s, plans[-1].end_s, 2000))
    for knot in stop.q_rad[stop.times_s > now_s + CONFIG.lead_s]:
        assert np.abs(path - knot).max(axis=1).min() < 5e-3


def test_a_fast_arm_stops_sooner_than_its_plan() -> None:
    plan = moving_plan(0.45)
    assert np.abs(plan.at(0.5)[1]).max() > 0.3
    stop = stop_plan(plan, 0.42, PLAN_LIMITS, CONFIG)
    assert stop.end_s < plan.end_s - 0.1
    resting = Plan.hold(REST_RAD, 0, CONFIG.grid_s)
    np.testing.assert_array_equal(stop_plan(resting, 3.0, PLAN_LIMITS, CONFIG).q_rad[-1], REST_RAD)


def test_before_the_lead_nothing_changes() -> None:
    rng = np.random.default_rng(3)
    _, plans, _ = executed(chunks(rng, REST_RAD, 1.0, 0.02, 0.0, 0.5), LIMITS, REST_RAD, rng)
    now_s = plans[-1].start_s + 0.15
    new = splice(plans[-1], ramp(now_s, plans[-1].q_rad[-1], 0.3), now_s, PLAN_LIMITS, CONFIG).plan
    assert plans[-1].start_s < new.start_s <= now_s - CONFIG.grid_s + 1e-9, 'it begins in the past, after the old one'
    times_s = np.linspace(new.start_s, now_s + CONFIG.lead_s, 50)
    for old_value, new_value in zip(plans[-1].at(times_s), new.at(times_s), strict=True):
        np.testing.assert_allclose(new_value, old_value, atol=1e-12)


def test_consistent_chunks_are_followed_closely() -> None:
    plan = Plan.hold(REST_RAD, 0, CONFIG.grid_s)
    for now_s in np.arange(1, 16) / 10:
        result = splice(plan, ramp(now_s, REST_RAD, 0.3), now_s, PLAN_LIMITS, CONFIG)
        plan = result.plan
    assert result.step.share == 1.0 and result.rate == 1.0
    q, v, _ = plan.at(1.6)
    np.testing.assert_allclose(q, REST_RAD + 0.3 * 1.6, atol=0.3 * 0.015), 'at most 15 ms behind'
    np.testing.assert_allclose(v, 0.3, atol=0.02)


def test_a_chunk_faster_than_the_robot_is_slowed_as_a_whole() -> None:
    start = REST_RAD.copy()
    chunk = ramp(0.1, start, 4.0)
    result = splice(Plan.hold(start + 0.4, 0, CONFIG.grid_s), chunk, 0.1, PLAN_LIMITS, CONFIG)
    assert 0.2 < result.rate < 0.5
    moved = result.plan.q_rad[-1] - start - 0.4
    np.testing.assert_allclose(moved, moved[0], atol=1e-9), 'every joint by the same amount'


def test_what_limits_is_named() -> None:
    near_end = MIDDLE_RAD.copy()
    near_end[3] = LIMITS.position_max_rad[3] - 0.06
    step = splice(Plan.hold(near_end, 0, CONFIG.grid_s), ramp(0.0, near_end, 0.5), 0.1, PLAN_LIMITS, CONFIG).step
    assert (step.quantity, step.joint) == ('position', 3) and step.share < 0.5


def test_an_arm_outside_its_margin_may_come_back_and_not_go_on() -> None:
    outside = MIDDLE_RAD.copy()
    outside[0] = LIMITS.position_max_rad[0] - 0.01
    plan = Plan.hold(outside, 0, CONFIG.grid_s)
    further = splice(plan, ramp(0.0, outside, 0.2), 0.1, PLAN_LIMITS, CONFIG)
    assert further.plan.q_rad[:, 0].max() <= outside[0] + 1e-12
    back = splice(plan, ramp(0.0, outside, -0.2), 0.1, PLAN_LIMITS, CONFIG)
    assert back.step.share == 1.0 and back.plan.q_rad[-1, 0] < outside[0] - 0.03


def moving_plan(until_s: float) -> Plan:
    plan = Plan.hold(REST_RAD, 0, CONFIG.grid_s)
    for now_s in np.arange(0.1, until_s, 0.1):
        plan = splice(plan, ramp(now_s, REST_RAD, 0.5), now_s, PLAN_LIMITS, CONFIG).plan
    return plan


def test_a_chunk_that_ends_too_soon_is_refused() -> None:
    with pytest.raises(LimitError, match='predict more steps'):
        splice(moving_plan(0.5), ramp(0.2, REST_RAD, 0.5, points=4), 0.5, PLAN_LIMITS, CONFIG)


def test_from_rest_a_chunk_is_followed_from_its_beginning() -> None:
    plan = splice(Plan.hold(REST_RAD, 0, CONFIG.grid_s), ramp(0.0, REST_RAD, 0.2), 0.2, PLAN_LIMITS, CONFIG).plan
    seen_at_rest = splice(plan, ramp(0.0, REST_RAD, 0.2), 0.3, PLAN_LIMITS, CONFIG).plan
    late = 0.2 * (0.26 + CONFIG.tail_s)
    assert plan.q_rad[-1, 0] - REST_RAD[0] < late - 0.2 * 0.2, 'latency does not count'
    assert seen_at_rest.q_rad[-1, 0] - REST_RAD[0] > 0.2 * 0.36, 'in motion it does'


@pytest.mark.parametrize('gap_rad', [0.0, 0.01, 0.1, 0.5])
@pytest.mark.parametrize('delay_s', [0.0, 0.05])
@pytest.mark.parametrize('jerk_share', [1.0, 0.02])
def test_starting_from_an_unknown_hold_stays_inside_the_limits(gap_rad: float, delay_s: float, jerk_share: float) -> None:
    limits = panda_limits(jerk_share)
    plan_limits = PlanLimits(limits, CONFIG.grid_s)
    plan = start_plan(REST_RAD + gap_rad, np.full(7, gap_rad), 0.1, plan_limits, CONFIG)
    plans, sent_s = [plan], [0.1]
    for now_s in (plan.start_s + 0.01, plan.start_s + 0.11):
        chunk = ramp(now_s, REST_RAD + gap_rad - 0.2 * now_s, 0.2)
        plans.append(splice(plans[-1], chunk, now_s, plan_limits, CONFIG).plan)
        sent_s.append(now_s)
    q = commanded(REST_RAD, plans, [time_s + delay_s for time_s in sent_s], plan.start_s + 1.0)
    assert_inside(q, limits)
    assert np.abs(q[-1] - plans[-1].q_rad[-1]).max() == 0.0


def test_the_splice_is_deterministic() -> None:
    plan = Plan.hold(REST_RAD, 0, CONFIG.grid_s)
    first, second = (splice(plan, ramp(0.0, REST_RAD, 0.2), 0.0, PLAN_LIMITS, CONFIG).plan for _ in range(2))
    np.testing.assert_array_equal(first.q_rad, second.q_rad)
