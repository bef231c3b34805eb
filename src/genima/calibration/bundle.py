# SPDX-License-Identifier: Apache-2.0
"""One bundle adjustment of a hand-eye calibration: camera mount, board mount and, if wanted, the intrinsics.

The model, for a camera on the link `parent` and a board on the link `other`: a corner b of the board is at
`inv(T_parent_camera) @ T_parent_other @ T_other_board @ b` in the camera. The arm tells T_parent_other for each picture,
and is believed: what its joints and links are off goes into the residuals, and the covariance knows it only from there.
Eye-to-hand and eye-in-hand are the same formula: the camera's link is the base or the hand, the board's link the other one.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import least_squares

from genima.calibration.poses import rms
from genima.calibration.problem import LensPrior, Problem, View
from genima.cameras.model import CameraModel
from genima.errors import CalibrationError

Floats = NDArray[np.float64]
ROUNDS = 3  # of linearising anew; the last one sits at the optimum
SETTLED = 1e-6  # a further round moves less than this [m, rad]


@dataclass(frozen=True, eq=False)
class Fit:
    """What the adjustment found.

    Attributes:
        camera: intrinsics, adjusted if that was wanted.
        T_parent_camera: (4, 4) pose of the camera.
        T_other_board: (4, 4) pose of the board.
        residuals_px: one array (n, 2) per view.
        covariance: (6, 6) of the camera's pose: translation [m] and rotation vector [rad], both along the axes of the
            parent link. The pose that is true is `R = exp(r) @ R_found`, `t = t_found + d`, with (d, r) of this covariance.
        free: degrees of freedom of the residuals.
    """

    camera: CameraModel
    T_parent_camera: Floats
    T_other_board: Floats
    residuals_px: tuple[Floats, ...]
    covariance: Floats
    free: int

    @property
    def rms_px(self) -> float:
        """Root mean square distance between seen and predicted corners."""
        return rms(np.concatenate(self.residuals_px))


def adjust(
    corners_m: Floats,
    views: Sequence[View],
    camera: CameraModel,
    T_parent_camera: Floats,
    T_other_board: Floats,
    refine_intrinsics: bool,
    prior: LensPrior | None = None,
    robust: bool = False,
) -> Fit:
    """Adjust everything to all corners at once, by Levenberg and Marquardt.

    Args:
        corners_m: (k, 3) corners of the board.
        views: At least three.
        camera: Intrinsics to begin with, or to keep.
        T_parent_camera: (4, 4) to begin with.
        T_other_board: (4, 4) to begin with.
        refine_intrinsics: Adjust the intrinsics as well; their uncertainty is then part of the covariance.
        prior: What is known of the intrinsics; it counts as much as the pictures that it came from.
        robust: Give corners that are far off less weight, for a first look.

    Raises:
        CalibrationError: if the pictures do not determine the poses, or the adjustment goes astray.
    """
    X, Y = T_parent_camera, T_other_board
    for _ in range(ROUNDS):
        problem = Problem(corners_m, views, camera, X, Y, refine_intrinsics, prior)
        result = _solve(problem, robust)
        camera, X, Y = problem.unpack(result)
        if np.abs(result[:12]).max() < SETTLED:
            break
    problem = Problem(corners_m, views, camera, X, Y, refine_intrinsics, prior)
    still = np.zeros(problem.size)
    residuals = problem.residuals(still)
    covariance, free = _covariance(problem.jacobian(still), residuals)
    parts = tuple(np.split(problem.corner_residuals(still), problem.ends))
    return Fit(camera, X, Y, parts, covariance, free)


def _solve(problem: Problem, robust: bool) -> Floats:
    loss = {'loss': 'soft_l1', 'f_scale': 1.0} if robust else {}
    try:
        result = least_squares(
            problem.residuals, np.zeros(problem.size), problem.jacobian, x_scale='jac', xtol=1e-12, max_nfev=60, **loss
        )
    except (ValueError, CalibrationError) as error:  # not finite, or a focal length below zero
        raise CalibrationError(
            f'the adjustment went astray ({error}); check the board, the joints and the intrinsics that it began with'
        ) from error
    return result.x


def _covariance(J: Floats, residuals: Floats) -> tuple[Floats, int]:
    """Return the covariance (6, 6) of the camera's pose and the degrees of freedom; Triggs et al. 2000, section 10."""
    free = len(residuals) - J.shape[1]
    scale = np.linalg.norm(J, axis=0)
    scale[scale == 0] = 1.0
    _, values, directions = np.linalg.svd(J / scale, full_matrices=False)
    if free < 1 or values[-1] < 1e-9 * values[0]:
        raise CalibrationError(
            f'{len(residuals) // 2} corners do not determine {J.shape[1]} unknowns; take pictures with the arm turned '
            'about other axes, and nearer and farther'
        )
    spread = (directions / values[:, None]).T / scale[:, None]
    return (spread @ spread.T)[:6, :6] * float(residuals @ residuals) / free, free
