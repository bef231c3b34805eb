# SPDX-License-Identifier: Apache-2.0
"""Calibrations whose truth is known: an arm, a camera, a board, and what the camera sees, as corners or as pictures."""

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from genima.calibration.boards import Board
from genima.calibration.detect import Sighting
from genima.calibration.poses import moved, predicted
from genima.calibration.printing import board_pixels
from genima.calibration.problem import View
from genima.cameras import distortion
from genima.cameras.model import CameraModel
from genima.robots.kinematics import link_poses
from genima.robots.profile import RobotProfile
from genima.robots.transforms import inverse

Floats = NDArray[np.float64]
KINDS = ('eye_to_hand', 'eye_in_hand')
REACH_RAD = 0.6  # of each joint around home
DISTANCE_M = {'eye_to_hand': 0.7, 'eye_in_hand': 0.45}  # of the board at home, through a lens of FOCAL_PX
FOCAL_PX = 600.0  # a wider lens beside the arm stands nearer, or the board would be too small to be found
NEAR_M, FAR_M = 0.25, 1.2
LARGEST_TILT_RAD = 1.0
BORDER_PX = 6.0
PAPER_PX_PER_SQUARE = 60
SUPERSAMPLING = 3
RAY_STEP_PX = 4
TABLE = 110  # grey around the paper


@dataclass(frozen=True, eq=False)
class Rig:
    """A camera, a board and an arm.

    Attributes:
        profile: the arm.
        board: the board.
        camera: the camera.
        parent_link: that carries the camera; the base or the hand.
        other_link: that carries the board; the other one.
        T_parent_camera: (4, 4).
        T_other_board: (4, 4).
    """

    profile: RobotProfile
    board: Board
    camera: CameraModel
    parent_link: str
    other_link: str
    T_parent_camera: Floats
    T_other_board: Floats

    def arm_poses(self, q_rad: Floats) -> Floats:
        """Return T_parent_other (..., 4, 4) for joint positions (..., n)."""
        poses = link_poses(self.profile, q_rad)
        return inverse(np.asarray(poses[self.parent_link])) @ np.asarray(poses[self.other_link])

    def board_poses(self, q_rad: Floats) -> Floats:
        """Return T_camera_board (..., 4, 4) for joint positions (..., n)."""
        return predicted(self.T_parent_camera, self.arm_poses(q_rad), self.T_other_board)


def make_rig(
    kind: str, profile: RobotProfile, board: Board, camera: CameraModel, rng: np.random.Generator, hand: str = ''
) -> Rig:
    """Place a camera and a board so that the camera looks at the board when the arm is at home.

    Args:
        kind: 'eye_to_hand' or 'eye_in_hand'.
        profile: The arm.
        board: The board.
        camera: The camera.
        rng: Shifts and turns both a little.
        hand: Link of the hand; that of the tool centre point by default.
    """
    hand = hand or profile.gripper.tcp_link
    parent, other = (profile.base_link, hand) if kind == 'eye_to_hand' else (hand, profile.base_link)
    distance_m = DISTANCE_M[kind] * (min(1.0, camera.K[0, 0] / FOCAL_PX) if kind == 'eye_to_hand' else 1.0)
    home = link_poses(profile, profile.home_rad)
    T_base_hand = np.asarray(home[hand])
    if kind == 'eye_to_hand':
        to_hand = T_base_hand[:3, 3] + [0.0, 0.0, 0.05]
        X = _looking_at(to_hand + distance_m * np.array([0.8, 0.3, 0.5]), to_hand)
    else:
        X = np.eye(4)
        X[:3, 3] = [0.06, 0.0, -0.05]
    X = moved(X, rng.normal(0.0, np.repeat([0.02, 0.05], 3)))
    straight = np.eye(4)
    straight[:3, 3] = [-board.size_m[0] / 2, -board.size_m[1] / 2, distance_m]
    straight = moved(straight, rng.normal(0.0, np.repeat([0.02, 0.1], 3)))
    A = T_base_hand if kind == 'eye_to_hand' else inverse(T_base_hand)
    Y = inverse(A) @ X @ straight
    return Rig(profile, board, camera, parent, other, X, Y)


