# SPDX-License-Identifier: Apache-2.0
"""Rows of figures from what `genima.bench.cameras` measured, with their intervals."""

from collections import defaultdict
from collections.abc import Iterable
from typing import Any

import numpy as np

from genima.bench.cameras import WITHIN_S, Outcome
from genima.evaluate.statistics import wilson_95

Key = tuple[str, str, str]


def gathered(outcomes: Iterable[Outcome]) -> dict[Key, list[float]]:
    """Return all figures by picture size, camera and what they are."""
    figures: dict[Key, list[float]] = defaultdict(list)
    for outcome in outcomes:
        size = 'x'.join(str(side) for side in outcome.job.size_px)
        for camera, what, figure in outcome.rows:
            figures[size, camera, what].append(figure)
    return figures


def share_rows(outcomes: Iterable[Outcome]) -> list[dict[str, Any]]:
    """Return for each size and camera, and for all cameras, the shares that the bar asks for, with 95 % intervals.

    `noticed`: bumps that were noticed within 2 s; `false alarms`: checks of undisturbed cameras that say that one is not
    ok; `refused`: swapped cameras and turned pictures that were refused within 5 s.
    """
    figures = gathered(outcomes)
    for (size, _, what), values in list(figures.items()):
        figures[size, 'all', what] = [*figures.get((size, 'all', what), []), *values]
    rows = []
    for (size, camera, what), values in figures.items():
        if what in ('5 mm', '0.5 deg'):
            hits, kind = np.array(values) <= WITHIN_S, f'noticed: {what}'
        elif what in ('swapped', 'turned'):
            hits, kind = np.array(values) > 0, f'refused: {what}'
        elif what == 'false alarm':
            hits, kind = np.array(values) > 0, 'false alarms'
        else:
            continue
        low, high = wilson_95(int(hits.sum()), len(hits))
        soon = [value for value in values if np.isfinite(value)] if what in ('5 mm', '0.5 deg') else []
        noticed_s = float(np.median(soon)) if soon else None
        rows.append(
            {
                'size': size, 'camera': camera, 'what': kind, 'count': len(hits), 'share': float(hits.mean()), 'low': low,
                'high': high, 'median s': noticed_s,
            }
        )  # fmt: skip
    return sorted(rows, key=lambda row: (row['size'], row['what'], row['camera']))


def pixel_rows(outcomes: Iterable[Outcome]) -> list[dict[str, Any]]:
    """Return for each size and camera how many pixels are measured: undisturbed, and with a bump in each direction."""
    rows = []
    for (size, camera, what), values in gathered(outcomes).items():
        if what in ('drift', 'projection') or ' along ' in what or ' about ' in what:
            known = np.array([value for value in values if np.isfinite(value)])
            p50, p99, most = np.percentile(known, [50, 99, 100]).tolist() if len(known) else (None, None, None)
            measured = len(known) / len(values)
            names = {'size': size, 'camera': camera, 'what': what}
            rows.append({**names, 'measured': measured, 'p50 px': p50, 'p99 px': p99, 'max px': most})
    return sorted(rows, key=lambda row: (row['size'], row['camera'], row['what']))


def cpu_rows(outcomes: Iterable[Outcome]) -> list[dict[str, Any]]:
    """Return the processor time of a check by picture size."""
    sums: dict[str, tuple[float, int]] = {}
    for outcome in outcomes:
        size = 'x'.join(str(side) for side in outcome.job.size_px)
        cpu_s, pictures = sums.get(size, (0.0, 0))
        sums[size] = cpu_s + outcome.cpu_s, pictures + outcome.pictures
    return [
        {'size': size, 'pictures': pictures, 'cpu ms per picture': 1e3 * cpu_s / max(pictures, 1)}
        for size, (cpu_s, pictures) in sums.items()
    ]
