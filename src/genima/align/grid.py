# SPDX-License-Identifier: Apache-2.0
"""Times: ROS stamps as seconds and back without loss, and the even grid that a demonstration is put on.

A double holds the seconds since 1970 to 0.24 microseconds only; what matters is that the same stamp gives the same
double everywhere, so that a sample that lies on the grid is found, not interpolated.
"""

import numpy as np
from numpy.typing import NDArray

from genima.errors import DatasetError

NS_PER_S = 1_000_000_000
RATES_HZ = (1.0, 120.0)


def stamp_seconds(sec: int, nanosec: int) -> float:
    """Return the two fields of a builtin_interfaces/Time as seconds."""
    return float(sec) + 1e-9 * float(nanosec)


def to_seconds(time_ns: int) -> float:
    """Return nanoseconds as seconds, as `stamp_seconds` does."""
    return stamp_seconds(*divmod(int(time_ns), NS_PER_S))


def to_nanoseconds(time_s: float) -> int:
    """Return seconds as nanoseconds; `to_seconds` of them is `time_s` again if `time_s` came from a stamp."""
    whole = int(np.floor(time_s))
    return whole * NS_PER_S + round((float(time_s) - whole) * NS_PER_S)


def period_s(rate_hz: float) -> float:
    """Return the period of a rate in whole nanoseconds, as messages hold it [s]."""
    return to_seconds(to_nanoseconds(1.0 / rate_hz))


def even_grid(first_s: float, last_s: float, rate_hz: float) -> NDArray[np.float64]:
    """Return the times first, first + 1/rate, ... up to `last_s` [s], each the nearest whole nanosecond.

    Raises:
        DatasetError: if the rate is out of range or there is no time between first and last.
    """
    low, high = RATES_HZ
    if not low <= rate_hz <= high:
        raise DatasetError(f'a rate of {rate_hz:g} Hz is not possible; allowed: {low:g} to {high:g} Hz')
    if not last_s >= first_s:
        raise DatasetError(
            f'the streams are never all there: the last of them begins at {first_s:.3f} s, the first ends at'
            f' {last_s:.3f} s; record the episode again'
        )
    start_ns = to_nanoseconds(first_s)
    steps = int((to_nanoseconds(last_s) - start_ns) * rate_hz / NS_PER_S + 1e-6) + 1
    return np.array([to_seconds(start_ns + round(k * NS_PER_S / rate_hz)) for k in range(steps)])
