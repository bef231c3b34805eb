# SPDX-License-Identifier: Apache-2.0
"""Has this process just been stopped? What it reads then, simulated time included, is what was sent meanwhile."""

from rclpy.clock import Clock, ClockType
from rclpy.node import Node

BEAT_S = 0.02
ASLEEP_S = 0.4  # the simulation waits longer than this before it goes on without us
DROWSY_S = 0.25  # what is read after a sleep until then may be old


class SleepWatch:
    """Notices when the executor of a node did not run for a while."""

    def __init__(self, node: Node) -> None:
        self._clock = Clock(clock_type=ClockType.STEADY_TIME)
        self._beat_s = self._awake_s = self._steady_s()
        node.create_timer(BEAT_S, self._beat, clock=self._clock)

    def drowsy(self) -> bool:
        """Return whether the process was stopped until a moment ago."""
        self._beat()
        return self._beat_s < self._awake_s

    def _beat(self) -> None:
        now_s = self._steady_s()
        if now_s - self._beat_s > ASLEEP_S:
            self._awake_s = now_s + DROWSY_S
        self._beat_s = now_s

    def _steady_s(self) -> float:
        return 1e-9 * self._clock.now().nanoseconds
