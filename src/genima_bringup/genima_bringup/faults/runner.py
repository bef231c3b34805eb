# SPDX-License-Identifier: Apache-2.0
"""Runs one fault on a whole graph while the arm moves, and judges what the arm did."""

import numpy as np

from genima_bringup.episode_client import GraphError
from genima_bringup.faults.case import GRAPH, FaultCase
from genima_bringup.faults.result import FIRST_SEED, MOVING_RAD_S, FaultResult, judged
from genima_bringup.faults.rig import PATIENCE_S, FaultRig, reasons

RECOVERY_WALL_S = 60.0
READY_S = 180.0


def run_case(rig: FaultRig, case: FaultCase, seed: int) -> FaultResult:
    """Put a fault into the graph; where the graph itself breaks, the result says so."""
    try:
        return _run_case(rig, case, seed)
    except GraphError as error:
        limits, words = rig.limits(), (str(error),)
        return FaultResult(case.name, seed, GRAPH, limits, case.stops, None, False, {}, words, broken=True)


def _run_case(rig: FaultRig, case: FaultCase, seed: int) -> FaultResult:
    """Set a scene, wait until the arm moves, inject the fault, end it, and see whether the arm goes on."""
    rng = np.random.default_rng(seed)
    problems: list[str] = []
    rig.start_episode(FIRST_SEED + seed, PATIENCE_S)
    start_s = rig.now_s + float(rng.uniform(0.6, 1.6))
    if not rig.wait(lambda: rig.now_s > start_s and rig.speed_rad_s() > MOVING_RAD_S, PATIENCE_S):
        problems.append('the arm did not move before the fault')
    begun_s = rig.begin(case, seed)
    if not rig.wait(lambda: rig.now_s > begun_s + case.seconds, PATIENCE_S):
        problems.append('simulated time stood still')
    rest_s = None
    if case.stops:
        rest_s = max(0.0, rig.last_motion_s(begun_s) - begun_s - case.lost_after_s)
    refusals = dict(reasons(rig.guard_status))
    rig.end(case)
    last_words = '' if rig.wait(lambda: _goes_on(rig), RECOVERY_WALL_S) else _last_words(rig)
    after_s = rig.now_s + 0.5
    rig.wait(lambda: rig.now_s > after_s, PATIENCE_S)
    return judged(case, seed, GRAPH, rig.limits(), rest_s, refusals, problems, last_words)


def _goes_on(rig: FaultRig) -> bool:
    status = rig.guard_status
    return status is not None and status.state == 'moving' and rig.speed_rad_s() > 0.01


def _last_words(rig: FaultRig) -> str:
    status = rig.guard_status
    return f'{status.state}: {"; ".join(status.reasons)}' if status else 'no guard'
