# SPDX-License-Identifier: Apache-2.0
"""Results come out on the beat."""

from itertools import count

import pytest
from genima_ros.beat import Beat


def test_late_ticks_do_not_move_the_beat() -> None:
    beat = Beat(0.1, 0.03)
    ticks_s = [5.0, 5.1, 5.215, 5.3, 5.405]
    assert [beat.due_s(tick_s) for tick_s in ticks_s] == pytest.approx([5.03, 5.13, 5.23, 5.33, 5.43])


def test_it_waits_on_the_given_clock() -> None:
    clock = (5.0 + 0.005 * i for i in count())
    Beat(0.1, 0.03).wait(5.0, lambda: next(clock), lambda: False)
    assert next(clock) == pytest.approx(5.035)


@pytest.mark.parametrize('now_s', [5.5, 1.0])
def test_late_results_and_clocks_that_jump_are_not_waited_for(now_s: float) -> None:
    Beat(0.1, 0.03).wait(5.0, lambda: now_s, lambda: False)


def test_the_end_is_not_waited_for() -> None:
    Beat(0.1, 0.03).wait(5.0, lambda: 5.0, lambda: True)
