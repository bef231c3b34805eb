# SPDX-License-Identifier: Apache-2.0
"""Chunks that lead an arm into itself or the table, through the guard, judged by MuJoCo's contacts on its own geometry.

Each run starts somewhere and streams chunks at 10 Hz: towards random positions, towards positions in which MuJoCo finds
contacts, and noise. Every plan that the guard lets through is looked at to its end, every 2 ms, as if nothing followed.
"""

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np

from genima.bench.contacts import MujocoContacts
from genima.bench.good_episodes import GoodEpisode
from genima.chunks.plan import Chunk, Plan
from genima.chunks.splice import first_change_tick, past_tick, splice
from genima.collision.checker import Contact
from genima.errors import LimitError
from genima.guard.guard import Guard
from genima.guard.plan_checks import collision_check, collision_checker, part_allowed, plan_checks
from genima.guard.status import GuardConfig
from genima.processes import in_processes
from genima.robots.profile import RobotProfile

KINDS = ('random', 'into itself', 'into the table', 'noise')
CHUNKS_PER_RUN, POINTS, PERIOD_S, SAMPLE_S = 10, 10, 0.1, 0.002
RUNS_PER_JOB = 25
START_S = 1.0
POOL = 400
STEP_RAD = 0.08
CONFIG = GuardConfig(max_controller_age_s=0.1)


@dataclass
class Outcome:
    """What some chunks of one arm came to.

    Attributes:
        chunks: By kind.
        passed: Chunks that were let through, whole or in part.
        stopped: Chunks of which the guard let only a part through, or nothing, because of collisions.
        dangerous: Of those, chunks whose whole plan MuJoCo finds in contact.
        penetrations: Plans that were let through and that MuJoCo finds in contact, in words.
        collision_ms: Processor time that the collision check takes for a chunk, parts of its plan included.
        checks_ms: Likewise of all checks: workspace, collisions, singularities.
    """

    chunks: dict[str, int] = field(default_factory=lambda: dict.fromkeys(KINDS, 0))
    passed: int = 0
    stopped: int = 0
    dangerous: int = 0
    penetrations: list[str] = field(default_factory=list)
    collision_ms: list[float] = field(default_factory=list)
    checks_ms: list[float] = field(default_factory=list)


