# SPDX-License-Identifier: Apache-2.0
"""What the gripper was commanded to do, also where that was not recorded: fingers that begin to close were told to.

A measured opening is no command: a gripper that holds a thing is half open and means closed.
"""

import math
import warnings
from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from genima.errors import DatasetError

Floats = NDArray[np.float64]

MOVED = 0.05  # of the stroke; less is noise, or a thing that gives way
STILL = 0.02
WIDE, SHUT = 0.95, 0.05  # openings at which fingers that stand still hold nothing


def gripper_labels(commands: Sequence[tuple[float, float]], times_s: Floats, openings: Floats, grid_s: Floats) -> Floats:
    """Return the opening that was commanded at each step, (T,).

    Until the first command that was recorded it is told by the motion of the fingers, and where they do not move by where
    they are.

    Args:
        commands: (time [s], opening), ascending.
        times_s: (N,) when the fingers were measured [s].
        openings: (N,) what was measured, from 0 to 1.
        grid_s: (T,) times of the steps [s].

    Raises:
        DatasetError: if there is no command, and fingers that stand still half open may hold something or not.
    """
    first_s = commands[0][0] if commands else math.inf
    events = list(commands)
    if first_s > grid_s[0]:
        moves = list(finger_moves(times_s, openings))
        before = 1.0 - moves[0][1] if moves else commands[0][1] if commands else _standing(openings)
        events = [(-math.inf, before), *(move for move in moves if move[0] < first_s), *commands]
    if not commands:
        warnings.warn(
            'no gripper command was recorded: its labels tell when the fingers began to move; record gripper/command',
            UserWarning,
            stacklevel=3,
        )
    starts_s, values = (np.array(column) for column in zip(*events, strict=True))
    return np.asarray(values[np.searchsorted(starts_s, grid_s, side='right') - 1], dtype=np.float64)


def finger_moves(times_s: Floats, openings: Floats) -> Iterator[tuple[float, float]]:
    """Yield when fingers began to close, with 0, and when they began to open, with 1.

    Args:
        times_s: (N,) times [s].
        openings: (N,) from 0 to 1.
    """
    low = high = float(openings[0])
    low_s = high_s = float(times_s[0])
    last = math.nan
    for time_s, opening in zip(times_s.tolist(), openings.tolist(), strict=True):
        low, high = min(low, opening), max(high, opening)
        low_s = time_s if opening <= low + STILL else low_s
        high_s = time_s if opening >= high - STILL else high_s
        if last != 0.0 and opening < high - MOVED:
            yield high_s, 0.0
            last, low, low_s = 0.0, opening, time_s
        elif last != 1.0 and opening > low + MOVED:
            yield low_s, 1.0
            last, high, high_s = 1.0, opening, time_s


def _standing(openings: Floats) -> float:
    """Return what fingers that never move were told."""
    if openings.min() >= WIDE:
        return 1.0
    if openings.max() <= SHUT:
        return 0.0
    raise DatasetError(
        f'no gripper command was recorded, and the fingers stand still at {float(np.median(openings)):.2f} of their opening:'
        ' nothing tells whether they hold something; record gripper/command from before the grasp on'
    )
