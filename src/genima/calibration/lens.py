# SPDX-License-Identifier: Apache-2.0
"""Projection with its derivatives by OpenCV, the numbers of a lens as one vector, and the pose of a board from one picture.

OpenCV has the same models as `genima.cameras.distortion` (a test compares them), with analytic derivatives.
"""

from dataclasses import replace

import cv2
import numpy as np
from numpy.typing import NDArray

from genima.cameras.distortion import COEFFICIENTS
from genima.cameras.model import CameraModel
from genima.errors import CalibrationError

Floats = NDArray[np.float64]
ZERO = np.zeros(3)


def lens_vector(camera: CameraModel) -> Floats:
    """Return fx, fy, cx, cy [px] and all coefficients of the lens model, shape (4 + k,)."""
    missing = COEFFICIENTS[camera.model] - len(camera.D)
    return np.concatenate([camera.K[[0, 1, 0, 1], [0, 1, 2, 2]], camera.D, np.zeros(missing)])


def with_lens(camera: CameraModel, numbers: Floats) -> CameraModel:
    """Return the camera with the intrinsics of a `lens_vector`."""
    fx, fy, cx, cy = numbers[:4]
    return replace(camera, K=np.array([[fx, 0.0, cx], [0.0, fy, cy], [0.0, 0.0, 1.0]]), D=numbers[4:])


def project_with_derivatives(camera: CameraModel, points_m: Floats) -> tuple[Floats, Floats, Floats]:
    """Project points in front of the camera.

    Args:
        camera: Any model.
        points_m: (n, 3) in the optical frame.

    Returns:
        Pixels (n, 2), their derivatives by the point (n, 2, 3) and by the `lens_vector` (n, 2, 4 + k).
    """
    numbers = lens_vector(camera)
    count = len(numbers) - 4
    points = np.ascontiguousarray(points_m).reshape(-1, 1, 3)
    if camera.model == 'equidistant':
        pixels, J = cv2.fisheye.projectPoints(points, ZERO, ZERO, camera.K, numbers[4:])
        by_point, by_lens = J[:, 11:14], J[:, :8]  # f, c, k, rotation, translation, skew
    else:
        coefficients = numbers[4:] if count else np.zeros(5)
        pixels, J = cv2.projectPoints(points, ZERO, ZERO, camera.K, coefficients)
        by_point, by_lens = J[:, 3:6], J[:, 6 : 10 + count]  # rotation, translation, f, c, k
    shapes = ((pixels, (-1, 2)), (by_point, (-1, 2, 3)), (by_lens, (-1, 2, 4 + count)))
    shown, along, inner = (np.asarray(values, dtype=np.float64).reshape(shape) for values, shape in shapes)
    return shown, along, inner


def board_pose(camera: CameraModel, corners_m: Floats, pixels: Floats) -> tuple[Floats, Floats]:
    """Find the pose of a board from one picture.

    Args:
        camera: That took it.
        corners_m: (n, 3) corners in the board's frame, all with z = 0.
        pixels: (n, 2) where the picture shows them [px].

    Returns:
        T_camera_board (4, 4), and the distance of each corner from where this pose shows it (n, 2) [px].

    Raises:
        CalibrationError: if no pose is found.
    """
    rays = _normalised(camera, pixels)
    found, turns, shifts, _ = cv2.solvePnPGeneric(corners_m, rays, np.eye(3), None, flags=cv2.SOLVEPNP_IPPE)
    if not found or not np.isfinite(turns[0]).all():
        raise CalibrationError(f'no pose of the board fits the {len(pixels)} corners; are they in one line?')
    best = _polished(camera, corners_m, pixels, np.concatenate([turns[0].ravel(), shifts[0].ravel()]))
    T = np.eye(4)
    T[:3, :3], T[:3, 3] = cv2.Rodrigues(best[:3])[0], best[3:]
    return T, project_with_derivatives(camera, corners_m @ T[:3, :3].T + T[:3, 3])[0] - pixels


def _normalised(camera: CameraModel, pixels: Floats) -> Floats:
    """Return pixels (n, 2) as points (n, 2) at distance one of an ideal pinhole."""
    points, coefficients = pixels.reshape(-1, 1, 2).astype(np.float64), lens_vector(camera)[4:]
    if camera.model == 'equidistant':
        rays = cv2.fisheye.undistortPoints(points, camera.K, coefficients)
    else:
        rays = cv2.undistortPoints(points, camera.K, coefficients if len(coefficients) else None)
    return np.asarray(rays, dtype=np.float64).reshape(-1, 2)


def _polished(camera: CameraModel, corners_m: Floats, pixels: Floats, start: Floats) -> Floats:
    """Lower the distances in pixels, from a start (6,) rotation vector and translation [m]; Gauss and Newton."""
    pose = start
    for _ in range(10):
        R, by_turn = cv2.Rodrigues(pose[:3])
        points = corners_m @ R.T + pose[3:]
        shown, by_point, _ = project_with_derivatives(camera, points)
        # OpenCV gives the derivative of the matrix as (3, 9), row-major
        by_pose = np.concatenate(
            [np.einsum('aij,nj->nia', by_turn.reshape(3, 3, 3), corners_m), np.tile(np.eye(3), (len(points), 1, 1))], axis=2
        )
        J = (by_point @ by_pose).reshape(-1, 6)
        step = np.linalg.lstsq(J, (pixels - shown).ravel(), rcond=None)[0]
        pose = pose + step
        if np.abs(step).max() < 1e-10:
            break
    return pose
