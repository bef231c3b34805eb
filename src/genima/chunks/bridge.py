# SPDX-License-Identifier: Apache-2.0
"""Which part of a plan is sent: as little as possible of what comes before its change of course.

A joint_trajectory_controller leads from wherever it is to the first knot by one cubic, if that knot lies ahead. A
controller that missed a message, and follows something else than we believe, thus comes over smoothly; had it been sent
knots that lie behind or close ahead, it would jump to them. One that follows the old plan strays from it by what a cubic
cannot follow, so a bridge that would exceed a limit gets knots of the old plan to rest on.
"""

import numpy as np

from genima.chunks.limits import PlanLimits
from genima.chunks.plan import Plan
from genima.chunks.splice import SpliceConfig, first_change_tick, next_tick

# share of the limit on jerk that a bridge and its ends may use: the plan beside them has its own
JERK_SHARE = 0.3


def part_to_send(plan: Plan, sent: Plan | None, now_s: float, limits: PlanLimits, config: SpliceConfig) -> Plan:
    """Return the rest of a plan made at `now_s` from the latest knot on that a bridge may lead to.

    Args:
        plan: The old plan from the last knot on, and the change of course after `config.lead_s`.
        sent: The part of the old plan that was sent; a bridge to it may be under way and is not left before its end.
        now_s: Time at which it is sent.
        limits: Of the robot.
        config: Times of the splice.
    """
    now = next_tick(now_s, plan)
    soonest = now if sent is None else max(now, sent.first_tick)
    for first in range(min(first_change_tick(plan, now_s, config), plan.last_tick), soonest, -1):
        if first <= plan.first_tick or all(_fits(plan, tick, first, limits) for tick in range(now - 1, first)):
            return plan.since(first)
    return plan.since(soonest)


def _fits(plan: Plan, from_tick: int, to_tick: int, limits: PlanLimits) -> bool:
    """Return whether one cubic may stand for the plan between two ticks; its ends count as steps of acceleration."""
    middles_s = (np.array((from_tick, to_tick)) + 0.5) * plan.grid_s
    (q0, q1), (v0, v1) = (each[[0, -1]] for each in plan.knots(from_tick, to_tick))
    a0, a1 = plan.at(middles_s)[2]
    bridge_s = (to_tick - from_tick) * plan.grid_s
    slope = (q1 - q0) / bridge_s
    start, end = (6 * slope - 4 * v0 - 2 * v1) / bridge_s, (2 * v0 + 4 * v1 - 6 * slope) / bridge_s
    acceleration = np.maximum(np.abs(start), np.abs(end)) / limits.acceleration_rad_s2
    steps = np.maximum(np.abs(start - a0), np.abs(end - a1)) * limits.step_jerk_hz
    jerk = (steps + np.abs(end - start) / bridge_s) / limits.jerk_rad_s3
    return bool(acceleration.max() <= 1.0 and jerk.max() <= JERK_SHARE)
