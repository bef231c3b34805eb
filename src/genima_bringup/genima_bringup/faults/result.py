# SPDX-License-Identifier: Apache-2.0
"""What a fault did, and what of it is not as it should be."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from genima_bringup.faults.case import FaultCase

FIRST_SEED = 3000
REST_WITHIN_S = 0.5
MOVING_RAD_S = 0.1


@dataclass(frozen=True)
class FaultResult:
    """What a fault did.

    Attributes:
        case: Its name, and `seed` of scene and fault.
        transport: 'graph': all nodes over DDS; 'in-process': the guard's node alone, in simulated time.
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
    transport: str
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


def judged(
    case: FaultCase,
    seed: int,
    transport: str,
    limits: dict[str, float],
    rest_s: float | None,
    refusals: Mapping[str, int],
    problems: list[str],
    last_words: str,
    contact: str = '',
) -> FaultResult:
    """Return the result of a run.

    Args:
        case: What went wrong.
        seed: Of scene and fault.
        transport: Where it ran.
        limits: Worst shares.
        rest_s: How long the arm still moved after the loss; None where it need not stop.
        refusals: Counts by kind.
        problems: What was noticed on the way.
        last_words: Why the guard does not go on; empty where it does.
        contact: Which bodies were commanded into each other.
    """
    problems = list(problems)
    for name, share in limits.items():
        if share > 1.0:
            where = f' ({contact})' if name == 'collision' and contact else ''
            problems.append(f'{name} at {share:.2f} of the limit{where}')
    if rest_s is not None and rest_s > REST_WITHIN_S:
        problems.append(f'moved for {rest_s:.2f} s after the loss')
    if last_words:
        problems.append(f'did not go on: {last_words}')
    return FaultResult(
        case.name, seed, transport, limits, case.stops, rest_s, not last_words, dict(refusals), tuple(problems)
    )
