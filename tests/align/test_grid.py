# SPDX-License-Identifier: Apache-2.0
"""Stamps become seconds and stamps again, and grids are even to the nanosecond."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from genima.align.grid import NS_PER_S, even_grid, period_s, stamp_seconds, to_nanoseconds, to_seconds
from genima.errors import DatasetError

STAMPS_NS = st.integers(0, 4_000_000_000 * NS_PER_S)


@given(STAMPS_NS)
def test_seconds_of_a_stamp_survive_the_way_through_nanoseconds(time_ns: int) -> None:
    time_s = to_seconds(time_ns)
    assert to_seconds(to_nanoseconds(time_s)) == time_s
    assert abs(to_nanoseconds(time_s) - time_ns) <= 240  # what a double holds of the seconds since 1970


@given(st.integers(0, 1000 * NS_PER_S))
def test_times_of_a_simulation_are_exact_to_the_nanosecond(time_ns: int) -> None:
    assert to_nanoseconds(to_seconds(time_ns)) == time_ns
    assert to_seconds(time_ns) == stamp_seconds(*divmod(time_ns, NS_PER_S))


@given(STAMPS_NS, st.sampled_from([10.0, 15.0, 25.0, 30.0]), st.integers(1, 400))
def test_a_grid_is_even_and_ends_where_it_should(first_ns: int, rate_hz: float, steps: int) -> None:
    first_s, last_s = to_seconds(first_ns), to_seconds(first_ns + round((steps - 0.5) * NS_PER_S / rate_hz))
    grid_s = even_grid(first_s, last_s, rate_hz)
    assert len(grid_s) == steps
    assert grid_s[0] == first_s
    assert np.abs(grid_s - first_s - np.arange(steps) / rate_hz).max() < 1e-6


def test_the_last_moment_belongs_to_the_grid() -> None:
    np.testing.assert_array_equal(even_grid(0.5, 0.8, 10.0), [to_seconds(ns) for ns in (5e8, 6e8, 7e8, 8e8)])


def test_a_period_is_whole_nanoseconds() -> None:
    assert period_s(30.0) == 0.033333333


@pytest.mark.parametrize(
    ('last_s', 'rate_hz', 'words'), [(2.0, 0.5, 'allowed: 1 to 120 Hz'), (0.9, 10.0, 'never all there')]
)
def test_an_impossible_grid_is_refused(last_s: float, rate_hz: float, words: str) -> None:
    with pytest.raises(DatasetError, match=words):
        even_grid(1.0, last_s, rate_hz)
