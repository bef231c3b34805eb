# SPDX-License-Identifier: Apache-2.0
"""Intrinsics of one camera from pictures of a board: OpenCV's calibration, without the pictures that do not fit."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from genima.calibration.detect import Sighting
from genima.calibration.lens import board_pose, lens_vector, project_with_derivatives
from genima.calibration.poses import rms
from genima.calibration.problem import LensPrior
from genima.cameras.model import CameraModel
from genima.errors import CalibrationError

Floats = NDArray[np.float64]
MODELS = ('plumb_bob', 'rational_polynomial', 'equidistant')
MIN_VIEWS = 4
MIN_CORNERS = 8
LINE_SHARE = 0.05  # corners whose width is less of their length are nearly in one line
OUTLIER_FACTOR, OUTLIER_PX = 3.0, 1.0
ROUNDS = 4
FOLDS = 4
PRECISE = (cv2.TERM_CRITERIA_EPS + cv2.TERM_CRITERIA_COUNT, 100, 1e-9)
FOCAL_GUESSES = (0.5, 0.35, 0.7, 1.0)  # of the image width, for a fisheye


@dataclass(frozen=True, eq=False)
class Intrinsics:
    """A finished calibration of a lens.

    Attributes:
        camera: the camera.
        covariance: (4 + k, 4 + k) of fx, fy, cx, cy [px] and the coefficients.
        noise_px: standard deviation of one coordinate of a corner.
        errors_px: root mean square reprojection error of each used view.
        rejected: name of each view that was not used, and why.
        reprojection_px: of all used views.
        held_out_px: of views that were left out in turns; only their poses were fitted.
    """

    camera: CameraModel
    covariance: Floats
    noise_px: float
    errors_px: dict[str, float]
    rejected: dict[str, str]
    reprojection_px: float
    held_out_px: float

    def prior(self) -> LensPrior:
        """Return what a hand-eye calibration needs to know of this one."""
        return LensPrior(lens_vector(self.camera), self.covariance, self.noise_px)


def calibrate_intrinsics(
    corners_m: Floats,
    sightings: Mapping[str, Sighting],
    size_px: tuple[int, int],
    model: str = 'plumb_bob',
    name: str = 'camera',
    hold_out: bool = True,
) -> Intrinsics:
    """Calibrate a lens.

    Args:
        corners_m: (k, 3) corners of the board.
        sightings: What each picture shows, by its name.
        size_px: Width and height of the pictures.
        model: 'plumb_bob', 'rational_polynomial' or 'equidistant' (fisheye).
        name: Of the camera.
        hold_out: Also calibrate without some views, for `held_out_px`.

    Raises:
        CalibrationError: if the model is unknown, too few views are left, or they do not determine the lens.
    """
    if model not in MODELS:
        raise CalibrationError(f'lens model {model!r}; allowed: {", ".join(MODELS)}')
    rejected = {view: reason for view, seen in sightings.items() if (reason := _unusable(seen))}
    used = {view: seen for view, seen in sightings.items() if view not in rejected}
    for _ in range(ROUNDS):
        camera = _calibrated(corners_m, used, size_px, model, name)
        errors = {view: _residuals(camera, corners_m, seen) for view, seen in used.items()}
        middle = float(np.median([rms(error) for error in errors.values()]))
        limit = max(OUTLIER_FACTOR * middle, OUTLIER_PX)
        bad = {view: rms(error) for view, error in errors.items() if rms(error) > limit}
        if not bad:
            break
        rejected |= {
            view: f'{error:.1f} px off, the others {middle:.2f} px: blurred, or the board was bent?'
            for view, error in bad.items()
        }
        used = {view: seen for view, seen in used.items() if view not in bad}
    covariance, noise_px = _covariance(camera, corners_m, used)
    held_out_px = _held_out(corners_m, used, size_px, model, name) if hold_out else float('nan')
    total_px = rms(np.concatenate(list(errors.values())))
    return Intrinsics(
        camera, covariance, noise_px, {view: rms(e) for view, e in errors.items()}, rejected, total_px, held_out_px
    )


def _unusable(sighting: Sighting) -> str | None:
    if len(sighting) < MIN_CORNERS:
        return f'{len(sighting)} corners of the board are seen, at least {MIN_CORNERS} are needed'
    length, width = np.linalg.svd(sighting.pixels - sighting.pixels.mean(axis=0), compute_uv=False)
    if width < LINE_SHARE * length:
        return 'the corners that are seen lie nearly in one line'
    return None


def _calibrated(
    corners_m: Floats, used: Mapping[str, Sighting], size_px: tuple[int, int], model: str, name: str
) -> CameraModel:
    if len(used) < MIN_VIEWS:
        raise CalibrationError(f'{len(used)} usable pictures of the board; at least {MIN_VIEWS} are needed, 20 are good')
    points = [corners_m[seen.ids].reshape(-1, 1, 3) for seen in used.values()]
    pixels = [seen.pixels.reshape(-1, 1, 2) for seen in used.values()]
    if model == 'equidistant':
        K, D = _fisheye(points, pixels, size_px)
    else:
        flags = cv2.CALIB_RATIONAL_MODEL if model == 'rational_polynomial' else 0
        as_floats = [[one.astype(np.float32) for one in many] for many in (points, pixels)]
        calibrate: Any = cv2.calibrateCamera  # its stubs do not know that it takes None
        _, K, D, _, _ = calibrate(*as_floats, size_px, None, None, flags=flags, criteria=PRECISE)
    count = 8 if model == 'rational_polynomial' else 5 if model == 'plumb_bob' else 4
    try:
        return CameraModel(name, *size_px, K, D.ravel()[:count], model)
    except CalibrationError as error:
        raise CalibrationError(f'the pictures do not determine the lens ({error}); show the board tilted as well') from error


def _fisheye(points: list[Floats], pixels: list[Floats], size_px: tuple[int, int]) -> tuple[Floats, Floats]:
    """Return K and D of the best answer; OpenCV's fisheye calibration depends on where it begins, and may fail."""
    best: tuple[float, Floats, Floats] | None = None
    flags = cv2.fisheye.CALIB_RECOMPUTE_EXTRINSIC | cv2.fisheye.CALIB_FIX_SKEW | cv2.fisheye.CALIB_USE_INTRINSIC_GUESS
    for share in FOCAL_GUESSES:
        focal_px = share * size_px[0]
        K = np.array([[focal_px, 0, (size_px[0] - 1) / 2], [0, focal_px, (size_px[1] - 1) / 2], [0, 0, 1]])
        try:
            error, K, D, _, _ = cv2.fisheye.calibrate(
                points, pixels, size_px, K, np.zeros((4, 1)), flags=flags, criteria=PRECISE
            )
        except cv2.error:
            continue
        if np.isfinite(error) and (best is None or error < 0.999 * best[0]):
            best = error, np.asarray(K, dtype=np.float64), np.asarray(D, dtype=np.float64)
        if best is not None and best[0] < 1.0:  # fits; another start would end at the same place
            break
    if best is None:
        raise CalibrationError(
            'OpenCV finds no fisheye lens that fits; are the pictures really from a fisheye, and is the board right? '
            'Otherwise take pictures with the board nearer to the middle as well'
        )
    return best[1], best[2]


