# SPDX-License-Identifier: Apache-2.0
"""The colour of the painted gripper sphere against what the gripper did one horizon later."""

from collections.abc import Sequence

from genima.failures.evidence import Evidence
from genima.failures.finding import Finding
from genima.failures.moments import Moment

NAME = 'gripper_color'
AROUND_S = 0.5  # policy and gripper may be so early or late
OPEN = 0.85  # a gripper that holds something is neither closed nor open, but not as open as it can be
LEAST, LEAST_SHARE = 5, 0.4


def gripper_color(evidence: Evidence, moments: Sequence[Moment]) -> Finding | None:
    """Say if the painted colour and the measured gripper contradict each other, and which side the commands take."""
    compared = wrong = commanded = 0
    shown_open = 0
    for moment in moments:
        says_open = _color(moment)
        openings = evidence.joints.openings_within(moment.shows_s - AROUND_S, moment.shows_s + AROUND_S)
        was_open = {bool(opening > OPEN) for opening in openings}
        if says_open is None or len(was_open) != 1:  # while the gripper moves, either colour is right
            continue
        compared += 1
        if says_open not in was_open:
            wrong += 1
            shown_open += says_open
            command = _commanded(evidence, moment.shows_s)
            commanded += command is not None and command == says_open
    if wrong < LEAST or wrong < LEAST_SHARE * compared:
        return None
    said, was = ('open', 'closed') if 2 * shown_open > wrong else ('closed', 'open')
    mechanical = 2 * commanded > wrong
    advice = (
        'the commands agree with the colour, so look at the gripper: worn, blocked, or is the object too wide?'
        if mechanical
        else 'the painter shows the wrong state, so look at the gripper labels of the training data'
    )
    text = (
        f'the gripper sphere has the wrong colour in {wrong} of {compared} pictures, mostly that of {said} where the '
        f'gripper was {was} {evidence.horizon_s:.1f} s later: {advice}'
    )
    return Finding(NAME, text, {'wrong': float(wrong), 'compared': float(compared), 'as_commanded': float(commanded)})


def _color(moment: Moment) -> bool | None:
    """Return whether the gripper sphere has its colour for open, by the pixels of all views; None where none shows it."""
    votes = {True: 0.0, False: 0.0}
    for view in moment.views.values():
        for sighting in view.seen.values():
            if sighting.is_open is not None:
                votes[sighting.is_open] += sighting.pixels
    return None if not any(votes.values()) else votes[True] > votes[False]


def _commanded(evidence: Evidence, time_s: float) -> bool | None:
    """Return whether the gripper was told to be open; None where nothing was said yet."""
    before = [opening for at_s, opening in evidence.gripper_commands if at_s <= time_s]
    return before[-1] > 0.5 if before else None
