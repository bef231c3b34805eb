# SPDX-License-Identifier: Apache-2.0
"""Hand-eye calibration: from pictures of a board with joint positions to the pose of the camera and what it is worth."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.stats import f as f_distribution

from genima.calibration.bundle import Fit, adjust
from genima.calibration.lens import board_pose, project_with_derivatives
from genima.calibration.poses import difference, predicted, rms
from genima.calibration.problem import LensPrior, View
from genima.calibration.solvers import first_guess
from genima.cameras.model import CameraModel
from genima.errors import CalibrationError

Floats = NDArray[np.float64]
NAN = float('nan')
OUTLIER_FACTOR = 3.0  # times the median of the views
OUTLIER_PX = 1.0  # and at least this
KEEP_SHARE = 0.6  # fewer good views than this: it is not the views that are bad
FOLDS = 5
SPLITS = 5
MIN_FOR_SPLITS = 10  # halves of fewer views say more about the halves than about the calibration


@dataclass(frozen=True)
class HeldOut:
    """How well pictures are predicted that the calibration has not seen; root mean squares.

    Attributes:
        px: corners.
        mm: centre of the board, against its pose from that picture alone.
        deg: orientation of the board, likewise.
    """

    px: float
    mm: float
    deg: float


@dataclass(frozen=True)
class Spread:
    """Median difference of the camera's pose between calibrations with one half of the pictures and the other."""

    mm: float
    deg: float


@dataclass(frozen=True, eq=False)
class HandEye:
    """A finished hand-eye calibration.

    Attributes:
        fit: the poses and their covariance.
        solver: whose answer the adjustment began with.
        views: that were used.
        rejected: name of each view that was not used, and why.
        held_out: error on views that were left out, in turns.
        spread: between halves; None with fewer than ten views.
    """

    fit: Fit
    solver: str
    views: tuple[View, ...]
    rejected: dict[str, str]
    held_out: HeldOut
    spread: Spread | None


def calibrate_hand_eye(
    corners_m: Floats,
    views: Sequence[View],
    camera: CameraModel,
    refine_intrinsics: bool = True,
    prior: LensPrior | None = None,
    seed: int = 0,
) -> HandEye:
    """Find the pose of a camera from pictures of a board, and what it is worth.

    Args:
        corners_m: (k, 3) corners of the board.
        views: Pictures with where the arm was.
        camera: Intrinsics to begin with, or to keep.
        refine_intrinsics: Adjust the intrinsics to these pictures as well. Without it the covariance takes them as exact.
        prior: What is known of the intrinsics, `Intrinsics.prior`; without it these pictures alone determine them.
        seed: Of the random halves.

    Raises:
        CalibrationError: if the views are too few, too alike, or do not fit each other.
    """
    found = fit_hand_eye(corners_m, views, camera, refine_intrinsics, prior)
    held_out = _held_out(corners_m, found.views, found.fit)
    spread = _spread(corners_m, found.views, found.fit, seed) if len(found.views) >= MIN_FOR_SPLITS else None
    return replace(found, held_out=held_out, spread=spread)


def fit_hand_eye(
    corners_m: Floats, views: Sequence[View], camera: CameraModel, refine_intrinsics: bool, prior: LensPrior | None
) -> HandEye:
    """Do the same as `calibrate_hand_eye`, without the errors on views that are left out."""
    X, Y, solver = first_guess(corners_m, views, camera)
    # far-off views must not bend the lens while they are looked for
    look = adjust(corners_m, views, camera, X, Y, refine_intrinsics=False, robust=True)
    kept, rejected = _without_outliers(views, look.residuals_px)
    fit = adjust(corners_m, kept, camera, look.T_parent_camera, look.T_other_board, refine_intrinsics, prior)
    kept, late = _without_outliers(kept, fit.residuals_px)
    if late:
        fit = adjust(corners_m, kept, fit.camera, fit.T_parent_camera, fit.T_other_board, refine_intrinsics, prior)
    return HandEye(fit, solver, tuple(kept), {**rejected, **late}, HeldOut(NAN, NAN, NAN), None)


