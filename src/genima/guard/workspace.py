# SPDX-License-Identifier: Apache-2.0
"""The box in which gripper and elbow may be."""

from dataclasses import dataclass

import numpy as np

from genima.chunks.plan import Plan
from genima.robots.kinematics import link_poses
from genima.robots.profile import RobotProfile

EVERY = 2


@dataclass(frozen=True)
class Workspace:
    """A box in the base frame for the TCP and the elbow; the default is the table plane under a robot on the table."""

    min_xyz_m: tuple[float, float, float] = (-2.0, -2.0, 0.005)
    max_xyz_m: tuple[float, float, float] = (2.0, 2.0, 2.0)

    def outside_m(self, profile: RobotProfile, plan: Plan, from_s: float) -> tuple[float, str]:
        """Return how far a plan leaves the box after `from_s`, 0 if nowhere, and where in words.

        Every second knot is looked at, and the last: 0.04 s apart, the path between them is straight to a millimetre.
        """
        first = max(0, round(from_s / plan.grid_s) - plan.first_tick)
        knots = plan.q_rad[first::EVERY] if first < len(plan.q_rad) else plan.q_rad[:0]
        poses = link_poses(profile, np.concatenate((knots, plan.q_rad[-1:])))
        worst, where = 0.0, ''
        for link in (profile.gripper.tcp_link, profile.elbow_link):
            xyz = poses[link][:, :3, 3]
            outside = np.concatenate((self.min_xyz_m - xyz, xyz - self.max_xyz_m), axis=1)
            row, column = np.unravel_index(int(outside.argmax()), outside.shape)
            if outside[row, column] > worst:
                worst = float(outside[row, column])
                side, axis = 'below' if column < 3 else 'above', 'xyz'[column % 3]
                bound = (*self.min_xyz_m, *self.max_xyz_m)[column]
                where = f'{link} at {axis} {xyz[row, column % 3]:.3f} m, {side} the allowed {bound:.3f} m'
        return worst, where
