# SPDX-License-Identifier: Apache-2.0
"""Runs faults on benches, one in each of several processes."""

import os
import sys
import traceback
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from multiprocessing import get_context
from pathlib import Path

import numpy as np

from genima_bringup.faults.bench import Bench
from genima_bringup.faults.case import IN_PROCESS, FaultCase
from genima_bringup.faults.cases import fault_cases
from genima_bringup.faults.injection import Injection
from genima_bringup.faults.result import FIRST_SEED, MOVING_RAD_S, FaultResult, judged

SETTLE_S, MOVES_WITHIN_S, GOES_ON_WITHIN_S, AFTER_S = 0.5, 10.0, 8.0, 0.5
GOING_RAD_S = 0.01
DOMAINS = 200

_benches: list[Bench] = []


def run_all(
    runs: Sequence[tuple[FaultCase, int]], robot: str, controller: str, jobs: int, log: Path
) -> Iterator[FaultResult]:
    """Run cases with their seeds in so many processes and return the results as they come, the longest cases first."""
    longest_first = sorted(runs, key=lambda run: -run[0].seconds)
    with ProcessPoolExecutor(jobs, get_context('spawn'), _start, (robot, controller, str(log))) as pool:
        waiting = [pool.submit(_run, case.name, seed) for case, seed in longest_first]
        for done in as_completed(waiting):
            yield done.result()


def _start(robot: str, controller: str, log: str) -> None:
    """Build the bench of a process; what its nodes say goes into the log."""
    import rosless

    os.environ['ROS_DOMAIN_ID'] = str(1 + os.getpid() % DOMAINS)  # who else publishes is asked of DDS
    os.environ['ROS_AUTOMATIC_DISCOVERY_RANGE'] = 'LOCALHOST'
    rosless.ensure()
    from genima_ros.core.run import join_graph

    lines = os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    for stream in (1, 2):
        os.dup2(lines, stream)
    join_graph(Bench.guard_arguments(robot, controller))
    _benches.append(Bench(robot, controller))


def _run(name: str, seed: int) -> FaultResult:
    case = next(case for case in fault_cases() if case.name == name)
    print(f'genima: {name}, seed {seed}', file=sys.stderr, flush=True)
    bench = _benches[0]
    try:
        return run_on_bench(bench, case, seed)
    except Exception as error:  # of a timer or a callback: in a graph the guard would have ended
        traceback.print_exc()
        limits, words = bench.robot.simulation.limit_usage(), (f'the guard ended: {type(error).__name__}: {error}',)
        return FaultResult(case.name, seed, IN_PROCESS, limits, case.stops, None, False, {}, words, broken=True)


def run_on_bench(bench: Bench, case: FaultCase, seed: int) -> FaultResult:
    """Set a scene, wait until the arm moves, inject the fault, end it, and see whether the arm goes on."""
    rng = np.random.default_rng([seed, 5])
    problems: list[str] = []
    bench.begin(FIRST_SEED + seed)
    bench.run(SETTLE_S)
    bench.rearm()
    bench.run(float(rng.uniform(0.6, 1.6)))
    if not bench.run(MOVES_WITHIN_S, lambda: bench.robot.speed_rad_s() > MOVING_RAD_S):
        problems.append('the arm did not move before the fault')
    injection = Injection(bench, case, rng, fault_cases())
    begun_s = bench.now_s
    injection.begin()
    bench.run(case.seconds)
    rest_s = max(0.0, bench.robot.last_motion_s(begun_s) - begun_s - case.lost_after_s) if case.stops else None
    refusals = bench.status.violations
    injection.end()
    if case.latches:
        bench.run(SETTLE_S)
        bench.rearm()
    goes_on = bench.run(GOES_ON_WITHIN_S, lambda: _goes_on(bench))
    bench.run(AFTER_S)
    last_words = '' if goes_on else f'{bench.status.state}: {"; ".join(bench.status.reasons)}'
    robot = bench.robot.simulation
    return judged(
        case, seed, IN_PROCESS, robot.limit_usage(), rest_s, refusals, problems, last_words, robot.deepest_contact
    )


def _goes_on(bench: Bench) -> bool:
    return bench.status.state == 'moving' and bench.robot.speed_rad_s() > GOING_RAD_S
