# SPDX-License-Identifier: Apache-2.0
"""Runs one fault while the arm moves, and judges what the arm did."""

from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np

from genima_bringup.episode_client import GraphError
from genima_bringup.faults.cases import FaultCase
from genima_bringup.faults.rig import PATIENCE_S, FaultRig, reasons

FIRST_SEED = 3000
REST_WITHIN_S = 0.5
MOVING_RAD_S = 0.1
RECOVERY_WALL_S = 60.0
READY_S = 180.0


@dataclass(frozen=True)
class FaultResult:
    """What a fault did.

    Attributes:
        case: Its name, and `seed` of scene and fault.
        limits: Worst share of each limit that the robot controller was commanded, at 500 Hz.
        must_stop: Whether the arm had to come to rest.
        rest_s: How long after the loss the arm still moved; None where it need not stop. ROS time.
        recovered: Whether the arm moved again after the fault, with no restart of what was not killed.
        refusals: The guard's counts by kind.
        problems: What is not as it should be, in words.
        broken: Whether the graph broke; the next case needs a new one.
    """

    case: str
    seed: int
    limits: dict[str, float]
    must_stop: bool
    rest_s: float | None
    recovered: bool
    refusals: dict[str, int]
    problems: tuple[str, ...] = field(default=())
    broken: bool = False

    def to_dict(self) -> dict[str, Any]:
        """Return the fields for a JSON file."""
        return asdict(self)


def run_case(rig: FaultRig, case: FaultCase, seed: int) -> FaultResult:
    """Put a fault into the graph; where the graph itself breaks, the result says so."""
    try:
        return _run_case(rig, case, seed)
    except GraphError as error:
        return FaultResult(case.name, seed, rig.limits(), case.stops, None, False, {}, (str(error),), broken=True)


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
    recovered = rig.wait(lambda: _goes_on(rig), RECOVERY_WALL_S)
    after_s = rig.now_s + 0.5
    rig.wait(lambda: rig.now_s > after_s, PATIENCE_S)
    limits = rig.limits()
    problems += [f'{name} at {share:.2f} of the limit' for name, share in limits.items() if share > 1.0]
    if rest_s is not None and rest_s > REST_WITHIN_S:
        problems.append(f'moved for {rest_s:.2f} s after the loss')
    if not recovered:
        state = rig.guard_status
        problems.append(f'did not go on: {"; ".join(state.reasons) if state else "no guard"}')
    return FaultResult(case.name, seed, limits, case.stops, rest_s, recovered, refusals, tuple(problems))


def _goes_on(rig: FaultRig) -> bool:
    status = rig.guard_status
    return status is not None and status.state == 'moving' and rig.speed_rad_s() > 0.01
