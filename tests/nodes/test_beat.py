# SPDX-License-Identifier: Apache-2.0
"""Results come out on the beat, and a clock that stands still holds nothing up for long."""

import time
from itertools import count

import pytest
from genima_ros.core.beat import wait_until


def test_it_waits_on_the_given_clock() -> None:
    clock = (5.0 + 0.005 * i for i in count())
    wait_until(5.03, lambda: next(clock), lambda: False, 1.0)
    assert next(clock) == pytest.approx(5.035)


def test_a_late_result_is_not_held_back() -> None:
    wait_until(5.03, lambda: 5.04, lambda: False, 1000.0)


def test_the_end_is_not_waited_for() -> None:
    wait_until(5.03, lambda: 5.0, lambda: True, 1000.0)


def test_a_clock_that_stands_still_is_waited_for_in_bounds() -> None:
    started_s = time.monotonic()
    wait_until(5.03, lambda: 5.0, lambda: False, 0.05)
    assert time.monotonic() - started_s >= 0.05
