# SPDX-License-Identifier: Apache-2.0
"""Limits of a profile from a URDF, each with its source; what a URDF does not say is proposed with care and marked so."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from genima.errors import ProfileError
from genima.robots.urdf_reading import UrdfJoint

PROPOSED = 'proposed, not from the maker'
TURN_RAD = 6.2832
# where the URDF has none
VELOCITY_RAD_S, EFFORT_NM = 1.0, 50.0
# full speed in half a second, and an acceleration that grows as slowly as most makers ask for
SPEED_UP_S, MOST_RAD_S2, JERK_PER_S = 0.5, 5.0, 200.0


def import_limits(joints: Sequence[UrdfJoint], file: str) -> tuple[dict[str, Any], list[str]]:
    """Return the limits as they stand in a profile, and what of them is proposed.

    Args:
        joints: Of the arm, in order.
        file: Name of the URDF, for the sources.

    Raises:
        ProfileError: if a joint that does not turn without end has no range.
    """
    source = f'from URDF {file}'
    endless = [joint.name for joint in joints if joint.kind == 'continuous' and (joint.lower is None or joint.upper is None)]
    for joint in joints:
        if joint.name not in endless and not (joint.lower or 0.0) < (joint.upper or 0.0):
            raise ProfileError(f'{file}: joint {joint.name} has the range {joint.lower} to {joint.upper}; give it a <limit>')
    held = f'; {", ".join(endless)} turn without end, held to one turn either way ({PROPOSED})' if endless else ''
    velocity, slow = _given(joints, lambda joint: joint.velocity, VELOCITY_RAD_S)
    effort, weak = _given(joints, lambda joint: joint.effort, EFFORT_NM)
    acceleration = np.minimum(velocity / SPEED_UP_S, MOST_RAD_S2).round(4)
    low = [-TURN_RAD if joint.name in endless else joint.lower or 0.0 for joint in joints]
    high = [TURN_RAD if joint.name in endless else joint.upper or 0.0 for joint in joints]
    limits = {
        'position_min_rad': {'values': low, 'source': source + held},
        'position_max_rad': {'values': high, 'source': source + held},
        'velocity_rad_s': {'values': velocity.tolist(), 'source': source + _instead(slow, VELOCITY_RAD_S, 'rad/s')},
        'acceleration_rad_s2': {
            'values': acceleration.tolist(),
            'source': f'{PROPOSED}: full speed in {SPEED_UP_S} s, at most {MOST_RAD_S2} rad/s2; a URDF has none',
        },
        'jerk_rad_s3': {
            'values': (JERK_PER_S * acceleration).round(3).tolist(),
            'source': f'{PROPOSED}: {JERK_PER_S:g} times the acceleration; a URDF has none',
        },
        'effort_nm': {'values': effort.tolist(), 'source': source + _instead(weak, EFFORT_NM, 'N m')},
    }
    proposed = ['acceleration and jerk limits: a URDF has none; put in those of the maker']
    if endless:
        proposed.append(f'range of {", ".join(endless)}, which turn without end: one turn either way')
    for names, what in ((slow, f'velocity {VELOCITY_RAD_S} rad/s'), (weak, f'effort {EFFORT_NM} N m')):
        if names:
            proposed.append(f'{what} of {", ".join(names)}: the URDF gives none')
    return limits, proposed


def _given(
    joints: Sequence[UrdfJoint], of: Callable[[UrdfJoint], float | None], instead: float
) -> tuple[np.ndarray, list[str]]:
    """Return values (n,), and the joints for which `instead` had to do."""
    values = [of(joint) for joint in joints]
    missing = [joint.name for joint, value in zip(joints, values, strict=True) if not value or value <= 0]
    return np.array([value if value and value > 0 else instead for value in values]), missing


def _instead(names: Sequence[str], value: float, unit: str) -> str:
    return f'; {", ".join(names)}: {value} {unit} ({PROPOSED})' if names else ''
