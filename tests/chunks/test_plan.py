# SPDX-License-Identifier: Apache-2.0
"""Plans and chunks can be read at any time; limits bound every point of a plan, not only its knots."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from streams import panda_limits

from genima.chunks.limits import QUANTITIES, LimitMargins, PlanLimits
from genima.chunks.plan import Chunk, Plan

GRID_S = 0.02
LIMITS = panda_limits()


def random_plan(seed: int, knots: int = 12) -> Plan:
    rng = np.random.default_rng(seed)
    q = (LIMITS.position_min_rad + LIMITS.position_max_rad) / 2 + np.cumsum(rng.normal(0, 0.01, (knots, 7)), axis=0)
    v = rng.normal(0, 0.5, (knots, 7))
    v[0] = v[-1] = 0.0
    return Plan(40, GRID_S, q, v)


def test_plan_goes_through_its_knots_and_rests_outside() -> None:
    plan = random_plan(0)
    q, v, _ = plan.at(plan.times_s)
    np.testing.assert_allclose(q, plan.q_rad, atol=1e-12)
    np.testing.assert_allclose(v, plan.v_rad_s, atol=1e-9)
    for t_s, end in ((0.0, 0), (plan.end_s + 1.0, -1)):
        q, v, a = plan.at(t_s)
        np.testing.assert_allclose(q, plan.q_rad[end], atol=1e-12)
        assert not v.any() and not a.any()


def test_derivatives_are_those_of_the_position() -> None:
    plan = random_plan(1)
    t_s, step_s = plan.start_s + np.arange(200) * 0.001 + 0.0005, 1e-6
    q = [plan.at(t_s + shift)[0] for shift in (-step_s, 0.0, step_s)]
    _, v, a = plan.at(t_s)
    np.testing.assert_allclose((q[2] - q[0]) / (2 * step_s), v, atol=1e-5)
    v_later = plan.at(t_s + step_s)[1]
    np.testing.assert_allclose((v_later - v) / step_s, a, rtol=0.02, atol=0.05)


def test_a_single_knot_is_a_hold() -> None:
    q, v, a = Plan.hold(np.ones(3), 5, GRID_S).at(np.array([0.0, 0.1, 3.0]))
    np.testing.assert_array_equal(q, np.ones((3, 3)))
    assert not v.any() and not a.any()


def test_chunk_is_read_between_its_points() -> None:
    chunk = Chunk(1.0, 0.1, np.arange(4.0)[:, None], np.array([1.0, 1.0, 0.0, 0.0]))
    np.testing.assert_allclose(chunk.times_s, [1.1, 1.2, 1.3, 1.4])
    for t_s, q, gripper in ((0.0, 0.0, 1.0), (1.15, 0.5, 1.0), (1.25, 1.5, 0.5), (9.0, 3.0, 0.0)):
        got_q, got_gripper = chunk.at(t_s)
        assert (got_q[0], got_gripper) == pytest.approx((q, gripper))


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), rate_hz=st.sampled_from([500.0, 1000.0]))
def test_worst_bounds_what_a_controller_samples(seed: int, rate_hz: float) -> None:
    plan = random_plan(seed)
    worst = PlanLimits(LIMITS, GRID_S, LimitMargins(controller_rate_hz=rate_hz)).worst(
        *plan.knots(plan.first_tick - 1, plan.last_tick + 1)
    )
    offset_s = np.random.default_rng(seed).uniform(0, 1 / rate_hz)
    times_s = np.arange(plan.start_s - 0.05, plan.end_s + 0.05, 1 / rate_hz) + offset_s
    sampled = plan.at(times_s)[0]
    middle = (LIMITS.position_min_rad + LIMITS.position_max_rad) / 2
    reach = (LIMITS.position_max_rad - LIMITS.position_min_rad) / 2
    seen = {'position': np.abs((sampled - middle) / reach).max()}
    bounds = (LIMITS.velocity_rad_s, LIMITS.acceleration_rad_s2, LIMITS.jerk_rad_s3)
    for name, bound in zip(QUANTITIES[1:], bounds, strict=True):
        sampled = np.diff(sampled, axis=0) * rate_hz
        seen[name] = (np.abs(sampled) / bound).max()
    for name in QUANTITIES:
        between_knots = 5e-3 if name == 'position' else 1e-4
        assert seen[name] <= worst[name] + between_knots
        assert worst[name] < 4 * seen[name] + 0.05, 'and not by much'


@settings(max_examples=50, deadline=None)
@given(seed=st.integers(0, 2**32 - 1))
def test_largest_step_is_inside_and_no_larger_step_is(seed: int) -> None:
    limits = PlanLimits(LIMITS, GRID_S)
    hold = Plan.hold(random_plan(seed).q_rad[0], 40, GRID_S)
    wanted = random_plan(seed)
    knots = wanted.first_tick - 1, wanted.last_tick + 1
    step = limits.largest_step(limits.shares(*hold.knots(*knots)), limits.shares(*wanted.knots(*knots)))
    assert 0.0 < step.share < 1.0 and step.quantity in QUANTITIES

    def largest(share: float) -> float:
        return max(np.abs(part).max() for part in limits.shares(*hold.towards(wanted, share).knots(*knots)))

    assert largest(step.share) <= 1.0 + 1e-9
    assert largest(step.share * 1.01) > 1.0
