# SPDX-License-Identifier: Apache-2.0
"""What is still missing while poses for a hand-eye calibration are collected.

Two rotations about different axes are the least that determines the pose of a camera on an arm (Tsai and Lenz 1989, who
also ask for large angles between the poses); translation and focal length come apart only at different distances.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Wanted:
    """What a good set of poses has.

    Attributes:
        poses: how many.
        turn_deg: largest rotation between two of them.
        axis_spread_deg: how far the rotation axes are apart: the axes fill a cone at least this wide.
        distance_ratio: farthest over nearest distance of the board.
    """

    poses: int = 15
    turn_deg: float = 40.0
    axis_spread_deg: float = 30.0
    distance_ratio: float = 1.3


@dataclass(frozen=True)
class Diversity:
    """What a set of poses has; the same measures as `Wanted`."""

    poses: int
    turn_deg: float
    axis_spread_deg: float
    distance_ratio: float

    def missing(self, wanted: Wanted) -> list[str]:
        """Return what to do next, one sentence each; nothing when all is there."""
        said = []
        if self.poses < wanted.poses:
            said.append(f'{self.poses} of {wanted.poses} poses')
        if self.turn_deg < wanted.turn_deg:
            said.append(
                f'the hand turned by {self.turn_deg:.0f} degrees at most, wanted {wanted.turn_deg:.0f}: turn the wrist more'
            )
        if self.axis_spread_deg < wanted.axis_spread_deg:
            said.append(
                f'all rotations are about nearly one axis ({self.axis_spread_deg:.0f} degrees apart, wanted '
                f'{wanted.axis_spread_deg:.0f}): also tilt the hand to the side and forward'
            )
        if self.distance_ratio < wanted.distance_ratio:
            said.append(
                f'the farthest board is {self.distance_ratio:.2f} times as far as the nearest, wanted '
                f'{wanted.distance_ratio:.2f}: take some nearer and some farther'
            )
        return said


def measure_diversity(T_parent_other: Sequence[Floats], distances_m: Sequence[float]) -> Diversity:
    """Measure how different the poses of the arm are.

    Args:
        T_parent_other: (4, 4) poses of the board's link in the camera's link.
        distances_m: of the board from the camera, one each.
    """
    if len(T_parent_other) < 2:
        return Diversity(len(T_parent_other), 0.0, 0.0, 1.0)
    R = np.stack(T_parent_other)[:, :3, :3]
    first, second = np.triu_indices(len(R), k=1)
    turns = Rotation.from_matrix(np.swapaxes(R[first], 1, 2) @ R[second]).as_rotvec()
    angles = np.linalg.norm(turns, axis=1)
    # the axes' second moment, weighted by angle: one eigenvalue is large where all axes are parallel
    values = np.linalg.eigvalsh(turns.T @ turns)
    spread = np.degrees(np.arctan(np.sqrt(max(values[1], 0.0) / values[2]))) if values[2] > 1e-12 else 0.0
    ratio = max(distances_m) / max(min(distances_m), 1e-6)
    return Diversity(len(R), float(np.degrees(angles.max())), float(spread), float(ratio))
