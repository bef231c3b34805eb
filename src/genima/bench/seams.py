# SPDX-License-Identifier: Apache-2.0
"""What streaming 10 Hz chunks to a joint_trajectory_controller does to the arm, naively and through the splice.

Chunks follow a smooth intent, each off by its own constant error per joint (models disagree with themselves from one
picture to the next), are ready after some latency, and reach the controller after some transport delay. The commanded
positions are sampled at 500 Hz; velocity, acceleration and jerk are their finite differences.
"""

import heapq
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass

import numpy as np

from genima.chunks.limits import PlanLimits
from genima.chunks.plan import Chunk, Plan
from genima.chunks.splice import SpliceConfig, splice
from genima.guard.status import PlanMessage
from genima.robots.profile import JointLimits, RobotProfile
from genima.sim.trajectory_controller import TrajectoryController

RATE_HZ = 500
PERIOD_S = 0.1
POINTS = 10
SPEED_RAD_S = 0.65
SETTLE_S = 2.0

# (stamp, times from start, positions, velocities): what a joint_trajectory_controller is sent
Message = tuple[float, np.ndarray, np.ndarray, np.ndarray | None]
Sender = Callable[[float, Chunk], Message]


@dataclass(frozen=True)
class Conditions:
    """A stream of chunks: standard deviation of their disagreement, and ranges of latency and transport delay."""

    disagreement_rad: float = 0.01
    latency_s: tuple[float, float] = (0.06, 0.06)
    transport_s: tuple[float, float] = (0.0, 0.0)
    lost: float = 0.0

    def row(self) -> dict[str, str]:
        """Return the conditions as cells of a table, in milliseconds and milliradians."""
        return {
            'mrad': f'{1e3 * self.disagreement_rad:.0f}',
            'latency': _span_ms(self.latency_s),
            'transport': _span_ms(self.transport_s),
        }


def _span_ms(span_s: tuple[float, float]) -> str:
    low, high = (f'{1e3 * value:.0f}' for value in span_s)
    return low if low == high else f'{low}-{high}'


@dataclass(frozen=True)
class Seams:
    """Worst share of each limit (1 = at the limit) and distance from the intent while it is followed."""

    velocity: float
    acceleration: float
    jerk: float
    lag_rms_mrad: float


def differences(q_rad: np.ndarray, limits: JointLimits, rate_hz: float = RATE_HZ) -> dict[str, float]:
    """Return the worst share of the limits of velocity, acceleration and jerk in samples of shape (N, n)."""
    derivative = np.diff(q_rad, axis=0) * rate_hz
    shares = {'velocity': float(limits.velocity_share(q_rad[:-1], derivative).max())}
    for name, limit in (('acceleration', limits.acceleration_rad_s2), ('jerk', limits.jerk_rad_s3)):
        derivative = np.diff(derivative, axis=0) * rate_hz
        shares[name] = float((np.abs(derivative) / limit).max())
    return shares


class Intent:
    """Every joint swings about the middle of its range, from rest, at up to `speed_rad_s`."""

    def __init__(self, limits: JointLimits, rng: np.random.Generator, speed_rad_s: float = SPEED_RAD_S) -> None:
        n = len(limits.velocity_rad_s)
        self._middle_rad = (limits.position_min_rad + limits.position_max_rad) / 2
        reach_rad = 0.35 * (limits.position_max_rad - limits.position_min_rad)
        self._amplitude_rad = np.minimum(speed_rad_s / rng.uniform(0.8, 1.8, n), reach_rad)
        self._frequency_rad_s = speed_rad_s / self._amplitude_rad
        self._phase_rad = rng.uniform(0, 2 * np.pi, n)

    def __call__(self, t_s: np.ndarray | float) -> np.ndarray:
        """Return positions (..., n) at times (...)."""
        t = np.asarray(t_s, dtype=float)[..., None]
        # slow start, so that lag is that of following and not that of catching up
        t = np.where(t < SETTLE_S, t * t / SETTLE_S / 2, t - SETTLE_S / 2)
        swing = np.sin(t * self._frequency_rad_s + self._phase_rad) - np.sin(self._phase_rad)
        return self._middle_rad + self._amplitude_rad * (np.sin(self._phase_rad) + swing)


def stream(
    intent: Intent, conditions: Conditions, rng: np.random.Generator, seconds: float
) -> Iterator[tuple[float, Chunk]]:
    """Yield (time at which it is ready, chunk), in order of that time, those that were overtaken left out."""
    ready: list[tuple[float, float]] = []
    for stamp_s in np.arange(0.0, seconds, PERIOD_S):
        if rng.random() >= conditions.lost:
            heapq.heappush(ready, (stamp_s + rng.uniform(*conditions.latency_s), stamp_s))
    newest_s = -1.0
    while ready:
        now_s, stamp_s = heapq.heappop(ready)
        if stamp_s > newest_s:
            newest_s = stamp_s
            times_s = stamp_s + PERIOD_S * np.arange(1, POINTS + 1)
            q = intent(times_s)
            yield (
                now_s,
                Chunk(stamp_s, PERIOD_S, q + rng.normal(0, conditions.disagreement_rad, q.shape[1]), np.ones(POINTS)),
            )


