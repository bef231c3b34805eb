# SPDX-License-Identifier: Apache-2.0
"""A home pose for an arm that nobody has given one: above the table, tool down, from where the table can be reached."""

import numpy as np

from genima.robots.kinematics import link_poses, solve_ik, tcp_pose
from genima.robots.profile import RobotProfile

TOOL_DOWN = np.diag([1.0, -1.0, -1.0])
HOME_XYZ_M = ((0.50, 0.0, 0.30), (0.45, 0.0, 0.30), (0.40, 0.0, 0.25), (0.35, 0.0, 0.25), (0.40, 0.15, 0.25))
# over the corners of the part of the table on which tasks have their objects
CORNERS_XYZ_M = ((0.38, -0.18, 0.05), (0.38, 0.18, 0.05), (0.62, -0.18, 0.05), (0.62, 0.18, 0.05))
STARTS = 24
NEAR_M = 2e-3


def propose_home(profile: RobotProfile) -> tuple[list[float], bool]:
    """Return joint positions, and whether the tool is above the table there and points down.

    Of the poses found the one counts most that reaches most corners of the table, then the one with the highest elbow and
    the smallest angles.
    """
    limits = profile.limits
    low, high = np.maximum(limits.position_min_rad, -np.pi), np.minimum(limits.position_max_rad, np.pi)
    middle = np.clip(0.0, limits.position_min_rad, limits.position_max_rad)
    starts = [middle, *np.random.default_rng(0).uniform(low, high, (STARTS, profile.n_joints))]
    for xyz_m in HOME_XYZ_M:
        found = [q for q in (_reach(profile, xyz_m, start) for start in starts) if q is not None]
        if found:
            best = max(found, key=lambda q: _worth(profile, q))
            return [float(value) for value in best.round(4)], True
    return [float(value) for value in ((limits.position_min_rad + limits.position_max_rad) / 2).round(4)], False


def _reach(profile: RobotProfile, xyz_m: tuple[float, float, float], start: np.ndarray) -> np.ndarray | None:
    T = np.eye(4)
    T[:3, :3], T[:3, 3] = TOOL_DOWN, xyz_m
    q = solve_ik(profile, T, start, rest_rad=start, iterations=60)
    reached = tcp_pose(profile, q)
    near = np.linalg.norm(reached[:3, 3] - T[:3, 3]) < NEAR_M and np.abs(reached[:3, :3] - TOOL_DOWN).max() < 0.01
    return q if near else None


def _worth(profile: RobotProfile, q: np.ndarray) -> tuple[int, float]:
    corners = sum(_reach(profile, xyz_m, q) is not None for xyz_m in CORNERS_XYZ_M)
    elbow_m = float(link_poses(profile, q)[profile.elbow_link][2, 3])
    return corners, elbow_m - 0.05 * float(np.abs(q).sum())
