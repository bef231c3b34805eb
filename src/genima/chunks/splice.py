# SPDX-License-Identifier: Apache-2.0
"""Join a new chunk to the plan that the robot follows, without a jump in position, velocity or acceleration.

A joint_trajectory_controller forgets its trajectory on each message, and leads over to one that begins in the future from
one cycle ahead of where it is. So a plan begins in the past, with the old plan, and changes over to the chunk only after
`lead_s`, the period of the chunks and more than a message needs to arrive: when it is lost, the next one still comes in
time. The end slows to rest within half a second, which bounds the motion if nothing follows.
"""

import math
from dataclasses import dataclass

import numpy as np
from scipy.interpolate import CubicSpline

from genima.chunks.limits import PlanLimits, Step
from genima.chunks.plan import Chunk, Plan
from genima.errors import LimitError

# greatest slope of the smooth step 3x² - 2x³ by which speed goes to zero
SLOW_DOWN_PEAK = 1.5
# share of the way to a limit that is used when a limit stops a plan: the next chunk needs room beside this one
ROOM = 0.85


@dataclass(frozen=True)
class SpliceConfig:
    """Times of the splice.

    Attributes:
        grid_s: Time between knots of a plan.
        lead_s: Time from now for which the old plan stays.
        fade_s: Time over which the plan changes from the old one to the chunk.
        run_s: Time after the lead for which the chunk is followed at full speed, the choices in order of preference.
        tail_s: Time after the lead at which the plan rests: with the lead and one step of the grid, the longest motion
            after the last message.
        stop_s: Durations to try for a stop.
        history_s: How much of the old plan before now a plan repeats. A controller whose clock is behind ours by less than
            that still finds its own present in it, and has nothing to lead over.
        bridge_s: Shortest time that the controller gets to reach the start of the first plan, where it is not known to be
            there.
    """

    grid_s: float = 0.02
    lead_s: float = 0.1
    fade_s: float = 0.38
    run_s: tuple[float, ...] = (0.2, 0.16, 0.1, 0.0)
    tail_s: float = 0.38
    stop_s: tuple[float, ...] = (0.1, 0.16, 0.22, 0.3)
    history_s: float = 0.2
    bridge_s: float = 0.2


@dataclass(frozen=True)
class Splice:
    """A plan to send and how it came about.

    Attributes:
        plan: What to send.
        step: How far the plan goes from the old plan towards the chunk, and what stops it if not all the way.
        rate: Speed at which the chunk is followed, 1 = its own; less where the chunk is faster than the robot.
        worst: Largest share of each of the robot's limits that the new part of the plan uses.
    """

    plan: Plan
    step: Step
    rate: float
    worst: dict[str, float]


def first_change_tick(old: Plan, now_s: float, config: SpliceConfig) -> int:
    """Return the first tick at which a plan made at `now_s` may differ from `old`."""
    return max(math.ceil((now_s + config.lead_s) / config.grid_s - 1e-9), old.first_tick)


def chunk_begin_s(old: Plan, chunk: Chunk, tick: int) -> float:
    """Return the time in the chunk from which it is followed when it follows `old` from `tick` on: the same time.

    Where the arm rests from the observation until then, the chunk begins there, and not in its middle.
    """
    q, v = old.knots(min(math.floor(chunk.stamp_s / old.grid_s), tick), tick)
    rests = not v.any() and bool((q == q[0]).all())
    return chunk.stamp_s if rests else tick * old.grid_s


