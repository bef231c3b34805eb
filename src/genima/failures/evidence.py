# SPDX-License-Identifier: Apache-2.0
"""What is known about the seconds around a failure: the pictures that were painted, and what the arm did."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from genima.cameras.model import MountedCamera
from genima.contract.spec import PolicySpec
from genima.guard.workspace import Workspace
from genima.robots.profile import RobotProfile

Floats = NDArray[np.float64]
MAX_GAP_S = 0.25  # joints that were silent for longer are not known in between


@dataclass(frozen=True, eq=False)
class PaintedTarget:
    """A target image: when the views under it were taken, ROS time, and the painted views (V, S, S, 3) uint8."""

    stamp_s: float
    views: NDArray[np.uint8]


@dataclass(frozen=True, eq=False)
class JointSeries:
    """Measured joints: `times_s` (N,) ascending, `q_rad` (N, n), `gripper_open` (N,)."""

    times_s: Floats
    q_rad: Floats
    gripper_open: Floats

    def at(self, t_s: float) -> tuple[Floats, float] | None:
        """Return joints (n,) and opening at a time, linear between samples; None where they are not known."""
        after = int(np.searchsorted(self.times_s, t_s))
        if after == len(self.times_s) or (after == 0 and self.times_s[0] > t_s):
            return None
        before = max(after - 1, 0)
        gap_s = float(self.times_s[after] - self.times_s[before])
        if gap_s > MAX_GAP_S:
            return None
        share = 0.0 if gap_s == 0 else (t_s - float(self.times_s[before])) / gap_s
        q = (1 - share) * self.q_rad[before] + share * self.q_rad[after]
        return q, float((1 - share) * self.gripper_open[before] + share * self.gripper_open[after])

    def openings_within(self, begin_s: float, end_s: float) -> Floats:
        """Return the openings measured between two times, (k,); none where the series does not reach over both."""
        if not len(self.times_s) or self.times_s[0] > begin_s or self.times_s[-1] < end_s:
            return np.zeros(0)
        return np.asarray(self.gripper_open[(self.times_s >= begin_s) & (self.times_s <= end_s)])


@dataclass(frozen=True, eq=False)
class Evidence:
    """The seconds around a failure, as diagnoses read them.

    Attributes:
        spec: The contract.
        profile: The robot.
        cameras: By name, as painted views have them: without lens distortion.
        targets: In the order of their stamps.
        joints: What was measured.
        gripper_commands: (time [s], opening), ascending.
        workspace: Where the spheres may be.
    """

    spec: PolicySpec
    profile: RobotProfile
    cameras: Mapping[str, MountedCamera]
    targets: tuple[PaintedTarget, ...]
    joints: JointSeries
    gripper_commands: tuple[tuple[float, float], ...] = ()
    workspace: Workspace = field(default_factory=Workspace)

    @property
    def horizon_s(self) -> float:
        """How far ahead of its views a target image shows the arm."""
        return self.spec.horizon_steps / self.spec.control_rate_hz