def random_joints(rig: Rig, poses: int, rng: np.random.Generator) -> Floats:
    """Return joint positions (poses, n) [rad] in which the camera sees the whole board well enough to find it."""
    limits, found = rig.profile.limits, np.zeros((0, rig.profile.n_joints))
    while len(found) < poses:
        q = rig.profile.home_rad + rng.uniform(-REACH_RAD, REACH_RAD, (400, rig.profile.n_joints))
        q = np.clip(q, limits.position_min_rad, limits.position_max_rad)
        found = np.concatenate([found, q[_is_seen(rig, rig.board_poses(q))]])
    return found[:poses]


def sight(rig: Rig, q_rad: Floats, noise_px: float, rng: np.random.Generator) -> list[View]:
    """Return what the camera sees in joint positions (m, n), with Gaussian noise on each pixel coordinate."""
    corners_m, views = rig.board.corners_m(), []
    for index, (A, T) in enumerate(zip(rig.arm_poses(q_rad), rig.board_poses(q_rad), strict=True)):
        pixels, _ = rig.camera.project(corners_m @ T[:3, :3].T + T[:3, 3])
        seen = np.flatnonzero(np.isfinite(pixels).all(axis=1))
        sighting = Sighting(seen, pixels[seen] + rng.normal(0.0, noise_px, (len(seen), 2)))
        views.append(View(f'{index:03d}', sighting, A))
    return views


def lens_sightings(
    board: Board, camera: CameraModel, pictures: int, noise_px: float, rng: np.random.Generator
) -> dict[str, Sighting]:
    """Return what a camera sees of a board that is shown all over the picture, tilted, near and far."""
    corners_m = board.corners_m()
    shown: dict[str, Sighting] = {}
    while len(shown) < pictures:
        T = random_view(board, camera, rng)
        pixels, _ = camera.project(corners_m @ T[:3, :3].T + T[:3, 3])
        with np.errstate(invalid='ignore'):
            inside = ((pixels > 0) & (pixels < [camera.width_px - 1, camera.height_px - 1])).all(axis=1)
        seen = np.flatnonzero(inside)
        if len(seen) >= len(corners_m) / 2:
            noisy = pixels[seen] + rng.normal(0.0, noise_px, (len(seen), 2))
            shown[f'{len(shown):03d}'] = Sighting(seen, noisy)
    return shown


def random_view(board: Board, camera: CameraModel, rng: np.random.Generator) -> Floats:
    """Return a pose (4, 4) of a board whose middle is somewhere in the picture."""
    pixel = rng.uniform(0.125, 0.875, 2) * [camera.width_px, camera.height_px]
    flat = (pixel - camera.K[:2, 2]) / camera.K[[0, 1], [0, 1]]
    ray = distortion.to_rays(camera.model, camera.D, flat[None])[0]
    size_m = max(board.size_m)
    focal_px = float(camera.K[0, 0])
    distance_m = size_m * focal_px / (camera.width_px * rng.uniform(0.3, 0.8))
    turn = Rotation.from_euler('xyz', rng.uniform(-0.7, 0.7, 3)).as_matrix()
    T = np.eye(4)
    T[:3, :3] = _facing(ray) @ turn
    T[:3, 3] = ray * distance_m - T[:3, :2] @ np.array(board.size_m) / 2
    return T


