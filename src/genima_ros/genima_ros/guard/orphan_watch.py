# SPDX-License-Identifier: Apache-2.0
"""A guard whose launcher is gone has nobody who could end it: it stops the arm and ends itself."""

import os
import time
from collections.abc import Callable

from rclpy.clock import Clock, ClockType
from rclpy.node import Node

from genima.errors import GenimaError

LOOK_S = 0.05
SENT_S = 0.2  # until the plan that stops the arm has left this process
ORPHANED = 'the launcher of this node is gone'
PARENT = os.getppid()  # when this is imported, before networks and middleware load


class OrphanWatch:
    """Notices that the process that started this one has ended: killed, or taken down with its container.

    Args:
        node: that is watched.
        stop: stops the arm, for the reason that it is given.
    """

    def __init__(self, node: Node, stop: Callable[[str], None]) -> None:
        self._stop = stop
        self._since_s: float | None = None
        node.create_timer(LOOK_S, self._look, clock=Clock(clock_type=ClockType.STEADY_TIME))

    def _look(self) -> None:
        if os.getppid() == PARENT:
            return
        if self._since_s is None:
            _drop_output()
            self._since_s = time.monotonic()
            self._stop(ORPHANED)
        elif time.monotonic() - self._since_s > SENT_S:
            raise GenimaError(f'{ORPHANED}: the arm was stopped and the guard disarmed')


def _drop_output() -> None:
    """Write into nothing from now on: the pipes to the launcher are broken, and a line into one of them raises."""
    nothing = os.open(os.devnull, os.O_WRONLY)
    for number in (1, 2):
        if not os.isatty(number):
            os.dup2(nothing, number)
    os.close(nothing)
