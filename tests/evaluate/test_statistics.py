# SPDX-License-Identifier: Apache-2.0
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest

from genima.errors import GenimaError
from genima.evaluate.statistics import percentiles, wilson_95, worst


@given(st.integers(1, 500).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_wilson_agrees_with_scipy(counts: tuple[int, int]) -> None:
    interval = binomtest(*counts).proportion_ci(0.95, method='wilson')
    assert wilson_95(*counts) == pytest.approx([interval.low, interval.high], abs=1e-12)


@pytest.mark.parametrize('counts', [(1, 0), (-1, 5), (6, 5)])
def test_wilson_refuses_impossible_counts(counts: tuple[int, int]) -> None:
    with pytest.raises(GenimaError, match='successes'):
        wilson_95(*counts)


def test_percentiles_of_nothing_are_not_a_number() -> None:
    assert all(math.isnan(value) for value in percentiles([]).values())
    assert percentiles([5.0] * 10) == {'p50': 5.0, 'p95': 5.0, 'p99': 5.0}


def test_worst_takes_the_largest_of_each() -> None:
    assert worst([{'jerk': 0.2, 'velocity': 0.9}, {'jerk': 0.4}]) == {'jerk': 0.4, 'velocity': 0.9}