def _residuals(camera: CameraModel, corners_m: Floats, seen: Sighting) -> Floats:
    return board_pose(camera, corners_m[seen.ids], seen.pixels)[1]


def _covariance(camera: CameraModel, corners_m: Floats, used: Mapping[str, Sighting]) -> tuple[Floats, float]:
    """Return the covariance of the lens when the pose of each view is unknown, and the noise of a coordinate [px]."""
    size = len(lens_vector(camera))
    information, squares, free = np.zeros((size, size)), 0.0, -size
    for seen in used.values():
        T, residuals = board_pose(camera, corners_m[seen.ids], seen.pixels)
        turned = corners_m[seen.ids] @ T[:3, :3].T
        _, by_point, by_lens = project_with_derivatives(camera, turned + T[:3, 3])
        by_turn = np.cross(turned[:, None, :], by_point)  # only their span counts
        by_pose = np.concatenate([by_point, by_turn], axis=2).reshape(-1, 6)
        J, (Q, _) = by_lens.reshape(-1, size), np.linalg.qr(by_pose)
        J = J - Q @ (Q.T @ J)
        information += J.T @ J
        squares += float(np.sum(residuals**2))
        free += residuals.size - 6
    scale = 1 / np.sqrt(np.maximum(np.diag(information), 1e-300))
    values, directions = np.linalg.eigh(information * np.outer(scale, scale))
    if free < 1 or values[0] < 1e-13 * values[-1]:
        raise CalibrationError(
            'the pictures do not determine the lens; show the board tilted, near, far, and in the corners'
        )
    spread = (directions / np.sqrt(values)) * scale[:, None]
    return spread @ spread.T * squares / free, float(np.sqrt(squares / free))


def _held_out(corners_m: Floats, used: Mapping[str, Sighting], size_px: tuple[int, int], model: str, name: str) -> float:
    """Return the error on views that the calibration has not seen, with the six numbers of each pose taken into account."""
    names = list(used)
    if len(names) < MIN_VIEWS + FOLDS:
        return float('nan')
    squares, free = 0.0, 0
    for fold in range(FOLDS):
        rest = {view: used[view] for index, view in enumerate(names) if index % FOLDS != fold}
        camera = _calibrated(corners_m, rest, size_px, model, name)
        for view in names[fold::FOLDS]:
            residuals = _residuals(camera, corners_m, used[view])
            squares += float(np.sum(residuals**2))
            free += residuals.size - 6
    return float(np.sqrt(2 * squares / free))