def inside_region(T_true: Floats, fit: Fit, share: float = 0.95) -> bool:
    """Return whether a pose (4, 4) lies inside the region that holds the true one with probability `share`."""
    d = difference(fit.T_parent_camera, T_true)
    return float(d @ np.linalg.solve(fit.covariance, d)) <= 6 * f_distribution.ppf(share, 6, fit.free)


def half_widths(covariance: Floats) -> tuple[float, float]:
    """Return two standard deviations of a pose in its worst directions, in mm and degrees."""
    worst = [np.sqrt(np.linalg.eigvalsh(part)[-1]) for part in (covariance[:3, :3], covariance[3:, 3:])]
    return float(2e3 * worst[0]), float(2 * np.degrees(worst[1]))


def _without_outliers(views: Sequence[View], residuals_px: Sequence[Floats]) -> tuple[list[View], dict[str, str]]:
    errors = np.array([rms(part) for part in residuals_px])
    middle = float(np.median(errors))
    limit = max(OUTLIER_FACTOR * middle, OUTLIER_PX)
    kept = [view for view, error in zip(views, errors, strict=True) if error <= limit]
    if len(kept) < KEEP_SHARE * len(views):
        raise CalibrationError(
            f'only {len(kept)} of {len(views)} pictures fit each other (median error {middle:.1f} px); is it the right '
            'board, is it fixed to the right link, and is the robot profile the right one?'
        )
    rejected = {
        view.name: f'{error:.1f} px from where the other pictures put the board (their median is {middle:.2f} px); '
        'was the arm still moving, or did the board slip?'
        for view, error in zip(views, errors, strict=True)
        if error > limit
    }
    return kept, rejected


def _held_out(corners_m: Floats, views: Sequence[View], fit: Fit) -> HeldOut:
    """Leave out each view once; the intrinsics are those of all views."""
    centre = np.append(corners_m.mean(axis=0), 1.0)
    px, mm, deg = [], [], []
    folds = min(FOLDS, len(views))
    for fold in range(folds):
        rest = [view for index, view in enumerate(views) if index % folds != fold]
        part = adjust(corners_m, rest, fit.camera, fit.T_parent_camera, fit.T_other_board, refine_intrinsics=False)
        for view in views[fold::folds]:
            T = predicted(part.T_parent_camera, view.T_parent_other, part.T_other_board)
            corners = corners_m[view.sighting.ids]
            shown = project_with_derivatives(fit.camera, corners @ T[:3, :3].T + T[:3, 3])[0]
            seen, _ = board_pose(fit.camera, corners, view.sighting.pixels)
            px.append(shown - view.sighting.pixels)
            mm.append(1e3 * np.linalg.norm((T - seen) @ centre))
            deg.append(np.degrees(np.linalg.norm(difference(seen, T)[3:])))
    return HeldOut(rms(np.concatenate(px)), float(np.sqrt(np.mean(np.square(mm)))), float(np.sqrt(np.mean(np.square(deg)))))


def _spread(corners_m: Floats, views: Sequence[View], fit: Fit, seed: int) -> Spread:
    """Calibrate with random halves; the intrinsics are those of all views."""
    rng = np.random.default_rng(seed)
    mm, deg = [], []
    for _ in range(SPLITS):
        order = rng.permutation(len(views))
        halves = (order[: len(views) // 2], order[len(views) // 2 :])
        one, other = (
            adjust(corners_m, [views[i] for i in half], fit.camera, fit.T_parent_camera, fit.T_other_board, False)
            for half in halves
        )
        change = difference(one.T_parent_camera, other.T_parent_camera)
        mm.append(1e3 * np.linalg.norm(change[:3]))
        deg.append(np.degrees(np.linalg.norm(change[3:])))
    return Spread(float(np.median(mm)), float(np.median(deg)))
