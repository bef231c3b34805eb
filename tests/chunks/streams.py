# SPDX-License-Identifier: Apache-2.0
"""Hostile streams of chunks through the splice and the emulated controller."""

from collections.abc import Callable, Iterator

import numpy as np

from genima.chunks.limits import PlanLimits
from genima.chunks.plan import Chunk, Plan
from genima.chunks.splice import SpliceConfig, splice
from genima.guard.status import PlanMessage
from genima.robots.profile import JointLimits
from genima.sim.trajectory_controller import TrajectoryController

RATE_HZ = 500


def panda_limits(jerk_share: float = 1.0) -> JointLimits:
    """The limits of the Panda as in Franka's documentation, independent of our profile file."""
    n = np.ones(7)
    return JointLimits(
        position_min_rad=np.array([-2.8973, -1.7628, -2.8973, -3.0718, -2.8973, -0.0175, -2.8973]),
        position_max_rad=np.array([2.8973, 1.7628, 2.8973, -0.0698, 2.8973, 3.7525, 2.8973]),
        velocity_rad_s=np.array([2.175, 2.175, 2.175, 2.175, 2.61, 2.61, 2.61]),
        acceleration_rad_s2=np.array([15.0, 7.5, 10.0, 12.5, 15.0, 20.0, 20.0]),
        jerk_rad_s3=jerk_share * np.array([7500.0, 3750.0, 5000.0, 6250.0, 7500.0, 10000.0, 10000.0]),
        effort_nm=50 * n,
        sources={},
    )


def chunks(
    rng: np.random.Generator,
    start_rad: np.ndarray,
    seconds: float,
    jump_rad: float,
    jitter_rad: float,
    speed_rad_s: float,
) -> Iterator[tuple[float, Chunk]]:
    """Yield (time of use, chunk): straight lines at random speeds, each with its own offset, some lost."""
    intent, last_use_s = start_rad.copy(), 0.0
    for stamp_s in np.arange(1, round(seconds * 10)) / 10:
        velocity = rng.uniform(-speed_rad_s, speed_rad_s, len(start_rad))
        intent = intent + 0.1 * velocity
        if rng.random() < 0.2:
            continue
        times_s = 0.1 * np.arange(1, 11)
        noise = rng.normal(0, jitter_rad, (10, len(start_rad))) + rng.normal(0, jump_rad, len(start_rad))
        last_use_s = max(last_use_s, stamp_s + rng.uniform(0.0, 0.2))
        yield last_use_s, Chunk(stamp_s, 0.1, intent + times_s[:, None] * velocity + noise, np.ones(10))


def executed(
    stream: Iterator[tuple[float, Chunk]], limits: JointLimits, start_rad: np.ndarray, rng: np.random.Generator
) -> tuple[np.ndarray, list[Plan], np.ndarray]:
    """Return the commanded positions at 500 Hz until a second after the last chunk (N, n), all plans, and all times."""
    config = SpliceConfig()
    plan_limits = PlanLimits(limits, config.grid_s)
    plans = [Plan.hold(start_rad, 0, config.grid_s)]
    arrivals_s = [0.0]
    for now_s, chunk in stream:
        plans.append(splice(plans[-1], chunk, now_s, plan_limits, config).plan)
        arrivals_s.append(max(arrivals_s[-1], now_s + rng.uniform(0.0, 0.05)))
    return commanded(start_rad, plans[1:], arrivals_s[1:], arrivals_s[-1] + 1.0), plans, np.array(arrivals_s)


def commanded(start_rad: np.ndarray, plans: list[Plan], arrivals_s: list[float], until_s: float) -> np.ndarray:
    """Return what a controller commands at 500 Hz when `plans` arrive at the given times."""
    arm = TrajectoryController(len(start_rad), start_rad)
    q, arrived = np.empty((int(until_s * RATE_HZ), len(start_rad))), 0
    for i in range(len(q)):
        t_s = i / RATE_HZ
        while arrived < len(plans) and arrivals_s[arrived] <= t_s:
            message = PlanMessage.of(plans[arrived])
            arm.set_trajectory(t_s, message.stamp_s, message.times_from_start_s, message.q_rad, message.v_rad_s)
            arrived += 1
        q[i] = arm.sample(t_s)[0]
    return q


def assert_inside(q_rad: np.ndarray, limits: JointLimits) -> None:
    """Position, and velocity, acceleration and jerk by finite differences at 500 Hz, stay inside the limits."""
    assert (q_rad >= limits.position_min_rad).all() and (q_rad <= limits.position_max_rad).all()
    derivative = q_rad
    of: Callable[[int], str] = ['velocity', 'acceleration', 'jerk'].__getitem__
    bounds = (limits.velocity_rad_s, limits.acceleration_rad_s2, limits.jerk_rad_s3)
    for order, bound in enumerate(bounds):
        derivative = np.diff(derivative, axis=0) * RATE_HZ
        worst = (np.abs(derivative) / bound).max()
        assert worst <= 1.0, f'{of(order)} at {worst:.3f} of its limit'
