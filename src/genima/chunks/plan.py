# SPDX-License-Identifier: Apache-2.0
"""What the controller wants (a chunk) and what is sent to the robot (a plan)."""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Chunk:
    """Joint positions and gripper openings that the controller wants, point i for `stamp_s + (i + 1) * dt_s`.

    Attributes:
        stamp_s: Time of the observation that the chunk answers, ROS time.
        dt_s: Time between points.
        q_rad: Absolute joint positions in the order of the profile's arm joints, shape (T, n).
        gripper_open: Gripper opening, 0 closed to 1 open, shape (T,).
    """

    stamp_s: float
    dt_s: float
    q_rad: np.ndarray
    gripper_open: np.ndarray

    @property
    def times_s(self) -> np.ndarray:
        """Time of each point, shape (T,)."""
        return self.stamp_s + self.dt_s * np.arange(1, len(self.q_rad) + 1)
