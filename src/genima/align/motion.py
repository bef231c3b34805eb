# SPDX-License-Identifier: Apache-2.0
"""How things should move in a camera's picture when the arm moves, and how they do.

A camera that stands still sees the arm move; a camera that the arm carries sees the world move.
"""

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from genima.align.joints import JointTrack
from genima.cameras.model import MountedCamera
from genima.robots.kinematics import link_poses
from genima.robots.profile import RobotProfile, Shape
from genima.robots.transforms import inverse, transform

Floats = NDArray[np.float64]
Grey = NDArray[np.uint8]

MAX_FEATURES = 40
FEATURE_QUALITY = 0.02
FEATURE_DISTANCE_PX = 3
BLOCK_PX = 5
WINDOW_PX = 7
PYRAMID_LEVELS = 2
RETURN_PX = 0.25  # a feature that, followed backwards, does not come back to where it was is lost
MARGIN_PX = 4
FAR_M = 5.0
CORNERS = np.array([[x, y, z] for x in (-1, 1) for y in (-1, 1) for z in (-1, 1)], dtype=float)


@dataclass(frozen=True, eq=False)
class Features:
    """Features that were followed from one frame to the next, N of them in P pairs of frames.

    Attributes:
        pair: (N,) number of the pair, from 0 to P - 1.
        start_px: (N, 2) where they were.
        moved_px: (N, 2) how far they went.
    """

    pair: NDArray[np.int64]
    start_px: Floats
    moved_px: Floats


class Watcher:
    """Knows how the arm, or the world for a camera that the arm carries, should move in a camera's picture.

    The links are taken for the boxes around their shapes, the world for a plane.

    Args:
        camera: intrinsics and mounting.
        profile: the robot.
        joints: measured joints.
        max_gap_s: longest silence of the joints that is bridged [s].
        ground_m: height of the plane that a carried camera mostly sees, in the base frame [m].

    Attributes:
        carried: whether the arm carries the camera.
    """

    def __init__(
        self, camera: MountedCamera, profile: RobotProfile, joints: JointTrack, max_gap_s: float = 0.1, ground_m: float = 0.0
    ) -> None:
        self._camera, self._profile, self._joints = camera, profile, joints
        self._max_gap_s, self._ground_m = max_gap_s, ground_m
        poses = link_poses(profile, np.stack([profile.home_rad, profile.home_rad + 0.1]))
        moves = {name: not np.allclose(*np.broadcast_to(T, (2, 4, 4))) for name, T in poses.items()}
        self.carried = moves[camera.parent_link]
        shapes = [(link.name, shape) for link in profile.links if moves[link.name] for shape in link.shapes]
        self._links = [name for name, _ in shapes]
        self._T_link_box = np.stack([transform(shape.xyz, shape.rpy) for _, shape in shapes])
        self._half_m = np.stack([_half_size_m(shape) for _, shape in shapes])

    def follow(self, times_s: Floats, frames: Grey) -> Features:
        """Follow features from each frame to the next: of the arm, or of all else if it carries the camera.

        Shi and Tomasi 1994, Lucas and Kanade 1981 with pyramids (OpenCV), kept where following backwards comes back.

        Args:
            times_s: (P + 1,) when the frames were taken, as far as known [s].
            frames: (P + 1, H, W) grey pictures.
        """
        T_camera_box, _ = self._poses(times_s)
        found = []
        for i in range(len(frames) - 1):
            start, moved = _flow(frames[i], frames[i + 1], self._region(T_camera_box[i]))
            found.append((np.full(len(start), i), start, moved))
        return Features(*(np.concatenate(column) for column in zip(*found, strict=True)))

    def expected_px(self, features: Features, times_s: Floats) -> Floats:
        """Return how far features should have gone (N, 2), had the frames been taken at `times_s` (P + 1,).

        NaN where a feature is on nothing whose motion is known.
        """
        T_camera_box, T_camera_base = self._poses(times_s)
        first, rays = features.pair, self._rays(features.start_px)
        box, depth_m = _nearest_box(inverse(T_camera_box)[first], self._half_m, rays)
        if self.carried:
            on_ground_m = self._ground_depth_m(T_camera_base[first], rays)
            depth_m = np.where(np.isfinite(depth_m), np.nan, on_ground_m)
            T = T_camera_base[first + 1] @ inverse(T_camera_base[first])
        else:
            T = T_camera_box[first + 1, box] @ inverse(T_camera_box[first, box])
        points = rays * np.where(np.isfinite(depth_m), depth_m, np.nan)[:, None]
        there, _ = self._camera.model.project(np.einsum('nij,nj->ni', T[:, :3, :3], points) + T[:, :3, 3])
        here, _ = self._camera.model.project(points)
        return there - here

    def _poses(self, times_s: Floats) -> tuple[Floats, Floats]:
        """Return T_camera_box (T, S, 4, 4) and T_camera_base (T, 4, 4)."""
        q = self._joints.at(self._profile.arm_joints, times_s, self._max_gap_s)
        poses = link_poses(self._profile, q)
        T_camera_base = inverse(poses[self._camera.parent_link] @ self._camera.T_parent_camera)
        T_base_link = np.stack([poses[name] for name in self._links], axis=1)
        return T_camera_base[:, None] @ T_base_link @ self._T_link_box, T_camera_base

    def _region(self, T_camera_box: Floats) -> Grey:
        """Return a mask (H, W) of where to look for features: on the boxes (S, 4, 4), or well away from them."""
        model = self._camera.model
        mask = np.zeros((model.height_px, model.width_px), dtype=np.uint8)
        points = (CORNERS * self._half_m[:, None]) @ T_camera_box[:, :3, :3].swapaxes(1, 2) + T_camera_box[:, None, :3, 3]
        pixels, _ = model.project(points)
        for outline in pixels[np.isfinite(pixels).all(axis=(1, 2))]:
            inside = np.clip(np.rint(outline), -10 * mask.shape[1], 10 * mask.shape[1])
            cv2.fillConvexPoly(mask, cv2.convexHull(inside.astype(np.int32)), 255)
        size = 2 * MARGIN_PX + 1
        if self.carried:
            mask = 255 - np.asarray(cv2.dilate(mask, np.ones((size, size), dtype=np.uint8)), dtype=np.uint8)
        return mask

    def _rays(self, pixels: Floats) -> Floats:
        """Return directions (N, 3) through pixels (N, 2), of length 1 along the optical axis."""
        rays = self._camera.model.rays()
        column = np.clip(np.rint(pixels[:, 0]).astype(int), 0, rays.shape[1] - 1)
        row = np.clip(np.rint(pixels[:, 1]).astype(int), 0, rays.shape[0] - 1)
        chosen = rays[row, column]
        return chosen / np.maximum(chosen[:, 2:], 1e-6)

    def _ground_depth_m(self, T_camera_base: Floats, rays: Floats) -> Floats:
        """Return how far away the ground is along the optical axis (N,); what is above the horizon is far."""
        up = T_camera_base[:, :3, 2]
        height_m = -(T_camera_base[:, :3, 3] * up).sum(axis=-1) - self._ground_m
        falling = np.maximum(-(rays * up).sum(axis=-1), 1e-6)
        return np.clip(height_m / falling, 0.0, FAR_M)


