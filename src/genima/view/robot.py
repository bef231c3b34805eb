# SPDX-License-Identifier: Apache-2.0
"""A robot of capsules, cylinders, boxes and balls that moves with its joints; no meshes are needed."""

from collections.abc import Sequence

import numpy as np
import rerun as rr

from genima.robots.kinematics import link_poses
from genima.robots.profile import RobotProfile, Shape
from genima.robots.transforms import quaternion_xyzw, rpy_matrix
from genima.view.screen import Screen

ROOT = 'robot'
SOLID = rr.components.FillMode.Solid


def log_shapes(screen: Screen, profile: RobotProfile) -> None:
    """Log the shapes of all links; `log_pose` moves them."""
    screen.log(ROOT, rr.ViewCoordinates.RIGHT_HAND_Z_UP, static=True)
    for link in profile.links:
        for kind in sorted({shape.kind for shape in link.shapes}):
            shapes = [shape for shape in link.shapes if shape.kind == kind]
            screen.log(f'{ROOT}/{link.name}/{kind}', _archetype(kind, shapes), static=True)


def log_pose(screen: Screen, profile: RobotProfile, q_rad: np.ndarray, gripper_open: float) -> None:
    """Put every link where it is at arm positions (n,) and an opening of the gripper in [0, 1]."""
    for name, T_base_link in link_poses(profile, q_rad, gripper_open).items():
        screen.log(f'{ROOT}/{name}', placed(T_base_link))


def placed(T_parent_child: np.ndarray) -> rr.Transform3D:
    """Return a pose (4, 4) as rerun has it."""
    return rr.Transform3D(translation=T_parent_child[:3, 3], mat3x3=T_parent_child[:3, :3])


def _archetype(kind: str, shapes: Sequence[Shape]) -> rr.AsComponents:
    sizes = np.array([shape.size for shape in shapes])
    centres = np.array([shape.xyz for shape in shapes])
    turns = [rr.Quaternion(xyzw=quaternion_xyzw(rpy_matrix(shape.rpy))) for shape in shapes]
    colors = np.array([np.round(255.0 * shape.rgba) for shape in shapes], dtype=np.uint8)
    if kind == 'box':
        return rr.Boxes3D(sizes=sizes, centers=centres, quaternions=turns, colors=colors, fill_mode=SOLID)
    radii = sizes[:, 0]
    if kind == 'sphere':
        return rr.Ellipsoids3D(radii=radii, centers=centres, colors=colors, fill_mode=SOLID)
    lengths = sizes[:, 1]
    if kind == 'cylinder':
        return rr.Cylinders3D(
            lengths=lengths, radii=radii, centers=centres, quaternions=turns, colors=colors, fill_mode=SOLID
        )
    # ours are placed by their middle, those of rerun by the centre of their lower cap
    halves = np.array([rpy_matrix(shape.rpy)[:, 2] * shape.size[1] / 2 for shape in shapes])
    return rr.Capsules3D(
        lengths=lengths, radii=radii, translations=centres - halves, quaternions=turns, colors=colors, fill_mode=SOLID
    )
