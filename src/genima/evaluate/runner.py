# SPDX-License-Identifier: Apache-2.0
"""Many episodes, in one process or spread over several, and the figures that sum them up."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import torch

from genima.evaluate.closed_loop import EpisodeResult, LoopConfig, run_episode
from genima.evaluate.statistics import percentiles, wilson_95, worst
from genima.policy.protocols import Policy
from genima.policy.registry import load_policy
from genima.processes import in_processes
from genima.robots.profile import RobotProfile
from genima.sim.base import Setup, Simulator
from genima.sim.camera_choice import cameras_of_policy
from genima.sim.registry import MUJOCO, is_served, open_simulator


@dataclass(frozen=True)
class Where:
    """What a policy is run in.

    Attributes:
        robot: Profile that it moves; empty: the one that the contract names.
        simulator: Name or address.
        cameras: `NAME=source` for the policy's cameras, by commas, where the simulator calls them otherwise.
        token: Of a served simulator that needs one.
    """

    robot: str = ''
    simulator: str = MUJOCO
    cameras: str = ''
    token: str = field(default='', repr=False)


_loaded: dict[tuple[str, Where, str], tuple[Policy, Simulator]] = {}


def _load(directory: str, where: Where, threads: int, instruction: str) -> tuple[Policy, Simulator]:
    """Load policy and simulation once per process."""
    key = directory, where, instruction
    if key not in _loaded:
        torch.set_num_threads(threads)
        policy = load_policy(directory, robot=where.robot)
        profile = RobotProfile.load(where.robot or policy.spec.robot)
        policy.spec.check_robot(profile)
        side_px = policy.spec.view_size_px
        cameras = cameras_of_policy(policy.spec.cameras, where.cameras)
        setup = Setup(profile, policy.spec.task_of(instruction), cameras, side_px, side_px)
        _loaded[key] = (policy, open_simulator(where.simulator, setup, where.token))
    return _loaded[key]


def _run(directory: str, where: Where, threads: int, config: LoopConfig, seed: int) -> EpisodeResult:
    policy, simulation = _load(directory, where, threads, config.instruction)
    return run_episode(policy, simulation, seed, config)


def run_episodes(
    directory: Path | str,
    seeds: Sequence[int],
    config: LoopConfig,
    workers: int = 1,
    threads: int = 2,
    where: Where | None = None,
) -> Iterator[EpisodeResult]:
    """Yield the result of every seed, in order.

    Args:
        directory: Policy directory, or another address of a policy.
        seeds: One episode each.
        config: Timing of the loop, and what the policy is told.
        workers: Processes; more than one shortens the run but makes the timing figures meaningless. A served simulator
            has one client.
        threads: Threads of each process's networks.
        where: Robot and simulator; None: the contract's robot in ours.
    """
    where = where or Where()
    job = partial(_run, str(directory), where, threads, config)
    yield from in_processes(job, seeds, 1 if is_served(where.simulator) else workers, ordered=True)


def summarise(results: Sequence[EpisodeResult], ran: Mapping[str, Any], seed: int) -> dict[str, Any]:
    """Return the figures of a run under the keys that `--json` promises; `ran` as `provenance` says it."""
    timing_ms: dict[str, list[float]] = defaultdict(list)
    held: Counter[str] = Counter()
    for result in results:
        held.update(result.held)
        for stage, values in result.timing_ms.items():
            timing_ms[stage] += values
    successes = sum(result.success for result in results)
    return {
        'episodes': len(results),
        'successes': successes,
        'success_rate': successes / len(results),
        'wilson_95': wilson_95(successes, len(results)),
        'seed': seed,
        **ran,
        'timing': {stage: percentiles(values) for stage, values in timing_ms.items()},
        'limits': worst([result.limits for result in results]),
        'failed_seeds': [result.seed for result in results if not result.success],
        'results': [
            {'seed': each.seed, 'success': each.success, 'elapsed_s': round(each.elapsed_s, 3)} for each in results
        ],
        'held': dict(held),
    }
