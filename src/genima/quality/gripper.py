# SPDX-License-Identifier: Apache-2.0
"""Is the gripper's opening a number from 0 (closed) to 1 (open)?"""

from collections.abc import Iterator

import numpy as np

from genima.episodes.episode import Episode
from genima.quality.findings import Finding
from genima.robots.profile import RobotProfile

_TOLERANCE = 0.02
_SETTLE_STEPS = 10
_INVERTED = 0.3


def check_gripper(episode: Episode, profile: RobotProfile | None, where: str) -> Iterator[Finding]:
    """Yield what is wrong with the unit or the sense of the observed opening."""
    opening, commanded = episode.gripper_open, episode.gripper_command_open > 0.5
    lowest, highest = float(opening.min(initial=0.0)), float(opening.max(initial=0.0))
    if highest > 1 + _TOLERANCE or lowest < -_TOLERANCE:
        text = f'the opening runs from {lowest:.4g} to {highest:.4g}: {_guess(highest)}'
        yield Finding('units-gripper', where, text)
        return
    settled = _settled(commanded)
    opened, closed = opening[settled & commanded], opening[settled & ~commanded]
    if len(opened) and len(closed) and np.median(opened) < np.median(closed) - _INVERTED:
        text = f'it is {np.median(opened):.2f} when commanded open and {np.median(closed):.2f} when commanded closed'
        yield Finding('gripper-inverted', where, text)
    elif profile is not None and len(opened) and opened.max() <= 2.2 * profile.gripper.open_m < 0.5:
        text = f'the opening stays below {opened.max():.3g} while it is commanded open: it looks like metres'
        yield Finding('units-gripper', where, text)


def _settled(commanded: np.ndarray) -> np.ndarray:
    """Return (T,) the steps at which the command has been the same for long enough to be obeyed."""
    changes = np.flatnonzero(np.diff(commanded))
    since = (
        np.arange(len(commanded)) - np.concatenate([[0], changes + 1])[np.searchsorted(changes, np.arange(len(commanded)))]
    )
    return since >= _SETTLE_STEPS


def _guess(highest: float) -> str:
    if highest <= 100:
        return 'it looks like millimetres, or per cent'
    return 'it looks like the 0 to 255 of a gripper register' if highest <= 255 else 'that is no opening'
