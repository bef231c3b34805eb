# SPDX-License-Identifier: Apache-2.0
"""Is the arm between a camera and a point? By the shapes of the robot profile, at any joint positions."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from genima.robots.kinematics import link_poses
from genima.robots.profile import RobotProfile, Shape
from genima.robots.transforms import inverse, transform

Floats = NDArray[np.float64]
STEP_M = 0.004
NEAREST_M = 0.03  # what carries the camera does not count


def in_the_way(
    profile: RobotProfile, q_rad: Floats, gripper_open: float, eye_m: Floats, point_m: Floats, margin_m: float
) -> str | None:
    """Return the first link on the straight way from a camera to a point, or None.

    Args:
        profile: The robot.
        q_rad: (n,) joint positions.
        gripper_open: Opening in [0, 1].
        eye_m: (3,) the camera's centre, base frame.
        point_m: (3,) the point, base frame.
        margin_m: So much before the point, what is there does not count.
    """
    way_m = float(np.linalg.norm(point_m - eye_m))
    along_m = np.arange(NEAREST_M, way_m - margin_m, STEP_M)
    if not len(along_m):
        return None
    samples = eye_m + along_m[:, None] * (point_m - eye_m) / way_m
    poses = link_poses(profile, q_rad, gripper_open)
    first: tuple[int, str] | None = None
    for link in profile.links:
        for shape in link.shapes:
            T_shape_base = inverse(poses[link.name] @ transform(shape.xyz, shape.rpy))
            hit = np.flatnonzero(_INSIDE[shape.kind](samples @ T_shape_base[:3, :3].T + T_shape_base[:3, 3], shape))
            if len(hit) and (first is None or hit[0] < first[0]):
                first = int(hit[0]), link.name
    return None if first is None else first[1]


def _in_sphere(points_m: Floats, shape: Shape) -> NDArray[np.bool_]:
    return np.asarray(np.linalg.norm(points_m, axis=1) < shape.size[0])


def _in_capsule(points_m: Floats, shape: Shape) -> NDArray[np.bool_]:
    radius, length = shape.size[:2]
    beyond = np.maximum(np.abs(points_m[:, 2]) - length / 2, 0.0)
    return np.asarray(np.hypot(np.linalg.norm(points_m[:, :2], axis=1), beyond) < radius)


def _in_cylinder(points_m: Floats, shape: Shape) -> NDArray[np.bool_]:
    radius, length = shape.size[:2]
    return np.asarray((np.linalg.norm(points_m[:, :2], axis=1) < radius) & (np.abs(points_m[:, 2]) < length / 2))


def _in_box(points_m: Floats, shape: Shape) -> NDArray[np.bool_]:
    return np.asarray((np.abs(points_m) < shape.size / 2).all(axis=1))


_INSIDE: dict[str, Callable[[Floats, Shape], NDArray[np.bool_]]] = {
    'sphere': _in_sphere,
    'capsule': _in_capsule,
    'cylinder': _in_cylinder,
    'box': _in_box,
}
