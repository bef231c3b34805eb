# SPDX-License-Identifier: Apache-2.0
"""Is the target image of a live scene? A camera that repeats its picture with new stamps looks alive and is not."""

from collections import deque
from collections.abc import Sequence

import numpy as np

from genima.guard.conditions import Condition

KIND = 'target'
MEMORY_S = 3.0
# a picture may repeat this long; and while the arm moves less than this, it may look the same for ever
FROZEN_S = 0.25
FROZEN_RAD = 0.05


def target_condition(max_age_s: float) -> Condition:
    """Return the condition that a target image of views no older than `max_age_s` is there."""
    return Condition(KIND, 'no fresh target image: does diffusion_node see every camera?', max_age_s)


class TargetWatch:
    """Remembers how the arm moved lately."""

    def __init__(self) -> None:
        """Know nothing yet."""
        self._seen: deque[tuple[float, np.ndarray]] = deque()

    def observe_joints(self, t_s: float, q_rad: np.ndarray) -> None:
        """Take measured joints (n,) of time `t_s`; times that are out of order begin a new memory."""
        if self._seen and t_s < self._seen[-1][0]:
            self._seen.clear()
        self._seen.append((t_s, np.asarray(q_rad, dtype=float)))
        while self._seen[0][0] < t_s - MEMORY_S:
            self._seen.popleft()

    def trouble(self, stamp_s: float, cameras: Sequence[str], unchanged_s: Sequence[float]) -> str | None:
        """Return what is wrong with views that were taken at `stamp_s`, or None.

        Args:
            stamp_s: Capture time of the views under the target.
            cameras: Their names.
            unchanged_s: For how long each camera has sent the same pixels.
        """
        for camera, same_s in zip(cameras, unchanged_s, strict=True):
            travel_rad = self._travel_rad(stamp_s - same_s, stamp_s)
            if same_s > FROZEN_S and travel_rad > FROZEN_RAD:
                return (
                    f'camera {camera} has sent the same picture for {same_s:.2f} s while the arm moved '
                    f'{travel_rad:.2f} rad: is it frozen?'
                )
        return None

    def _travel_rad(self, from_s: float, to_s: float) -> float:
        q_rad = np.array([q for t_s, q in self._seen if from_s <= t_s <= to_s])
        return float(np.ptp(q_rad, axis=0).max()) if len(q_rad) else 0.0