def splice(old: Plan, chunk: Chunk, now_s: float, limits: PlanLimits, config: SpliceConfig) -> Splice:
    """Return the plan that follows `old` up to `now_s + lead_s` and changes over to `chunk` as far as limits allow.

    Args:
        old: The plan last sent, inside the limits; a hold where the arm rests.
        chunk: Finite, with at least four points.
        now_s: Time at which the new plan is sent.
        limits: Of the robot.
        config: Times; they are multiples of the grid.

    Raises:
        LimitError: if the chunk ends before the plan can.
    """
    start = first_change_tick(old, now_s, config)
    stop = max(start + round(config.tail_s / config.grid_s), old.last_tick)
    path = CubicSpline(chunk.times_s - chunk_begin_s(old, chunk, start), chunk.q_rad, bc_type='natural')
    rate = _rate(path, limits, config)
    # one knot before the change and one after the end: steps of acceleration count there too
    old_q, old_v = old.knots(start - 1, stop + 1)
    old_shares = limits.shares(old_q, old_v)
    best = (Step(-1.0), old_q, old_v)
    for run_s in _possible_runs(path, rate, config):
        q, v = _changed_over(path, old_q, old_v, run_s, rate, config)
        step = limits.largest_step(old_shares, limits.shares(q, v))
        if step.share > best[0].share:
            best = (step, q, v)
        if step.share == 1.0:
            break
    step, q, v = best
    if step.share < 1.0:
        step = step._replace(share=ROOM * step.share)
    q, v = old_q + step.share * (q - old_q), old_v + step.share * (v - old_v)
    return Splice(_with_prefix(old, start, now_s, q[1:-1], v[1:-1], config), step, rate, limits.worst(q, v))


def stop_plan(old: Plan, now_s: float, limits: PlanLimits, config: SpliceConfig) -> Plan:
    """Return the plan that brings the arm to rest on the path of `old`, as fast as limits allow.

    Time on the old path slows down to nothing, so the arm goes nowhere that was not planned. Where not even the longest
    of `config.stop_s` is inside the limits, the old plan itself is the answer: it rests at its end.
    """
    start = first_change_tick(old, now_s, config)
    for stop_s in config.stop_s:
        end = start + round(stop_s / config.grid_s)
        if end >= old.last_tick:
            break
        since_s, speed = _slow_down(np.arange(-1, end - start + 2) * config.grid_s, 0.0, stop_s)
        q, v, _ = old.at(start * config.grid_s + since_s)
        v = v * speed[:, None]
        old_shares = limits.shares(*old.knots(start - 1, end + 1))
        if limits.largest_step(old_shares, limits.shares(q, v)).share == 1.0:
            return _with_prefix(old, start, now_s, q[1:-1], v[1:-1], config)
    q, v = old.knots(start, max(start, old.last_tick))
    return _with_prefix(old, start, now_s, q, v, config)


def start_plan(q_rad: np.ndarray, gap_rad: np.ndarray, now_s: float, limits: PlanLimits, config: SpliceConfig) -> Plan:
    """Return the hold at the measured position from which motion starts when nothing is known of the controller's plan.

    It begins in the future, so that the controller itself bridges to it from where it holds the arm, by one cubic. That
    takes long enough to stay inside half of the limits if the controller holds no further than `gap_rad` away.

    Args:
        q_rad: Measured position, shape (n,).
        gap_rad: Largest distance of what the controller holds from it, shape (n,).
        now_s: Time at which the plan is sent.
        limits: Of the robot.
        config: Times; the bridge takes `bridge_s` at least.
    """
    # a cubic over time T between rests d apart: acceleration 6d/T² at its ends, jerk 12d/T³
    least_s = config.bridge_s
    acceleration = 12 * gap_rad / limits.acceleration_rad_s2
    jerk = 12 * gap_rad * (limits.step_jerk_hz + 2 / least_s) / limits.jerk_rad_s3
    bridge_s = max(least_s, float(np.sqrt(max(acceleration.max(), jerk.max()))))
    return Plan.hold(q_rad, math.ceil((now_s + config.lead_s + bridge_s) / config.grid_s), config.grid_s)