def from_now(now_s: float, chunk: Chunk) -> Message:
    """Stamp 0, positions only: what most scripts do."""
    return 0.0, chunk.times_s - chunk.stamp_s, chunk.q_rad, None


def from_observation(now_s: float, chunk: Chunk) -> Message:
    """Stamped with the observation, positions only."""
    return chunk.stamp_s or 1e-9, chunk.times_s - chunk.stamp_s, chunk.q_rad, None


def with_velocities(now_s: float, chunk: Chunk) -> Message:
    """Stamped with the observation, velocities by finite differences, the last one zero."""
    v = np.gradient(chunk.q_rad, chunk.dt_s, axis=0)
    v[-1] = 0.0
    return chunk.stamp_s or 1e-9, chunk.times_s - chunk.stamp_s, chunk.q_rad, v


def spliced(profile: RobotProfile, q_start_rad: np.ndarray) -> Sender:
    """Ours."""
    config = SpliceConfig()
    limits = PlanLimits(profile.limits, config.grid_s)
    plan = Plan.hold(q_start_rad, 0, config.grid_s)

    def send(now_s: float, chunk: Chunk) -> Message:
        nonlocal plan
        plan = splice(plan, chunk, now_s, limits, config).plan
        message = PlanMessage.of(plan)
        return message.stamp_s, message.times_from_start_s, message.q_rad, message.v_rad_s

    return send


OURS = 'ours'
SENDERS: dict[str, Callable[[RobotProfile, np.ndarray], Sender]] = {
    'on arrival': lambda profile, q: from_now,
    'stamped': lambda profile, q: from_observation,
    'stamped, v': lambda profile, q: with_velocities,
    OURS: spliced,
}


def trace(
    profile: RobotProfile,
    sender: str,
    conditions: Conditions,
    seed: int,
    seconds: float = 8.0,
    speed_rad_s: float = SPEED_RAD_S,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Stream for `seconds` and let the plan run out; return times (N,), commanded and intended positions (N, n)."""
    rng = np.random.default_rng(seed)
    intent = Intent(profile.limits, rng, speed_rad_s)
    send = SENDERS[sender](profile, intent(0.0))
    arm = TrajectoryController(profile.n_joints, intent(0.0))
    wire: list[tuple[float, Message]] = []
    for now_s, chunk in stream(intent, conditions, rng, seconds):
        arrival_s = now_s + rng.uniform(*conditions.transport_s)
        wire.append((max(arrival_s, wire[-1][0]) if wire else arrival_s, send(now_s, chunk)))
    times_s = np.arange(int((seconds + 1.0) * RATE_HZ)) / RATE_HZ
    q, arrived = np.empty((len(times_s), profile.n_joints)), 0
    for i, t_s in enumerate(times_s):
        while arrived < len(wire) and wire[arrived][0] <= t_s:
            arm.set_trajectory(t_s, *wire[arrived][1])
            arrived += 1
        q[i] = arm.sample(t_s)[0]
    return times_s, q, intent(times_s)


def measure(profile: RobotProfile, sender: str, conditions: Conditions, seed: int, seconds: float = 8.0) -> Seams:
    """Return the worst shares of one stream, and how far the arm is from the intent once both are in motion."""
    times_s, q, intended = trace(profile, sender, conditions, seed, seconds)
    followed = (times_s > SETTLE_S) & (times_s < seconds)
    lag_rad = (q - intended)[followed]
    return Seams(**differences(q, profile.limits), lag_rms_mrad=float(1e3 * np.sqrt((lag_rad**2).mean())))


CASES = tuple(
    Conditions(disagreement_rad, latency_s, transport_s)
    for disagreement_rad in (0.01, 0.03, 0.05)
    for latency_s, transport_s in (((0.06, 0.06), (0.0, 0.0)), ((0.08, 0.16), (0.0, 0.05)), ((0.0, 0.2), (0.0, 0.05)))
)


def table(profile: RobotProfile, seeds: int = 3) -> list[dict[str, str | float]]:
    """Return one row for each case and sender: the worst of `seeds` streams."""
    rows: list[dict[str, str | float]] = []
    for conditions in CASES:
        for sender in SENDERS:
            runs = [asdict(measure(profile, sender, conditions, seed)) for seed in range(seeds)]
            worst = {name: max(run[name] for run in runs) for name in runs[0]}
            rows.append({'robot': profile.name, **conditions.row(), 'sender': sender, **worst})
    return rows
