# SPDX-License-Identifier: Apache-2.0
"""When simulated time may move on: never faster than real time, and never away from the policy."""

from collections.abc import Callable
from dataclasses import dataclass

CLOCK_EPS_S = 1e-6


@dataclass(frozen=True)
class Pace:
    """How simulated time runs.

    Attributes:
        real_time_factor: simulated seconds per second, at most.
        rate_hz: control rate of the policy.
        max_target_lag_s: simulated time never gets further ahead of the newest target image's views [s].
        max_chunk_lag_s: nor further than this ahead of a tick of the controller that was not heard of; more than the
            controller's own delay from tick to chunk [s].
        max_guard_lag_s: nor further ahead of the arrival of a chunk that the guard has not judged yet [s].
        patience_s: one hold lasts no longer (wall time) [s].
        max_debt_s: how far simulated time may lag behind real time before the lag is forgiven [s].
    """

    real_time_factor: float = 1.0
    rate_hz: float = 10.0
    max_target_lag_s: float = 0.35
    max_chunk_lag_s: float = 0.035
    max_guard_lag_s: float = 0.02
    patience_s: float = 2.0
    max_debt_s: float = 0.1


class Pacer:
    """Tells the simulation how long to wait before its next step.

    A slow machine thus slows simulated time instead of starving the policy. A source that keeps silent through a whole
    hold is forgotten until it speaks again, so a dead policy costs one hold (`on_give_up` is told its topic). All
    `wall_s` are readings of one steady clock.
    """

    def __init__(self, pace: Pace, on_give_up: Callable[[str], None] = lambda missing: None) -> None:
        self.pace = pace
        self._on_give_up = on_give_up
        self.holds = 0
        self.holds_given_up = 0
        self._due_wall_s: float | None = None
        self._hold_wall_s: float | None = None
        self._target_s: float | None = None
        self._tick_s: float | None = None
        self._chunk_s, self._chunk_stamp_s = 0.0, 0.0
        self._judged_s: float | None = None

    def target_seen(self, stamp_s: float) -> None:
        """Take note of a target image whose views were taken at `stamp_s` (simulated)."""
        self._target_s = stamp_s

    def tick_seen(self, tick_s: float) -> None:
        """Take note that the controller has done its tick that was due at `tick_s` (simulated)."""
        self._tick_s = tick_s

    def chunk_seen(self, now_s: float, stamp_s: float) -> None:
        """Take note of a chunk stamped `stamp_s` that arrived at `now_s` (both simulated)."""
        self._chunk_s, self._chunk_stamp_s = now_s, stamp_s

    def chunk_judged(self, stamp_s: float) -> None:
        """Take note that the guard has judged the chunks up to the one stamped `stamp_s` (simulated)."""
        self._judged_s = stamp_s

    def stepped(self, step_s: float, wall_s: float) -> None:
        """Take note that simulated time moved on by `step_s`."""
        due_s = wall_s if self._due_wall_s is None else self._due_wall_s
        self._due_wall_s = max(due_s + step_s / self.pace.real_time_factor, wall_s - self.pace.max_debt_s)

    def wait_s(self, next_s: float, wall_s: float) -> float | None:
        """Return how long to wait before stepping to `next_s`: 0 to step now, `None` to wait for the policy."""
        if self._hold(next_s, wall_s):
            return None
        return 0.0 if self._due_wall_s is None else max(0.0, self._due_wall_s - wall_s)

    def _hold(self, next_s: float, wall_s: float) -> bool:
        pace, late_s = self.pace, next_s - CLOCK_EPS_S
        target_late = self._target_s is not None and late_s > self._target_s + pace.max_target_lag_s
        tick_late = self._tick_s is not None and late_s > self._tick_s + 1.0 / pace.rate_hz + pace.max_chunk_lag_s
        guard_late = (
            self._judged_s is not None
            and self._judged_s < self._chunk_stamp_s
            and late_s > self._chunk_s + pace.max_guard_lag_s
        )
        if not (target_late or tick_late or guard_late):
            self._hold_wall_s = None
            return False
        if self._hold_wall_s is None:
            self._hold_wall_s = wall_s
            self.holds += 1
        if wall_s - self._hold_wall_s < pace.patience_s:
            return True
        self.holds_given_up += 1
        self._hold_wall_s = None
        late = {'target_image': target_late, 'action_chunk': tick_late, 'guard/status': guard_late}
        self._on_give_up(' and '.join(name for name in late if late[name]))
        self._target_s = None if target_late else self._target_s
        self._tick_s = None if tick_late else self._tick_s
        self._judged_s = None if guard_late else self._judged_s
        return False
