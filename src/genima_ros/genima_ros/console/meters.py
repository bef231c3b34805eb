# SPDX-License-Identifier: Apache-2.0
"""Rates, ages and latencies of streams, over the last moments."""

import math
from collections import deque
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

WINDOW_S = 2.0
MEMORY = 300


class Meter:
    """One stream: its rate by arrival, and how old its messages are when they arrive."""

    def __init__(self) -> None:
        self._arrivals_s: deque[float] = deque()
        self._latencies_s: deque[float] = deque(maxlen=MEMORY)
        self._stamp_s = -math.inf

    def hear(self, wall_s: float, now_s: float, stamp_s: float) -> None:
        """Take note of a message.

        Args:
            wall_s: time of arrival on a steady clock [s].
            now_s: ROS time of arrival [s].
            stamp_s: of the message, ROS time [s].
        """
        self._arrivals_s.append(wall_s)
        self._latencies_s.append(now_s - stamp_s)
        self._stamp_s = stamp_s

    def read(self, wall_s: float, now_s: float) -> dict[str, float | None]:
        """Return rate [Hz], age of the newest and latencies on arrival, p50 and p99 [ms]."""
        while self._arrivals_s and self._arrivals_s[0] < wall_s - WINDOW_S:
            self._arrivals_s.popleft()
        p50_ms, p99_ms = percentiles_ms(1e3 * each for each in self._latencies_s)
        age_ms = 1e3 * (now_s - self._stamp_s)
        return {'hz': len(self._arrivals_s) / WINDOW_S, 'age_ms': age_ms, 'p50_ms': p50_ms, 'p99_ms': p99_ms}


def percentiles_ms(values_ms: Iterable[float]) -> tuple[float | None, float | None]:
    """Return the median and the 99th percentile; None where there is nothing."""
    values = sorted(values_ms)  # of hundreds of values NumPy's percentiles take ten times as long, ten times a second
    return (_percentile(values, 0.50), _percentile(values, 0.99)) if values else (None, None)


def _percentile(ascending: Sequence[float], share: float) -> float:
    place = (len(ascending) - 1) * share
    below = int(place)
    above = min(below + 1, len(ascending) - 1)
    return ascending[below] + (ascending[above] - ascending[below]) * (place - below)


def plain(value: Any, digits: int = 5) -> Any:
    """Return a value for JSON: numbers rounded, and None where one is not finite, down to the leaves."""
    if isinstance(value, dict):
        return {str(key): plain(each, digits) for key, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(each, digits) for each in value]
    if isinstance(value, np.ndarray):
        return plain(value.tolist(), digits)
    if isinstance(value, (float, np.floating)):
        return round(float(value), digits) if math.isfinite(value) else None
    return value.item() if isinstance(value, np.generic) else value