def _slow_down(t_s: np.ndarray, run_s: float, stop_s: float) -> tuple[np.ndarray, np.ndarray]:
    """Return how much of a motion has passed at `t_s` and its speed: 1 until `run_s`, smoothly to 0 within `stop_s`."""
    x = np.clip((t_s - run_s) / stop_s, 0.0, 1.0)
    passed_s = np.minimum(t_s, run_s) + stop_s * (x - x**3 + x**4 / 2)
    return passed_s, 1.0 - x * x * (3.0 - 2.0 * x)


def _possible_runs(path: CubicSpline, rate: float, config: SpliceConfig) -> list[float]:
    """Return the choices of `run_s` for which the chunk is long enough."""
    runs = [run_s for run_s in config.run_s if rate * (run_s + config.tail_s) / 2 <= path.x[-1] + 1e-9]
    if not runs:
        least_s = rate * (min(config.run_s) + config.tail_s) / 2
        raise LimitError(
            f'the chunk reaches {path.x[-1]:.3f} s beyond the time at which it can be followed; '
            f'at least {least_s:.3f} s are needed: lower the latency or predict more steps'
        )
    return runs


def _rate(path: CubicSpline, limits: PlanLimits, config: SpliceConfig) -> float:
    """Return the speed in (0, 1] at which the chunk fits into the limits of velocity and acceleration.

    Velocity also has to stay where the arm can come to rest within three quarters of the tail.
    """
    t_s = np.arange(max(path.x[0], 0.0), (max(config.run_s) + config.tail_s) / 2, config.grid_s)
    stoppable = limits.acceleration_rad_s2 * 0.75 * config.tail_s / SLOW_DOWN_PEAK
    velocity = np.abs(path(t_s, 1)).max(axis=0, initial=0.0) / stoppable
    allowed = limits.velocity_share(path(t_s), path(t_s, 1)).max(axis=0, initial=0.0)
    acceleration = np.abs(path(t_s, 2)).max(axis=0, initial=0.0) / limits.acceleration_rad_s2
    return float(1.0 / max(1.0, velocity.max(), allowed.max(), np.sqrt(acceleration.max())))


def _changed_over(
    path: CubicSpline, old_q: np.ndarray, old_v: np.ndarray, run_s: float, rate: float, config: SpliceConfig
) -> tuple[np.ndarray, np.ndarray]:
    """Return knots that leave the old plan at the second knot and are wholly the slowing chunk after `fade_s`."""
    t_s = np.arange(-1, len(old_q) - 1) * config.grid_s
    passed_s, speed = _slow_down(t_s, run_s, config.tail_s - run_s)
    new_q, new_v = path(rate * passed_s), path(rate * passed_s, 1) * (rate * speed)[:, None]
    x = np.clip(t_s / config.fade_s, 0.0, 1.0)[:, None]
    weight, weight_rate = x**3 * (10 - 15 * x + 6 * x * x), 30 * (x * (1 - x)) ** 2 / config.fade_s
    apart = new_q - old_q
    return old_q + weight * apart, old_v + weight_rate * apart + weight * (new_v - old_v)


def _with_prefix(
    old: Plan, start: int, now_s: float, q: np.ndarray, v: np.ndarray, config: SpliceConfig
) -> Plan:
    """Return the plan with knots `q`, `v` from tick `start` on and the old plan from a while ago until then.

    The stamp of a message is what tells it from the one before, so a plan begins after the old one where it can.
    """
    a_moment_ago = math.floor(now_s / old.grid_s + 1e-9) - 1
    after_old = min(old.first_tick + 1, max(a_moment_ago, old.first_tick))
    first = min(start, max(past_tick(now_s, config), after_old))
    old_q, old_v = old.knots(first, start - 1)
    return Plan(first, old.grid_s, np.concatenate((old_q, q)), np.concatenate((old_v, v)))


def past_tick(now_s: float, config: SpliceConfig) -> int:
    """Return the tick at which a plan begins that is sent at `now_s`: `history_s` ago.

    It is never 0, since a message with stamp 0 would start on arrival.
    """
    return max(math.floor((now_s - config.history_s) / config.grid_s + 1e-9), 1)
