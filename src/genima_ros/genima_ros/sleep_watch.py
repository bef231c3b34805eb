# SPDX-License-Identifier: Apache-2.0
"""Has this process been stopped? Simulated time then stands where it was until the next /clock message is read."""

import time

from rclpy.clock import Clock, ClockType
from rclpy.node import Node

BEAT_S = 0.02
ASLEEP_S = 0.4  # the simulation waits longer than this before it goes on without us


class SleepWatch:
    """Notices when the executor of a node did not run for a while, and until when the node's clock is of before that."""

    def __init__(self, node: Node) -> None:
        self._node = node
        self._beat_s = time.monotonic()
        self._stale_ns: int | None = None
        node.create_timer(BEAT_S, self._beat, clock=Clock(clock_type=ClockType.STEADY_TIME))

    def clock_is_stale(self) -> bool:
        """Return whether the node's clock still stands where it stood when the process was stopped."""
        self._beat()
        if self._stale_ns != self._now_ns():
            self._stale_ns = None
        return self._stale_ns is not None

    def _beat(self) -> None:
        now_s = time.monotonic()
        if now_s - self._beat_s > ASLEEP_S:
            self._stale_ns = self._now_ns()
        self._beat_s = now_s

    def _now_ns(self) -> int:
        return int(self._node.get_clock().now().nanoseconds)
