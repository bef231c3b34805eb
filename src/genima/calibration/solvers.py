# SPDX-License-Identifier: Apache-2.0
"""Where a hand-eye calibration begins: OpenCV's closed-form solvers, and the answer that fits the pictures best."""

from collections.abc import Iterator, Sequence

import cv2
import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.spatial.transform import Rotation

from genima.calibration.lens import board_pose, project_with_derivatives
from genima.calibration.poses import predicted, rms
from genima.calibration.problem import View
from genima.cameras.model import CameraModel
from genima.errors import CalibrationError
from genima.robots.transforms import inverse

Floats = NDArray[np.float64]
HAND_EYE = {
    'Park': cv2.CALIB_HAND_EYE_PARK,
    'Horaud': cv2.CALIB_HAND_EYE_HORAUD,
    'Tsai': cv2.CALIB_HAND_EYE_TSAI,
    'Daniilidis': cv2.CALIB_HAND_EYE_DANIILIDIS,
}
ROBOT_WORLD = {'Shah': cv2.CALIB_ROBOT_WORLD_HAND_EYE_SHAH, 'Li': cv2.CALIB_ROBOT_WORLD_HAND_EYE_LI}
MIN_VIEWS = 3


def first_guess(corners_m: Floats, views: Sequence[View], camera: CameraModel) -> tuple[Floats, Floats, str]:
    """Return T_parent_camera, T_other_board and the name of the solver whose answer has the lowest reprojection error.

    Args:
        corners_m: (k, 3) corners of the board.
        views: At least three, in different poses.
        camera: Intrinsics.

    Raises:
        CalibrationError: if there are too few views, or no solver has an answer.
    """
    if len(views) < MIN_VIEWS:
        raise CalibrationError(f'{len(views)} usable pictures; at least {MIN_VIEWS} are needed, and 15 to 25 are good')
    T_camera_board = np.stack([board_pose(camera, corners_m[v.sighting.ids], v.sighting.pixels)[0] for v in views])
    T_parent_other = np.stack([view.T_parent_other for view in views])
    rated = [
        (_error_px(corners_m, views, camera, X, Y), name, X, Y)
        for name, X, Y in _answers(T_camera_board, T_parent_other)
        if np.isfinite(X).all() and np.isfinite(Y).all()
    ]
    if not rated or not np.isfinite(min(error for error, *_ in rated)):
        raise CalibrationError(
            'no hand-eye solver found an answer; turn the arm about at least two different axes between the pictures'
        )
    _, name, X, Y = min(rated, key=lambda answer: answer[0])
    return X, Y, name


def _answers(T_camera_board: Floats, T_parent_other: Floats) -> Iterator[tuple[str, Floats, Floats]]:
    """Yield the answers (T_parent_camera, T_other_board) of all solvers that have one."""
    T_other_parent = inverse(T_parent_other)
    for name, method in HAND_EYE.items():
        # with "base" for the board's link and "gripper" for the camera's link
        try:
            R, t = cv2.calibrateHandEye(*_parts(T_other_parent), *_parts(T_camera_board), method=method)
        except cv2.error:
            continue
        X = _pose(R, t)
        yield name, X, _mean_pose(T_other_parent @ X @ T_camera_board)
    for name, method in ROBOT_WORLD.items():
        # with "world" for the board, "base" for its link and "gripper" for the camera's link
        try:
            solution = cv2.calibrateRobotWorldHandEye(*_parts(T_camera_board), *_parts(T_parent_other), method=method)
        except cv2.error:
            continue
        R_board_other, t_board_other, R_camera_parent, t_camera_parent = solution
        yield name, inverse(_pose(R_camera_parent, t_camera_parent)), inverse(_pose(R_board_other, t_board_other))


def _error_px(corners_m: Floats, views: Sequence[View], camera: CameraModel, X: Floats, Y: Floats) -> float:
    errors = []
    for view in views:
        T = predicted(X, view.T_parent_other, Y)
        points = corners_m[view.sighting.ids] @ T[:3, :3].T + T[:3, 3]
        if (points[:, 2] <= 0).any():
            return float('inf')
        errors.append(project_with_derivatives(camera, points)[0] - view.sighting.pixels)
    return rms(np.concatenate(errors))


def _parts(T: Floats) -> tuple[list[Floats], list[Floats]]:
    return [one[:3, :3] for one in T], [one[:3, 3] for one in T]


def _pose(rotation: ArrayLike, t: ArrayLike) -> Floats:
    """Return a pose; a solver's rotation is made exact."""
    T, R = np.eye(4), np.asarray(rotation, dtype=np.float64)
    if np.isfinite(R).all():
        u, _, v = np.linalg.svd(R)
        R = u @ np.diag([1.0, 1.0, float(np.linalg.det(u @ v))]) @ v
    T[:3, :3], T[:3, 3] = R, np.ravel(t)
    return T


def _mean_pose(T: Floats) -> Floats:
    mean = np.eye(4)
    if not np.isfinite(T).all():
        return np.full((4, 4), np.nan)
    mean[:3, :3] = Rotation.from_matrix(T[:, :3, :3]).mean().as_matrix()
    mean[:3, 3] = T[:, :3, 3].mean(axis=0)
    return mean