def run_chunks(robot: str, chunks: int, seed: int, workers: int) -> Iterator[Outcome]:
    """Yield what the guard and MuJoCo say of `chunks` chunks of a robot, in parts."""
    runs = -(-chunks // CHUNKS_PER_RUN)
    parts = [range(first, min(first + RUNS_PER_JOB, runs)) for first in range(0, runs, RUNS_PER_JOB)]
    yield from in_processes(partial(_run_part, robot, seed), parts, workers)


def _run_part(robot: str, seed: int, runs: Sequence[int]) -> Outcome:
    profile, outcome = RobotProfile.load(robot), Outcome()
    contacts = MujocoContacts(profile)
    rng = np.random.default_rng([seed, runs[0]])
    goals = _goals(profile, contacts, rng)
    for run in runs:
        _Run(profile, contacts, goals, np.random.default_rng([seed, 1, run]), outcome).play()
    return outcome


def _goals(profile: RobotProfile, contacts: MujocoContacts, rng: np.random.Generator) -> dict[str, np.ndarray]:
    """Return positions (N, n) to go to, by kind of chunk."""
    found: dict[str, list[np.ndarray]] = {kind: [] for kind in KINDS[:3]}
    for _ in range(POOL):
        q_rad = _drawn(profile, rng)
        contact = contacts.first(q_rad[None])
        kind = 'random' if contact is None else KINDS[1 + ('table' in contact[1:3])]
        found[kind].append(q_rad)
    return {kind: np.array(rows or found['random']) for kind, rows in found.items()}


def _drawn(profile: RobotProfile, rng: np.random.Generator) -> np.ndarray:
    room = CONFIG.margins.position_rad
    limits = profile.limits
    low, high = (np.clip(bound, -np.pi, np.pi) for bound in (limits.position_min_rad, limits.position_max_rad))
    return rng.uniform(low + room, high - room)


class _Run:
    """One arm and ten chunks, one each 0.1 s; its controller does exactly what it is told."""

    def __init__(
        self,
        profile: RobotProfile,
        contacts: MujocoContacts,
        goals: dict[str, np.ndarray],
        rng: np.random.Generator,
        outcome: Outcome,
    ) -> None:
        self._profile, self._contacts, self._rng, self._outcome = profile, contacts, rng, outcome
        self._checks = plan_checks(profile, CONFIG)
        self._alone = (collision_check(profile, CONFIG.obstacles),) if CONFIG.obstacles else ()
        self._guard = Guard(profile, CONFIG)
        self._guard.arm()
        self._gripper_open = float(rng.uniform())
        self._kind = KINDS[int(rng.integers(len(KINDS)))]
        pool = goals[self._kind if self._kind in goals else 'random']
        self._goal_rad = pool[rng.integers(len(pool))]
        self._plan = Plan.hold(self._start(), past_tick(START_S, CONFIG.splice), CONFIG.splice.grid_s)
        self._running_s: float | None = None
        self._speed = rng.uniform(0.2, 1.0)

    def play(self) -> None:
        for step in range(CHUNKS_PER_RUN):
            self._step(START_S + step * PERIOD_S)

    def _start(self) -> np.ndarray:
        """Return where nothing is too near, on the way from somewhere to the goal and not far from what is in it."""
        somewhere = next((q for q in (_drawn(self._profile, self._rng) for _ in range(200)) if self._clear(q)), None)
        if somewhere is None:
            return self._profile.home_rad
        way = self._goal_rad - somewhere
        steps = max(int(np.abs(way).max() / STEP_RAD), 1)
        reached = next((step for step in range(1, steps + 1) if not self._clear(somewhere + step / steps * way)), steps)
        return somewhere + max(reached - int(self._rng.integers(2, 12)), 0) / steps * way

    def _clear(self, q_rad: np.ndarray) -> bool:
        hold = Plan.hold(q_rad, 1, CONFIG.splice.grid_s)
        return CONFIG.workspace.outside_m(self._profile, hold, 0.0)[0] <= 0.0 and self._collision(hold) is None

    def _collision(self, plan: Plan) -> Contact | None:
        assert CONFIG.obstacles is not None
        checker = collision_checker(self._profile, CONFIG.obstacles)
        return checker.contact(plan.q_rad, plan.v_rad_s, plan.grid_s)

    def _step(self, now_s: float) -> None:
        outcome, guard = self._outcome, self._guard
        q_rad = self._plan.at(now_s)[0]
        chunk = self._chunk(now_s, q_rad)
        guard.observe_joints(now_s, q_rad)
        guard.observe_controller(now_s, q_rad, self._running_s)
        before, base = dict(guard.status.violations), self._plan
        plan = guard.accept_chunk(now_s, chunk).plan
        outcome.chunks[self._kind] += 1
        spliced = self._time(base, chunk, now_s)
        if guard.status.violations.get('collision', 0) > before.get('collision', 0):
            outcome.stopped += 1
            outcome.dangerous += spliced is not None and self._touches(spliced, now_s) is not None
        if plan is None:
            return
        outcome.passed += 1
        if (found := self._touches(plan, now_s)) is not None:
            outcome.penetrations.append(f'{self._kind}: {found}')
        self._plan, self._running_s = plan, plan.start_s

    def _chunk(self, now_s: float, q_rad: np.ndarray) -> Chunk:
        """Return what leads from here towards the goal, at a share of the highest speed."""
        times_s = PERIOD_S * np.arange(1, POINTS + 1)[:, None]
        way = self._goal_rad - q_rad
        needed_s = max(float((np.abs(way) / self._profile.limits.velocity_rad_s).max()) / self._speed, 1e-6)
        path = q_rad + np.minimum(times_s / needed_s, 1.0) * way
        if self._kind == 'noise':
            path += np.cumsum(self._rng.normal(0.0, 0.1, path.shape), axis=0)
        return Chunk(now_s, PERIOD_S, path, np.ones(POINTS))

    def _time(self, base: Plan, chunk: Chunk, now_s: float) -> Plan | None:
        """Judge a chunk's plan once more, to measure it; return that plan."""
        try:
            plan = splice(base, chunk, now_s, self._guard.limits, CONFIG.splice).plan
        except LimitError:
            return None
        from_s = first_change_tick(base, now_s, CONFIG.splice) * base.grid_s
        for checks, figures_ms in ((self._alone, self._outcome.collision_ms), (self._checks, self._outcome.checks_ms)):
            began_s = time.thread_time()
            part_allowed(checks, base, plan, from_s)
            figures_ms.append(1e3 * (time.thread_time() - began_s))
        return plan

    def _touches(self, plan: Plan, now_s: float) -> str | None:
        times_s = np.arange(now_s, max(plan.end_s, now_s) + SAMPLE_S, SAMPLE_S)
        found = self._contacts.first(plan.at(times_s)[0], self._gripper_open)
        if found is None:
            return None
        row, one, other, depth_m = found
        return f'{one} and {other} penetrate by {1e3 * depth_m:.2f} mm, {times_s[row] - now_s:.3f} s after the chunk'


def summary(robot: str, parts: Sequence[Outcome], episodes: Sequence[GoodEpisode]) -> dict[str, Any]:
    """Return one row of figures of a robot."""
    collision_ms = np.array([ms for part in parts for ms in part.collision_ms])
    checks_ms = np.array([ms for part in parts for ms in part.checks_ms])
    stopped = [each.stopped['collision'] + each.stopped['singularity'] for each in episodes]
    return {
        'robot': robot,
        'chunks': sum(sum(part.chunks.values()) for part in parts),
        'passed': sum(part.passed for part in parts),
        'stopped': sum(part.stopped for part in parts),
        'of them dangerous': sum(part.dangerous for part in parts),
        'penetrations': sum(len(part.penetrations) for part in parts),
        'p50 ms': float(np.percentile(collision_ms, 50)),
        'p99 ms': float(np.percentile(collision_ms, 99)),
        'all checks p99 ms': float(np.percentile(checks_ms, 99)),
        'episodes': len(episodes),
        'picked': sum(each.success for each in episodes),
        'stopped episodes': sum(count > 0 for count in stopped),
        'stopped chunks': sum(stopped),
        'chunks of episodes': sum(each.chunks for each in episodes),
    }


def passes(rows: Sequence[dict[str, Any]]) -> bool:
    """Return whether nothing touched, something could have, and at most one good episode in a hundred was stopped."""
    return all(
        row['penetrations'] == 0 and row['of them dangerous'] > 0 and 100 * row['stopped episodes'] <= row['episodes']
        for row in rows
    )
