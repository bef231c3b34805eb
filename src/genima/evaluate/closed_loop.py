# SPDX-License-Identifier: Apache-2.0
"""One episode of a policy in simulation, in one process, with the timing of the node graph.

The policy is asked at the control rate (`actors.py`); its chunk reaches the guard `controller_latency_s` later, and the
guard's plan drives the emulated joint_trajectory_controller, exactly as between the nodes.
"""

import time
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np

from genima.chunks.plan import Chunk
from genima.contract.spec import PolicySpec
from genima.evaluate.actors import actor_of
from genima.guard.guard import Guard
from genima.guard.status import GuardConfig, GuardOutput
from genima.policy.protocols import Observation, Policy
from genima.sim.base import Simulator

MAX_CONTROLLER_AGE_S = 0.1


@dataclass(frozen=True)
class LoopConfig:
    """Timing of the emulated graph, when an episode ends, and what the policy is told; the contract's words if empty."""

    policy_latency_s: float = 0.10
    controller_latency_s: float = 0.02
    guard_period_s: float = 0.02
    timeout_s: float = 15.0
    instruction: str = ''


@dataclass
class EpisodeResult:
    """What one episode came to.

    Attributes:
        seed: Of the episode.
        success: Whether the task was done before the time-out.
        elapsed_s: Simulated time it took.
        limits: Worst share of each limit over the commanded motion, sampled at 500 Hz.
        timing_ms: Stage name to the wall time of every call.
        held: Why the guard did not use chunks, with counts.
    """

    seed: int
    success: bool
    elapsed_s: float
    limits: dict[str, float]
    timing_ms: dict[str, list[float]] = field(default_factory=dict)
    held: dict[str, int] = field(default_factory=dict)


@dataclass
class Frame:
    """What a watcher sees at each control tick: the views, the target the controller acted on, and the arm."""

    time_s: float
    views: np.ndarray
    target: np.ndarray | None
    q_rad: np.ndarray


class Watcher(Protocol):
    """Called at each control tick."""

    def __call__(self, frame: Frame) -> None:
        """Look at one frame."""


def stack_views(spec: PolicySpec, images: dict[str, np.ndarray]) -> np.ndarray:
    """Return the views (V, S, S, 3) in the order of the contract."""
    return np.stack([images[name] for name in spec.cameras])


def run_episode(
    policy: Policy,
    simulation: Simulator,
    seed: int,
    config: LoopConfig | None = None,
    watch: Watcher | None = None,
) -> EpisodeResult:
    """Run one episode from `simulation.reset(seed)` until success or time-out."""
    config = config or LoopConfig()
    simulation.reset(seed)
    timing_ms: dict[str, list[float]] = defaultdict(list)
    guard = Guard(simulation.profile, GuardConfig(max_controller_age_s=MAX_CONTROLLER_AGE_S), policy.spec.hash())
    guard.arm()
    policy.reset()
    actor = actor_of(policy, config.policy_latency_s, timing_ms, config.instruction)
    start_s = simulation.time_s
    for now_s in _ticks(start_s, config.timeout_s, policy.spec.control_rate_hz):
        started = time.perf_counter()
        views = stack_views(policy.spec, simulation.render())
        timing_ms['render'].append(1e3 * (time.perf_counter() - started))
        chunk = actor.tick(Observation(now_s, views, now_s, simulation.q_rad.copy(), simulation.gripper_open))
        if watch is not None:
            watch(Frame(now_s - start_s, views, actor.target, simulation.q_rad.copy()))
        _control_period(policy, simulation, guard, chunk, now_s, config, timing_ms)
        if simulation.success():
            break
    return EpisodeResult(
        seed,
        simulation.success(),
        simulation.time_s - start_s,
        simulation.limit_usage(),
        dict(timing_ms),
        dict(guard.status.violations),
    )


def _ticks(start_s: float, timeout_s: float, rate_hz: float) -> Iterator[float]:
    for index in range(round(timeout_s * rate_hz)):
        yield start_s + index / rate_hz


def _control_period(
    policy: Policy,
    simulation: Simulator,
    guard: Guard,
    chunk: Chunk | None,
    now_s: float,
    config: LoopConfig,
    timing_ms: dict[str, list[float]],
) -> None:
    """Publish a chunk of `now_s`, then let the arm and the guard run until the next tick."""
    end_s = now_s + 1 / policy.spec.control_rate_hz
    _observe(simulation, guard)
    if chunk is not None:
        simulation.step_to(now_s + config.controller_latency_s)
        started = time.perf_counter()
        output = guard.accept_chunk(simulation.time_s, chunk, policy.spec.hash())
        timing_ms['guard'].append(1e3 * (time.perf_counter() - started))
        _command(simulation, output)
    while simulation.time_s < end_s - 1e-9:
        simulation.step_to(min(end_s, simulation.time_s + config.guard_period_s))
        _observe(simulation, guard)
        _command(simulation, guard.tick(simulation.time_s))


def _observe(simulation: Simulator, guard: Guard) -> None:
    controller, now_s = simulation.controller, simulation.time_s
    guard.observe_joints(now_s, simulation.q_rad)
    guard.observe_controller(now_s, controller.sample(now_s)[0], controller.start_s)


def _command(simulation: Simulator, output: GuardOutput) -> None:
    if output.message is not None:
        message = output.message
        simulation.controller.set_trajectory(
            simulation.time_s, message.stamp_s, message.times_from_start_s, message.q_rad, message.v_rad_s
        )
    if output.gripper_open is not None:
        simulation.command_gripper(output.gripper_open)
