# SPDX-License-Identifier: Apache-2.0
"""What a plan must pass beside the limits of joints: workspace, collisions, singularities; if not whole, then in part."""

from collections.abc import Callable, Sequence
from functools import lru_cache

import numpy as np

from genima.chunks.plan import Plan
from genima.collision.checker import CollisionChecker
from genima.collision.obstacles import Obstacles
from genima.guard.singularity import too_fast
from genima.guard.status import GuardConfig, Reason
from genima.robots.profile import RobotProfile

SHARES = (0.6, 0.3, 0.1)  # how far towards a plan that must not be followed is tried instead

# (the plan under way, the one to judge, the time from which they differ) to what is wrong
Check = Callable[[Plan, Plan, float], Reason | None]


def plan_checks(profile: RobotProfile, config: GuardConfig) -> tuple[Check, ...]:
    """Return the checks that a configuration asks for."""

    def workspace(base: Plan, plan: Plan, from_s: float) -> Reason | None:
        where = config.workspace.left(profile, base, plan, from_s)
        return Reason('workspace', f'the chunk takes {where}') if where else None

    def singularity(base: Plan, plan: Plan, from_s: float) -> Reason | None:
        text = too_fast(profile, *plan.rest(from_s))
        return Reason('singularity', text) if text else None

    if config.obstacles is None:
        return workspace, singularity
    return workspace, collision_check(profile, config.obstacles), singularity


def collision_check(profile: RobotProfile, obstacles: Obstacles) -> Check:
    """Return the check that an arm runs into neither itself nor what stands around it."""
    checker = collision_checker(profile, obstacles)

    def collision(base: Plan, plan: Plan, from_s: float) -> Reason | None:
        contact = checker.contact(*plan.rest(from_s), plan.grid_s)
        return Reason('collision', contact.text) if contact else None

    return collision


@lru_cache(maxsize=8)
def collision_checker(profile: RobotProfile, obstacles: Obstacles) -> CollisionChecker:
    """Return the checker of a robot among obstacles, made once: it remembers nothing that changes what it says."""
    return CollisionChecker(profile, obstacles)


def refused(checks: Sequence[Check], base: Plan, plan: Plan, from_s: float) -> Reason | None:
    """Return why a plan must not be followed from `from_s` on, or None."""
    return next(filter(None, (check(base, plan, from_s) for check in checks)), None)


def part_allowed(checks: Sequence[Check], base: Plan, plan: Plan, from_s: float) -> tuple[Plan, Reason | None]:
    """Return `plan`, or the part of the way to it from `base` that passes, and what the whole plan does not pass.

    The part is `base` itself where not even a small one does.
    """
    reason = refused(checks, base, plan, from_s)
    if reason is None:
        return plan, None
    nearer = (base.towards(plan, share) for share in SHARES)
    return next((part for part in nearer if refused(checks, base, part, from_s) is None), base), reason


def way_refused(checks: Sequence[Check], q_rad: np.ndarray, start: Plan) -> Reason | None:
    """Return why an arm at `q_rad` (n,) must not be led to the start of a plan, or None.

    The robot's controller leads over on one cubic from rest to rest: a straight line in joint space.
    """
    here = Plan.hold(q_rad, start.first_tick - 1, start.grid_s)
    way = Plan(here.first_tick, start.grid_s, np.stack((q_rad, start.q_rad[0])), np.zeros((2, len(q_rad))))
    return refused(checks, here, way, here.start_s)
