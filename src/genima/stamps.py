# SPDX-License-Identifier: Apache-2.0
"""Time stamps of messages that may come late, twice, or from a clock that was set."""

ANOTHER_CLOCK_S = 1.0


def is_overtaken(stamp_s: float, newest_s: float | None) -> bool:
    """Return whether a message is older than the newest one known; more than a second older means another clock."""
    return newest_s is not None and newest_s - ANOTHER_CLOCK_S <= stamp_s < newest_s
