# SPDX-License-Identifier: Apache-2.0
"""What has to be true of the robot and of a chunk before the arm may move, each with a reason in plain words."""

import numpy as np

from genima.chunks.plan import Chunk, Plan
from genima.chunks.splice import chunk_begin_s
from genima.guard.sent_plans import SentPlans
from genima.guard.status import GuardConfig, Reason
from genima.robots.profile import RobotProfile

# below this a spline through the chunk says little
LEAST_POINTS = 4
MOST_RAD = 100.0
"""No joint turns so far; what is beyond overflows in a spline."""


def joints_missing(
    profile: RobotProfile, config: GuardConfig, now_s: float, seen_s: float | None, q_rad: np.ndarray
) -> Reason | None:
    """Return why the joint states cannot be used, or None. `q_rad`, shape (n,), is not finite where one is missing."""
    if seen_s is None:
        return Reason('joint_states', 'no joint states yet: is the robot driver running?')
    missing = [name for name, value in zip(profile.arm_joints, q_rad, strict=True) if not np.isfinite(value)]
    if missing:
        return Reason('joint_states', f'no finite position of {", ".join(missing)} in the joint states')
    if now_s - seen_s > config.max_joint_age_s + 1e-9:
        allowed = f'allowed are {config.max_joint_age_s:.2f} s: is the robot driver running?'
        return Reason('joint_states', f'joint states are {now_s - seen_s:.2f} s old, {allowed}')
    if seen_s - now_s > config.max_ahead_s:
        text = f'joint states are stamped {seen_s - now_s:.2f} s in the future: compare the clocks of the machines'
        return Reason('joint_states', text)
    return None


def tracking_lost(
    profile: RobotProfile, config: GuardConfig, now_s: float, plan: Plan | None, q_rad: np.ndarray
) -> Reason | None:
    """Return a reason if the arm, measured at `q_rad` (n,), is far from the plan that it should be following."""
    if plan is None or not plan.start_s <= now_s < plan.end_s:
        return None
    error_rad = np.abs(plan.at(now_s)[0] - q_rad)
    worst = int(error_rad.argmax())
    if error_rad[worst] <= config.max_tracking_error_rad:
        return None
    allowed = f'allowed are {config.max_tracking_error_rad:.2f} rad: is it blocked, or the controller inactive?'
    return Reason('tracking', f'{profile.arm_joints[worst]} is {error_rad[worst]:.2f} rad from the plan, {allowed}')


def led_astray(
    profile: RobotProfile, allowed_rad: float, now_s: float, sent: SentPlans, q_rad: np.ndarray
) -> Reason | None:
    """Return a reason if the arm was led to where it was measured, and is measured elsewhere, `q_rad` (n,), again."""
    error_rad = sent.led_astray(now_s, q_rad, allowed_rad)
    if error_rad is None:
        return None
    joint, off_rad = profile.arm_joints[int(error_rad.argmax())], error_rad.max()
    why = 'does its encoder lie, or does somebody move the arm? Reset where it stands still'
    return Reason('bridge', f'{joint} is measured {off_rad:.2f} rad from where the arm was led to, {why}')


def wrong_contract(contract: str | None, expected: str | None) -> Reason | None:
    """Return a reason if a chunk was made under another contract than the one that is expected; None expects any."""
    if expected is None or contract == expected:
        return None
    text = f'the chunk is of contract {contract}, the guard expects {expected}: same policy for all nodes?'
    return Reason('contract', text)


def chunk_malformed(profile: RobotProfile, chunk: Chunk, points: int | None = None) -> Reason | None:
    """Return why the numbers of a chunk cannot be used, or None. `points`: how many the contract says."""
    q, gripper = np.asarray(chunk.q_rad), np.asarray(chunk.gripper_open)
    if q.ndim != 2 or q.shape[1] != profile.n_joints or len(q) < LEAST_POINTS:
        wanted = f'{profile.name} needs at least {LEAST_POINTS} points of {profile.n_joints} joints'
        return Reason('shape', f'the chunk has positions of shape {q.shape}; {wanted}')
    if points is not None and len(q) != points:
        return Reason('shape', f'the chunk has {len(q)} points, the contract says {points}')
    if gripper.shape != (len(q),):
        return Reason('shape', f'the chunk has gripper openings of shape {gripper.shape} for {len(q)} points')
    if not (np.isfinite(q).all() and np.isfinite(gripper).all()):
        bad = int((~np.isfinite(q)).sum() + (~np.isfinite(gripper)).sum())
        return Reason('finite', f'{bad} numbers of the chunk are not finite')
    if np.abs(q).max() > MOST_RAD:
        return Reason('finite', f'a position of the chunk is {np.abs(q).max():.3g} rad, further than any joint turns')
    if not (np.isfinite(chunk.stamp_s) and np.isfinite(chunk.dt_s) and chunk.dt_s > 0):
        return Reason('finite', f'the chunk has stamp {chunk.stamp_s} s and step {chunk.dt_s} s')
    return None


def chunk_untimely(config: GuardConfig, chunk: Chunk, now_s: float, not_before_s: float) -> Reason | None:
    """Return why a chunk is too old, too new or out of order, or None. Stamps up to `not_before_s` are of the past."""
    age_s = now_s - chunk.stamp_s
    if age_s > config.max_chunk_age_s:
        return Reason(
            'age', f'the chunk answers an observation {age_s:.2f} s ago, allowed {config.max_chunk_age_s:.2f} s'
        )
    if -age_s > config.max_ahead_s:
        return Reason('age', f'the chunk is stamped {-age_s:.2f} s in the future: compare the clocks of the machines')
    if chunk.stamp_s <= not_before_s:
        text = (
            f'the chunk is stamped {not_before_s - chunk.stamp_s:.3f} s before the newest chunk used or the last stop'
        )
        return Reason('order', text)
    return None


def chunk_far(profile: RobotProfile, config: GuardConfig, chunk: Chunk, plan: Plan, tick: int) -> Reason | None:
    """Return a reason if a chunk is far from the plan at `tick`, where it would take over."""
    wanted_rad, _ = chunk.at(chunk_begin_s(plan, chunk, tick))
    gap_rad = np.abs(wanted_rad - plan.knots(tick, tick)[0][0])
    worst = int(gap_rad.argmax())
    if gap_rad[worst] <= config.max_start_gap_rad:
        return None
    allowed = f'allowed are {config.max_start_gap_rad:.2f} rad'
    return Reason(
        'gap', f'the chunk wants {profile.arm_joints[worst]} {gap_rad[worst]:.2f} rad from the plan, {allowed}'
    )
