# SPDX-License-Identifier: Apache-2.0
"""The box in which gripper and elbow may be."""

from dataclasses import dataclass, replace

import numpy as np

from genima.chunks.plan import Chunk, Plan
from genima.robots.kinematics import jacobian, tcp_pose
from genima.robots.profile import RobotProfile

NEWTON_STEPS = 3
DAMPING = 1e-6
CLEARANCE_M = 0.002  # between corrected points the path may sag


@dataclass(frozen=True)
class Workspace:
    """A box in the base frame for the TCP and the elbow; the default is the table plane under a robot on the table."""

    min_xyz_m: tuple[float, float, float] = (-2.0, -2.0, 0.01)
    max_xyz_m: tuple[float, float, float] = (2.0, 2.0, 2.0)
    max_correction_m: float = 0.04

    def bring_inside(self, profile: RobotProfile, chunk: Chunk) -> Chunk:
        """Return the chunk with TCP positions that are a little outside moved to the nearest point of the box.

        A policy that is off by millimetres would otherwise be refused at the table again and again, with the object
        between its fingers. Points further outside than `max_correction_m` are left as they are, to be refused.
        The joints change as little as possible (least squares, three Newton steps).
        """
        q_rad = chunk.q_rad.copy()
        for _ in range(NEWTON_STEPS):
            xyz = tcp_pose(profile, q_rad)[:, :3, 3]
            inside = np.add(self.min_xyz_m, CLEARANCE_M), np.subtract(self.max_xyz_m, CLEARANCE_M)
            way = np.clip(xyz, *inside) - xyz
            if not way.any() or np.linalg.norm(way, axis=1).max() > self.max_correction_m:
                break
            J = jacobian(profile, q_rad)[:, :3]
            J_T = J.swapaxes(1, 2)
            q_rad += (J_T @ np.linalg.solve(J @ J_T + DAMPING * np.eye(3), way[:, :, None]))[..., 0]
        return replace(chunk, q_rad=q_rad)

    def left(self, profile: RobotProfile, base: Plan, plan: Plan, from_s: float) -> str:
        """Return where a plan leaves the box further than `base` does after `from_s`, in words; empty if nowhere."""
        outside_m, where = self.outside_m(profile, plan, from_s)
        if outside_m <= 0.0:
            return ''
        return where if outside_m > self.outside_m(profile, base, from_s)[0] + 1e-9 else ''

    def beyond_m(self, xyz_m: np.ndarray) -> float:
        """Return how far a point (3,) is outside of the box, not above 0 inside."""
        return float(np.concatenate((self.min_xyz_m - xyz_m, xyz_m - self.max_xyz_m)).max())

    def outside_m(self, profile: RobotProfile, plan: Plan, from_s: float) -> tuple[float, str]:
        """Return how far a plan leaves the box after `from_s`, 0 if nowhere, and where in words.

        Every knot is looked at: 0.02 s apart, the path between them is straight to a fraction of a millimetre.
        """
        # not above: the simulation has a workspace, too; a sim_node that had numba's LLVM beside Mesa's ended once with a
        # corrupted heap
        from genima.collision.points import link_origins_m

        links = profile.gripper.tcp_link, profile.elbow_link
        origins_m = link_origins_m(profile, links, plan.rest(from_s)[0])
        worst, where = 0.0, ''
        for link, xyz in zip(links, origins_m.swapaxes(0, 1), strict=True):
            outside = np.concatenate((self.min_xyz_m - xyz, xyz - self.max_xyz_m), axis=1)
            row, column = np.unravel_index(int(outside.argmax()), outside.shape)
            if outside[row, column] > worst:
                worst = float(outside[row, column])
                side, axis = 'below' if column < 3 else 'above', 'xyz'[column % 3]
                bound = (*self.min_xyz_m, *self.max_xyz_m)[column]
                where = f'{link} at {axis} {xyz[row, column % 3]:.3f} m, {side} the allowed {bound:.3f} m'
        return worst, where
