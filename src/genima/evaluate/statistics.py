# SPDX-License-Identifier: Apache-2.0
"""The few statistics that every result here is given with."""

import math
from collections.abc import Sequence

import numpy as np

from genima.errors import GenimaError

_Z_95 = 1.959963984540054  # two-sided 95 % quantile of the normal distribution


def wilson_95(successes: int, episodes: int) -> list[float]:
    """Return the Wilson score interval [low, high] of a success rate at 95 % confidence.

    Unlike the normal approximation it stays inside [0, 1] and is right near 0 and 1.
    Source: E. B. Wilson, J. Am. Stat. Assoc. 22 (1927) 209.

    Raises:
        GenimaError: if not 0 <= successes <= episodes with at least one episode.
    """
    if episodes < 1 or not 0 <= successes <= episodes:
        raise GenimaError(f'wilson_95 needs 0 <= successes <= episodes >= 1, got {successes} of {episodes}')
    rate = successes / episodes
    scale = 1 + _Z_95**2 / episodes
    centre = (rate + _Z_95**2 / (2 * episodes)) / scale
    half = _Z_95 / scale * math.sqrt(rate * (1 - rate) / episodes + _Z_95**2 / (4 * episodes**2))
    return [max(0.0, centre - half), min(1.0, centre + half)]


def percentiles(values: Sequence[float]) -> dict[str, float]:
    """Return the `p50`, `p95` and `p99` of `values`, in their unit; NaN where there is none."""
    if not len(values):
        return {'p50': math.nan, 'p95': math.nan, 'p99': math.nan}
    p50, p95, p99 = np.percentile(np.asarray(values, float), [50, 95, 99])
    return {'p50': float(p50), 'p95': float(p95), 'p99': float(p99)}


def worst(shares: Sequence[dict[str, float]]) -> dict[str, float]:
    """Return the largest value of each key over several {limit: share of it} mappings."""
    names = {name for each in shares for name in each}
    return {name: max(each[name] for each in shares if name in each) for name in sorted(names)}
