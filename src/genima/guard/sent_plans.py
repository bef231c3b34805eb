# SPDX-License-Identifier: Apache-2.0
"""The plans that were sent, and the one of them that the robot's controller executes.

A plan spliced onto one that was lost on its way would be a jump. A joint_trajectory_controller says when the message began
that it executes; where it does not, the last plan counts.
"""

import math
from collections import deque
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from genima.chunks.plan import Plan
from genima.guard.status import GuardConfig

KEPT = 16
BRIDGE_RAD = 1e-6


class _Sent(NamedTuple):
    plan: Plan
    sent_s: float
    stopping: bool
    onto: Plan | None


class SentPlans:
    """What the robot's controller was told."""

    def __init__(self, config: GuardConfig) -> None:
        """Begin with nothing sent."""
        self._config = config
        self._all: deque[_Sent] = deque(maxlen=KEPT)
        self._present: _Sent | None = None
        self._seen_s = math.inf
        self._bridged = False

    @property
    def plan(self) -> Plan | None:
        """What the controller follows, or will once it has arrived."""
        return None if self._present is None else self._present.plan

    @property
    def stopping(self) -> bool:
        """Whether that is a stop."""
        return self._present is not None and self._present.stopping

    def add(self, plan: Plan, now_s: float, stopping: bool) -> Plan:
        """Take a plan that is sent at `now_s`, and return it, begun where the controller is by its own clock.

        Whatever the clock here shows, that is not in the controller's future: it would lead over to it, with a jump.
        """
        old = self.plan if self.plan is not None and now_s < self.plan.end_s else None
        if old is not None and self._seen_s < plan.start_s:
            plan = plan.preceded(old, math.floor(self._seen_s / plan.grid_s))
        if self.plan is not None and old is None and np.abs(self.plan.q_rad[-1] - plan.q_rad[0]).max() > BRIDGE_RAD:
            self._bridged = True
        self._present = _Sent(plan, now_s, stopping, old)
        self._all.append(self._present)
        return plan

    def led_astray(self, now_s: float, q_rad: np.ndarray, allowed_rad: float) -> np.ndarray | None:
        """Return how far each joint, measured at `q_rad` (n,), is from where a bridge led the arm, if that is too far.

        A bridge believes the measured position, so it is taken once; another one begins with a reset.
        """
        if not self._bridged or self.plan is None or now_s < self.plan.end_s:
            return None
        error_rad: np.ndarray = np.abs(self.plan.q_rad[-1] - q_rad)
        return error_rad if error_rad.max() > allowed_rad else None

    def withdraw(self, judged_s: float) -> None:
        """Forget the newest plan if it is of `judged_s`: it was not sent after all. One that was sent before stays."""
        if self._all and self._all[-1] is self._present and self._all[-1].sent_s >= judged_s:
            self._all.pop()
            self._present = self._all[-1] if self._all else None

    def settle(self, seen_s: float, runs: Callable[[Plan], bool | None]) -> None:
        """Believe the controller: `runs` says whether it executed a plan at `seen_s`, None where it does not say.

        The last plan may still be on its way, if the controller executes the one that it was joined to.
        """
        self._seen_s = seen_s
        if not self._all:
            return
        last = self._all[-1]
        running = next((sent for sent in reversed(self._all) if runs(sent.plan) is not False), None)
        on_its_way = seen_s <= last.sent_s + self._config.arrival_s
        joined = last.onto is None or (running is not None and (running is last or running.plan is last.onto))
        self._present = last if on_its_way and joined else running

    def again(self, now_s: float) -> Plan | None:
        """Return the last plan if it is to be sent once more."""
        if not self._all or self._present is not self._all[-1]:
            return None
        plan, sent_s = self._present.plan, self._present.sent_s
        begun = plan.start_s <= now_s  # else the controller leads over to it, and would skip a cycle
        return plan if begun and now_s <= sent_s + self._config.repeat_s + 1e-9 else None
