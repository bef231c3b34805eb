# SPDX-License-Identifier: Apache-2.0
"""How much of the joint limits a commanded motion uses."""

import numpy as np

from genima.robots.profile import JointLimits

JUDGED = ('position', 'velocity', 'acceleration', 'jerk', 'workspace', 'collision')
"""What a simulation judges of commanded motion; the last two by `genima.sim.intrusion`."""


BATCH = 100  # positions are judged together: one by one it takes longer than the physics


class LimitUsage:
    """Worst share of each limit over a stream of commanded positions at a fixed period, by finite differences."""

    def __init__(self, limits: JointLimits, period_s: float) -> None:
        """Watch positions that come each `period_s`."""
        self._limits = limits
        self._period_s = period_s
        self.reset()

    def reset(self) -> None:
        """Forget everything."""
        self._rows: list[np.ndarray] = []
        self._judged = 0  # so many of the rows were judged before
        self._worst = {'position': 0.0, 'velocity': 0.0, 'acceleration': 0.0, 'jerk': 0.0}

    def interrupt(self) -> None:
        """Begin anew with the next position, and keep the worst shares."""
        self._judge()
        self._rows, self._judged = [], 0

    def add(self, q_rad: np.ndarray) -> None:
        """Take the next commanded positions (n,)."""
        self._rows.append(q_rad)
        if len(self._rows) - self._judged >= BATCH:
            self._judge()

    def worst(self) -> dict[str, float]:
        """Return the worst shares so far: 1.0 is at the limit."""
        self._judge()
        return dict(self._worst)

    def _judge(self) -> None:
        if len(self._rows) == self._judged:
            return
        limits, h, q_rad = self._limits, self._period_s, np.stack(self._rows)
        centre = (limits.position_max_rad + limits.position_min_rad) / 2
        half_range = (limits.position_max_rad - limits.position_min_rad) / 2
        steps = [np.diff(q_rad, order, axis=0) / h**order for order in (1, 2, 3)]
        self._raise('position', (q_rad - centre) / half_range)
        self._raise('velocity', limits.velocity_share(q_rad[:-1], steps[0]))
        self._raise('acceleration', steps[1] / limits.acceleration_rad_s2)
        self._raise('jerk', steps[2] / limits.jerk_rad_s3)
        self._rows = self._rows[-3:]
        self._judged = len(self._rows)

    def _raise(self, key: str, shares: np.ndarray) -> None:
        self._worst[key] = max(self._worst[key], float(np.abs(shares).max(initial=0.0)))
