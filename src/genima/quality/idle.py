# SPDX-License-Identifier: Apache-2.0
"""Idle stretches: learning from an arm that waits teaches it to wait."""

from dataclasses import dataclass

import numpy as np

from genima.episodes.episode import Episode

STILL_RAD_S = 0.02
STILL_OPENING_PER_S = 0.05


@dataclass(frozen=True)
class Stretch:
    """Steps `first` to `last` (inclusive) of `seconds` in which nothing moves; `place` is start, middle, end or whole."""

    first: int
    last: int
    seconds: float
    place: str


def idle_stretches(episode: Episode, min_s: float = 0.5) -> list[Stretch]:
    """Return the stretches longer than `min_s` in which arm and gripper are still, and are commanded to be.

    The step at which a command begins to move is no part of one: it is what is to be learned.
    """
    if len(episode) < 2:
        return []
    steps_s = np.maximum(np.diff(episode.timestamps_s), 1e-6)
    still = _speed(episode.q_rad, steps_s) < STILL_RAD_S
    still &= _speed(episode.q_command_rad, steps_s) < STILL_RAD_S
    still &= _speed(episode.gripper_open[:, None], steps_s) < STILL_OPENING_PER_S
    still &= np.diff(episode.gripper_command_open > 0.5) == 0
    edges = np.flatnonzero(np.diff(np.concatenate([[False], still, [False]]).astype(np.int8)))
    found = []
    for begin, end in edges.reshape(-1, 2):  # intervals begin to end - 1, so steps begin to end
        seconds = float(episode.timestamps_s[end] - episode.timestamps_s[begin])
        if seconds > min_s:
            found.append(Stretch(int(begin), int(end), seconds, _place(int(begin), int(end), len(episode))))
    return found


def idle_steps(stretches: list[Stretch], steps: int) -> np.ndarray:
    """Return (steps,) bool, true inside the stretches.

    The last step of a stretch stays unless the episode ends with it: from there the arm moves on.
    """
    marks = np.zeros(steps, dtype=bool)
    for stretch in stretches:
        marks[stretch.first : stretch.last + (stretch.last == steps - 1)] = True
    return marks


def _speed(values: np.ndarray, steps_s: np.ndarray) -> np.ndarray:
    """Return the largest speed (T - 1,) of the columns of values (T, n)."""
    return np.asarray(np.abs(np.diff(values, axis=0)).max(axis=1) / steps_s)


def _place(first: int, last: int, steps: int) -> str:
    if first == 0:
        return 'whole' if last == steps - 1 else 'start'
    return 'end' if last == steps - 1 else 'middle'