def _half_size_m(shape: Shape) -> Floats:
    """Return half the size (3,) of the box around a shape."""
    if shape.kind == 'box':
        return shape.size / 2
    radius_m = shape.size[0]
    round_ends_m = radius_m if shape.kind != 'cylinder' else 0.0
    length_m = shape.size[-1] / 2 if shape.kind != 'sphere' else 0.0
    return np.array([radius_m, radius_m, length_m + round_ends_m])


def _nearest_box(T_box_camera: Floats, half_m: Floats, rays: Floats) -> tuple[NDArray[np.int64], Floats]:
    """Return the first box that each ray enters (N,), and at what depth (N,) [m]; infinite where it meets none.

    The slab method of Kay and Kajiya 1986.

    Args:
        T_box_camera: (N, S, 4, 4).
        half_m: (S, 3) half sizes.
        rays: (N, 3).
    """
    origins = T_box_camera[..., :3, 3]
    directions = np.einsum('nsij,nj->nsi', T_box_camera[..., :3, :3], rays)
    directions = np.where(np.abs(directions) < 1e-12, 1e-12, directions)
    first, second = (-half_m - origins) / directions, (half_m - origins) / directions
    enters, leaves = np.minimum(first, second).max(axis=-1), np.maximum(first, second).min(axis=-1)
    depths = np.where((enters <= leaves) & (enters > 0), enters, np.inf)
    return depths.argmin(axis=1), depths.min(axis=1)


def _flow(first: Grey, second: Grey, mask: Grey) -> tuple[Floats, Floats]:
    """Return where features are in the first picture (N, 2), and how far they went to the second (N, 2)."""
    corners = cv2.goodFeaturesToTrack(
        first, MAX_FEATURES, FEATURE_QUALITY, FEATURE_DISTANCE_PX, mask=mask, blockSize=BLOCK_PX
    )
    if corners is None:
        return np.zeros((0, 2)), np.zeros((0, 2))
    there, found = _tracked(first, second, corners)
    back, returned = _tracked(second, first, there)
    error_px = np.linalg.norm((back - corners)[:, 0], axis=-1)
    good = found & returned & (error_px < RETURN_PX)
    return corners[good, 0].astype(np.float64), (there - corners)[good, 0].astype(np.float64)


def _tracked(first: Grey, second: Grey, points: Any) -> tuple[Any, NDArray[np.bool_]]:
    """Return where points (N, 1, 2) of the first picture are in the second, and whether they were found (N,)."""
    window = (WINDOW_PX, WINDOW_PX)
    there, found, _ = cv2.calcOpticalFlowPyrLK(
        first, second, points, np.zeros_like(points), winSize=window, maxLevel=PYRAMID_LEVELS
    )
    return there, np.asarray(found)[:, 0] == 1
