# SPDX-License-Identifier: Apache-2.0
"""A steady beat: results come out at equal distances although the work takes now longer, now shorter."""

import time
from collections.abc import Callable

POLL_S = 0.001
CLOCK_EPS_S = 1e-6


def wait_until(due_s: float, now_s: Callable[[], float], stop: Callable[[], bool], patience_s: float) -> None:
    """Wait for the time at which a result is due; a result that is late is not held back at all.

    Args:
        due_s: ROS time [s].
        now_s: reads the ROS time [s]; it may stand still.
        stop: ends the wait when true.
        patience_s: longest wait in wall time [s].
    """
    end_s = time.monotonic() + patience_s
    while now_s() < due_s - CLOCK_EPS_S and not stop() and time.monotonic() < end_s:
        time.sleep(POLL_S)