def picture(board: Board, camera: CameraModel, T_camera_board: Floats) -> NDArray[np.uint8]:
    """Return what a camera sees of a board on a grey table: RGB (height, width, 3), uint8, through its own lens."""
    margin_m = board.square_m / 2
    px_per_m = PAPER_PX_PER_SQUARE / board.square_m
    paper = board_pixels(board, px_per_m, margin_m)
    normal, origin = T_camera_board[:3, 2], T_camera_board[:3, 3]
    rays = _fine_rays(camera)
    with np.errstate(all='ignore'):
        depth = (normal @ origin) / (rays @ normal)
        on_board = (rays * depth[..., None] - origin) @ T_camera_board[:3, :2]
    hit = np.isfinite(depth) & (depth > 0)
    # pixel (0, 0) of the paper has its centre at half a pixel from its border
    place = np.where(hit[..., None], (on_board + margin_m) * px_per_m - 0.5, -1e4).astype(np.float32)
    grey = cv2.remap(
        paper, place[..., 0], place[..., 1], cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT, borderValue=TABLE
    )
    small = cv2.resize(grey, (camera.width_px, camera.height_px), interpolation=cv2.INTER_AREA)
    return np.repeat(small[..., None], 3, axis=2)


def _looking_at(eye_m: Sequence[float] | Floats, target_m: Floats) -> Floats:
    """Return the pose (4, 4) of an optical frame that looks at a point, with the image upright."""
    forward = np.asarray(target_m) - eye_m
    forward = forward / np.linalg.norm(forward)
    right = np.cross(forward, [0.0, 0.0, 1.0])
    right /= np.linalg.norm(right)
    T = np.eye(4)
    T[:3, :3] = np.stack([right, np.cross(forward, right), forward], axis=1)
    T[:3, 3] = eye_m
    return T


def _fine_rays(camera: CameraModel) -> Floats:
    """Return rays (SUPERSAMPLING height, SUPERSAMPLING width, 3); some are exact, the rest lie between them."""
    exact, between = [], []
    for size_px, focal_px, centre_px in zip(
        (camera.width_px, camera.height_px), camera.K[[0, 1], [0, 1]], camera.K[:2, 2], strict=True
    ):
        exact.append((np.arange(-RAY_STEP_PX, size_px + 2 * RAY_STEP_PX, RAY_STEP_PX) - centre_px) / focal_px)
        fine_px = (np.arange(SUPERSAMPLING * size_px) + 0.5) / SUPERSAMPLING - 0.5
        between.append(np.divmod(fine_px / RAY_STEP_PX + 1, 1))
    rays = distortion.to_rays(camera.model, camera.D, np.stack(np.meshgrid(*exact), axis=-1))
    for axis, (place, share) in zip((1, 0), between, strict=True):
        share = share.reshape((-1, 1, 1) if axis == 0 else (1, -1, 1))
        index = place.astype(int)
        rays = np.take(rays, index, axis) * (1 - share) + np.take(rays, index + 1, axis) * share
    return rays


def _facing(ray: Floats) -> Floats:
    """Return the rotation (3, 3) of a board that is seen straight in the direction of a ray."""
    right = np.cross([0.0, 1.0, 0.0], ray)
    right /= np.linalg.norm(right)
    return np.stack([right, np.cross(ray, right), ray], axis=1)


def _is_seen(rig: Rig, T_camera_board: Floats) -> NDArray[np.bool_]:
    """Return for each pose (m, 4, 4) whether the whole board is in the picture, near enough and not too tilted."""
    width, height = rig.board.size_m
    outline = np.array([[0, 0, 0], [width, 0, 0], [0, height, 0], [width, height, 0]])
    points = np.einsum('mij,kj->mki', T_camera_board[:, :3, :3], outline) + T_camera_board[:, None, :3, 3]
    pixels, depth = rig.camera.project(points)
    size = np.array([rig.camera.width_px, rig.camera.height_px])
    with np.errstate(invalid='ignore'):
        inside = ((pixels > BORDER_PX) & (pixels < size - BORDER_PX)).all(axis=(1, 2))
    centre = points.mean(axis=1)
    distance = np.linalg.norm(centre, axis=1)
    facing = np.einsum('mi,mi->m', T_camera_board[:, :3, 2], centre) / distance > np.cos(LARGEST_TILT_RAD)
    return inside & facing & (depth > 0).all(axis=1) & (distance > NEAR_M) & (distance < FAR_M)
