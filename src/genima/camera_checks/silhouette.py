# SPDX-License-Identifier: Apache-2.0
"""Where the calibration and the joints say that the arm is in a camera's picture.

The links are the primitives of the robot profile (`config/robots`, which says where their sizes come from). Each one is
convex, so its outline is the hull of its surface points; what is behind the camera is left out.
"""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from genima.cameras.model import MountedCamera
from genima.robots.kinematics import link_poses
from genima.robots.profile import RobotProfile, Shape
from genima.robots.transforms import inverse, transform

Floats = NDArray[np.float64]
Mask = NDArray[np.uint8]

AROUND = 20  # points on a circle; their hull is about one percent too narrow
RINGS = 4  # circles on each round end
NEAREST_M = 0.01
MOVED_RAD = 0.1
SUBPIXEL_BITS = 4


@dataclass(frozen=True)
class Parts:
    """Links as a camera sees them move.

    Attributes:
        still: they are fixed to what carries the camera.
        sliding: they move with the gripper's opening only: its fingers, for a camera on the hand.
        moving: they move when the arm does.
        carried: whether the arm carries the camera.
    """

    still: frozenset[str]
    sliding: frozenset[str]
    moving: frozenset[str]
    carried: bool


def parts_seen_from(profile: RobotProfile, parent_link: str) -> Parts:
    """Return how the links move as seen from a camera on `parent_link`."""
    q_rad = np.stack([profile.home_rad, profile.home_rad + MOVED_RAD])
    opened, closed = link_poses(profile, q_rad, 1.0), link_poses(profile, q_rad, 0.0)
    carrier = opened[parent_link]
    at_rest = {name: _relative(carrier, T) for name, T in opened.items()}
    moving = frozenset(name for name, T in at_rest.items() if not np.allclose(T[0], T[1]))
    sliding = frozenset(
        name for name in at_rest if name not in moving and not np.allclose(at_rest[name], _relative(carrier, closed[name]))
    )
    carried = not np.allclose(*np.broadcast_to(carrier, (2, 4, 4)))
    return Parts(frozenset(at_rest) - moving - sliding, sliding, moving, carried)


def _relative(T_base_camera: Floats, T_base_link: Floats) -> Floats:
    return inverse(np.broadcast_to(T_base_camera, (2, 4, 4))) @ np.broadcast_to(T_base_link, (2, 4, 4))


class Silhouette:
    """Draws the links of a robot as a camera sees them."""

    def __init__(self, profile: RobotProfile) -> None:
        self.profile = profile
        self._parts: dict[str, Parts] = {}
        shapes = [(link.name, shape) for link in profile.links for shape in link.shapes]
        self._links = [name for name, _ in shapes]
        surfaces = [_surface_m(shape) for _, shape in shapes]
        most = max(len(points) for points in surfaces)
        self._points_m = np.stack([points[np.arange(most) % len(points)] for points in surfaces])

    def parts_seen_from(self, parent_link: str) -> Parts:
        """Return how the links move as seen from a camera on `parent_link`."""
        if parent_link not in self._parts:
            self._parts[parent_link] = parts_seen_from(self.profile, parent_link)
        return self._parts[parent_link]

    def mask(
        self, camera: MountedCamera, q_rad: Floats, gripper_open: float, links: frozenset[str], grow_px: int = 0
    ) -> Mask:
        """Return which pixels show one of `links`, (H, W) uint8: 255 where they are expected.

        Args:
            camera: intrinsics, of the size that the mask shall have, and mounting.
            q_rad: (n,) joint positions.
            gripper_open: opening in [0, 1].
            links: names of the links that are drawn.
            grow_px: how far the mask reaches beyond the outline.
        """
        model = camera.model
        mask: Mask = np.zeros((model.height_px, model.width_px), dtype=np.uint8)
        chosen = [index for index, name in enumerate(self._links) if name in links]
        if not chosen:
            return mask
        poses = link_poses(self.profile, np.asarray(q_rad, dtype=float), gripper_open)
        T_camera_base = inverse(poses[camera.parent_link] @ camera.T_parent_camera)
        T = T_camera_base @ np.stack([poses[self._links[index]] for index in chosen])
        points_m = np.einsum('sij,spj->spi', T[:, :3, :3], self._points_m[chosen]) + T[:, None, :3, 3]
        pixels, depth_m = model.project(points_m)
        seen = (depth_m > NEAREST_M) & np.isfinite(pixels).all(axis=-1)
        far_px = 20.0 * max(mask.shape)
        for outline_px, visible in zip(pixels, seen, strict=True):
            if visible.sum() > 2:
                corners = np.clip(outline_px[visible], -far_px, far_px) * 2**SUBPIXEL_BITS
                hull = cv2.convexHull(np.rint(corners).astype(np.int32))
                cv2.fillConvexPoly(mask, hull, 255, shift=SUBPIXEL_BITS)
        return grown(mask, grow_px)


def grown(mask: Mask, by_px: int) -> Mask:
    """Return a mask that reaches `by_px` further on all sides."""
    if by_px < 1:
        return mask
    size = 2 * by_px + 1
    return np.asarray(cv2.dilate(mask, np.ones((size, size), dtype=np.uint8)), dtype=np.uint8)


def _surface_m(shape: Shape) -> Floats:
    """Return points (P, 3) in the link's frame whose hull is the shape."""
    if shape.kind == 'box':
        points = np.array([[x, y, z] for x in (-1, 1) for y in (-1, 1) for z in (-1, 1)]) * shape.size / 2
    else:
        radius_m, half_m = shape.size[0], 0.0 if shape.kind == 'sphere' else shape.size[-1] / 2
        turn = np.linspace(0, 2 * np.pi, AROUND, endpoint=False)
        circle = np.stack([np.cos(turn), np.sin(turn), np.zeros(AROUND)], axis=-1)
        rise = np.zeros(1) if shape.kind == 'cylinder' else np.linspace(0, np.pi / 2, RINGS)
        rings = [circle * np.cos(a) * radius_m + [0, 0, half_m + radius_m * np.sin(a)] for a in rise]
        end = np.concatenate(rings)
        points = np.concatenate([end, end * [1, 1, -1]])
    T = transform(shape.xyz, shape.rpy)
    return np.asarray(points @ T[:3, :3].T + T[:3, 3], dtype=np.float64)
