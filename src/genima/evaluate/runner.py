# SPDX-License-Identifier: Apache-2.0
"""Many episodes, in one process or spread over several, and the figures that sum them up."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
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
from genima.sim.simulation import Simulation
from genima.tasks.registry import find_task

_loaded: dict[tuple[str, str], tuple[Policy, Simulation]] = {}


def _load(directory: str, robot: str, threads: int) -> tuple[Policy, Simulation]:
    """Load policy and simulation once per process."""
    key = directory, robot
    if key not in _loaded:
        torch.set_num_threads(threads)
        policy = load_policy(directory, robot=robot)
        profile = RobotProfile.load(robot or policy.spec.robot)
        policy.spec.check_robot(profile)
        side_px = policy.spec.view_size_px
        cameras = ','.join(policy.spec.cameras)
        simulation = Simulation(profile, 0, True, find_task(policy.spec.task), side_px, side_px, cameras)
        _loaded[key] = (policy, simulation)
    return _loaded[key]


def _run(directory: str, robot: str, threads: int, config: LoopConfig, seed: int) -> EpisodeResult:
    policy, simulation = _load(directory, robot, threads)
    return run_episode(policy, simulation, seed, config)


def run_episodes(
    directory: Path | str, seeds: Sequence[int], config: LoopConfig, workers: int = 1, threads: int = 2, robot: str = ''
) -> Iterator[EpisodeResult]:
    """Yield the result of every seed, in order.

    Args:
        directory: Policy directory, or another address of a policy.
        seeds: One episode each.
        config: Timing of the loop.
        workers: Processes; more than one shortens the run but makes the timing figures meaningless.
        threads: Threads of each process's networks.
        robot: Profile that it moves; empty: the one that the contract names.
    """
    job = partial(_run, str(directory), robot, threads, config)
    yield from in_processes(job, seeds, workers, ordered=True)


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
