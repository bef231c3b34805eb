# SPDX-License-Identifier: Apache-2.0
"""What is sent leads over smoothly from wherever the controller is."""

import numpy as np
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from streams import RATE_HZ, chunks, commanded, executed, panda_limits

from genima.chunks.bridge import part_to_send
from genima.chunks.limits import PlanLimits
from genima.chunks.plan import Chunk, Plan
from genima.chunks.splice import SpliceConfig, splice, start_plan

CONFIG = SpliceConfig()
LIMITS = panda_limits()
PLAN_LIMITS = PlanLimits(LIMITS, CONFIG.grid_s)
REST_RAD = np.array([0.0, -0.2, 0.0, -2.3, 0.0, 2.1, 0.8])
SEEDS = st.integers(0, 2**32 - 1)


def two_plans(seed: int, jump_rad: float = 0.02) -> tuple[Plan, Plan, float]:
    """Return a plan under way, the one that follows it, and when that is sent."""
    rng = np.random.default_rng(seed)
    stream = list(chunks(rng, REST_RAD, 2.0, jump_rad, 0.0, 0.5))
    _, plans, _ = executed(iter(stream[:-1]), LIMITS, REST_RAD, rng)
    now_s, chunk = stream[-1]
    return plans[-1], splice(plans[-1], chunk, now_s, PLAN_LIMITS, CONFIG).plan, now_s


@settings(max_examples=50, deadline=None)
@given(seed=SEEDS)
def test_from_the_part_on_it_is_the_plan(seed: int) -> None:
    _, plan, now_s = two_plans(seed)
    part = part_to_send(plan, None, now_s, PLAN_LIMITS, CONFIG)
    assert now_s < part.start_s <= now_s + CONFIG.lead_s + CONFIG.grid_s + 1e-9 and part.last_tick == plan.last_tick
    q, v = plan.knots(part.first_tick, part.last_tick)
    np.testing.assert_array_equal(part.q_rad, q)
    np.testing.assert_array_equal(part.v_rad_s, v)


@settings(max_examples=50, deadline=None)
@given(seed=SEEDS, error_rad=st.sampled_from([0.0005, 0.001]))
def test_a_controller_beside_the_plan_is_led_over_without_a_jump(seed: int, error_rad: float) -> None:
    old, plan, now_s = two_plans(seed, 0.005)
    beside = Plan(old.first_tick, old.grid_s, old.q_rad + error_rad, old.v_rad_s)
    part = part_to_send(plan, None, now_s, PLAN_LIMITS, CONFIG)
    arrival_s = now_s + 0.01
    runs = [commanded(each.q_rad[0], [each, part], [0.0, arrival_s], plan.end_s + 0.1) for each in (old, beside)]
    extra_rad_s2 = np.diff(runs[1] - runs[0], 2, axis=0) * RATE_HZ**2
    bridge_s = part.start_s - arrival_s
    assume(bridge_s > 0.02)  # else the old plan was needed to rest on
    assert np.abs(extra_rad_s2).max() <= 1.2 * 6 * error_rad / bridge_s**2, 'that of one cubic between rests'
    np.testing.assert_allclose(runs[1][-1], runs[0][-1], atol=1e-9)


def test_what_is_sent_again_changes_nothing() -> None:
    old, plan, now_s = two_plans(4)
    part = part_to_send(plan, None, now_s, PLAN_LIMITS, CONFIG)
    again_s = np.arange(now_s + 0.012, part.start_s, 0.02)
    once = commanded(old.q_rad[0], [old, part], [0.0, now_s], plan.end_s + 0.1)
    more = commanded(old.q_rad[0], [old, part, *[part] * len(again_s)], [0.0, now_s, *again_s], plan.end_s + 0.1)
    assert len(again_s) > 1
    np.testing.assert_allclose(more, once, atol=1e-9)


def test_nothing_is_sent_with_stamp_zero_which_would_mean_at_once() -> None:
    rest = Plan.hold(REST_RAD, 0, CONFIG.grid_s)
    chunk = Chunk(0.0, 0.1, REST_RAD + 0.02 * np.arange(1, 11)[:, None], np.ones(10))
    plan = splice(rest, chunk, 0.0, PLAN_LIMITS, CONFIG).plan
    assert plan.first_tick == 0 and part_to_send(plan, None, 0.0, PLAN_LIMITS, CONFIG).first_tick >= 1


def test_a_start_is_sent_as_it_is() -> None:
    start = start_plan(REST_RAD, np.full(7, 0.01), 1.0, PLAN_LIMITS, CONFIG)
    assert part_to_send(start, None, 1.0, PLAN_LIMITS, CONFIG).first_tick == start.first_tick


def test_a_plan_in_its_last_step_is_sent_to_its_end() -> None:
    plan = Plan.hold(REST_RAD, 10, CONFIG.grid_s)
    assert part_to_send(plan, None, 10 * CONFIG.grid_s, PLAN_LIMITS, CONFIG).q_rad.shape == (1, 7)
