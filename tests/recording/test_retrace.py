# SPDX-License-Identifier: Apache-2.0
"""A recorded episode as chunks: approach, way, waiting, and what is refused."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from genima.errors import LimitError
from genima.recording.jog import DT_S, LEASH_RAD
from genima.recording.retrace import APPROACH_RAD_S, MAX_APPROACH_RAD, Retrace
from genima.robots.profile import RobotProfile

PANDA = RobotProfile.load('panda')
HOME = np.array(PANDA.home_rad)


def _retrace(steps: int = 30) -> Retrace:
    way = HOME + np.linspace(0.0, 0.4, steps)[:, None]
    return Retrace(PANDA, 7.0 + DT_S * np.arange(steps), way, np.linspace(1.0, 0.0, steps) > 0.5)


@settings(max_examples=30, deadline=None)
@given(st.lists(st.floats(-MAX_APPROACH_RAD, MAX_APPROACH_RAD), min_size=7, max_size=7))
def test_an_arm_that_follows_goes_all_the_way_without_a_jump(offset: list[float]) -> None:
    retrace, q, rows = _retrace(), HOME + np.array(offset), []
    for tick in range(200):
        chunk = retrace.chunk(DT_S * tick, q)
        q = chunk.q_rad[0]
        rows.append(q)
        if retrace.done:
            break
    assert retrace.done and np.allclose(rows[-1], HOME + 0.4) and chunk.gripper_open[-1] == 0.0
    fastest = np.abs(np.diff(rows, axis=0)).max() / DT_S
    assert fastest <= max(APPROACH_RAD_S, 0.4 / 29 / DT_S) + 1e-9


def test_it_waits_where_the_arm_is_held() -> None:
    retrace = _retrace()
    for tick in range(100):
        chunk = retrace.chunk(DT_S * tick, HOME)
    assert not retrace.done and np.abs(chunk.q_rad[0] - HOME).max() <= LEASH_RAD + 0.4 / 29 * 2


def test_an_arm_that_went_ahead_while_ticks_were_lost_is_met_there() -> None:
    way = HOME + np.linspace(0.0, 1.0, 60)[:, None]
    retrace = Retrace(PANDA, DT_S * np.arange(60), way, np.ones(60))
    q, chunk = HOME, retrace.chunk(0.0, HOME)
    for tick in range(1, 80):
        following = chunk.q_rad[19 if tick == 5 else 0]
        if tick == 5 or np.abs(chunk.q_rad[0] - q).max() < 0.2:  # the guard refuses what is far from the arm
            q = following
        chunk = retrace.chunk(DT_S * tick, q)
    assert retrace.done


def test_an_arm_far_from_the_beginning_is_refused() -> None:
    with pytest.raises(LimitError, match=r'panda_joint2 .* nearer'):
        _retrace().chunk(0.0, HOME + np.eye(7)[1] * 0.7)


@pytest.mark.parametrize('value', [np.nan, np.inf, 3.5])
def test_positions_outside_the_limits_are_refused(value: float) -> None:
    way = np.tile(HOME, (5, 1))
    way[3, 2] = value
    with pytest.raises(LimitError, match='step 3: panda_joint3'):
        Retrace(PANDA, DT_S * np.arange(5), way, np.ones(5))
