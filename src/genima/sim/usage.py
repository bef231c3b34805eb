# SPDX-License-Identifier: Apache-2.0
"""How much of the joint limits a commanded motion uses."""

import numpy as np

from genima.robots.profile import JointLimits

JUDGED = ('position', 'velocity', 'acceleration', 'jerk', 'workspace', 'collision')
"""What a simulation judges of commanded motion; the last two by `genima.sim.intrusion`."""


class LimitUsage:
    """Worst share of each limit over a stream of commanded positions at a fixed period, by finite differences."""

    def __init__(self, limits: JointLimits, period_s: float) -> None:
        """Watch positions that come each `period_s`."""
        self._limits = limits
        self._period_s = period_s
        self.reset()

    def reset(self) -> None:
        """Forget everything."""
        self._recent: list[np.ndarray] = []
        self._worst = {'position': 0.0, 'velocity': 0.0, 'acceleration': 0.0, 'jerk': 0.0}

    def interrupt(self) -> None:
        """Begin anew with the next position, and keep the worst shares."""
        self._recent = []

    def add(self, q_rad: np.ndarray) -> None:
        """Take the next commanded positions (n,)."""
        limits, h = self._limits, self._period_s
        centre = (limits.position_max_rad + limits.position_min_rad) / 2
        half_range = (limits.position_max_rad - limits.position_min_rad) / 2
        self._raise('position', q_rad - centre, half_range)
        self._recent = [*self._recent[-3:], q_rad]
        recent = self._recent
        if len(recent) >= 2:
            share = limits.velocity_share(recent[-2], (recent[-1] - recent[-2]) / h)
            self._raise('velocity', share, np.ones_like(share))
        if len(recent) >= 3:
            second = recent[-1] - 2 * recent[-2] + recent[-3]
            self._raise('acceleration', second / h**2, limits.acceleration_rad_s2)
        if len(recent) == 4:
            third = recent[3] - 3 * recent[2] + 3 * recent[1] - recent[0]
            self._raise('jerk', third / h**3, limits.jerk_rad_s3)

    def worst(self) -> dict[str, float]:
        """Return the worst shares so far: 1.0 is at the limit."""
        return dict(self._worst)

    def _raise(self, key: str, value: np.ndarray, limit: np.ndarray) -> None:
        self._worst[key] = max(self._worst[key], float(np.max(np.abs(value) / limit)))
