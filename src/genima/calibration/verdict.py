# SPDX-License-Identifier: Apache-2.0
"""Is a calibration good enough? Thresholds and plain sentences."""

from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np

from genima.calibration.camera_info import read_yaml
from genima.calibration.file import CameraCalibration, Residuals
from genima.calibration.hand_eye import half_widths
from genima.calibration.intrinsics import Intrinsics
from genima.errors import CalibrationError
from genima.files import config_dir

UNEXPLAINED = 3.0  # times two standard deviations; halves of the pictures are alone about one and a half


@dataclass(frozen=True)
class Thresholds:
    """What a calibration must keep; `config/calibration.yaml` says where the values come from.

    Attributes:
        reprojection_px: largest reprojection error of the pictures that were used.
        projection_px: largest error on pictures that were not used.
        translation_mm: largest error of the camera's place: held out, between halves, and two standard deviations.
        rotation_deg: likewise, of its orientation.
        demonstrations: remind after so many.
        age_days: remind after so many.
        poses: fewest pictures.
    """

    reprojection_px: float = 0.5
    projection_px: float = 2.0
    translation_mm: float = 5.0
    rotation_deg: float = 2.0
    demonstrations: float = 50
    age_days: float = 30.0
    poses: float = 10


@dataclass(frozen=True)
class Finding:
    """One sentence of a verdict, and whether what it says is good enough."""

    ok: bool
    text: str


def load_thresholds(path: Path | None = None) -> Thresholds:
    """Read thresholds; what a file does not name has its default.

    Args:
        path: YAML; that of the config folder by default.

    Raises:
        CalibrationError: if a name is unknown or a value is not a positive number.
    """
    path = path or config_dir() / 'calibration.yaml'
    data = read_yaml(path)
    allowed = [one.name for one in fields(Thresholds)]
    for name, value in data.items():
        if name not in allowed:
            raise CalibrationError(f'{path}: unknown threshold {name!r}; allowed: {", ".join(allowed)}')
        if isinstance(value, bool) or not isinstance(value, (int, float)) or not value > 0:
            raise CalibrationError(f'{path}: {name} is {value!r}; expected a positive number')
    return Thresholds(**data)


def judge(
    calibration: CameraCalibration, thresholds: Thresholds, demonstrations: int = 0, age_days: float | None = None
) -> list[Finding]:
    """Judge a calibration.

    Args:
        calibration: What is judged.
        thresholds: What it must keep.
        demonstrations: Recorded since it was made.
        age_days: Its age; by default, that of now.

    Returns:
        One finding per measure; good when all are ok. What was not measured is said and is not ok.
    """
    r, limit = calibration.residuals, thresholds
    found = [
        _compare(
            'reprojection error', r.reprojection_px, limit.reprojection_px, 'px', 'is the board flat, were pictures blurred?'
        ),
        _compare(
            'error on pictures that were not used', r.held_out_px, limit.projection_px, 'px', 'did the arm stand still?'
        ),
        _compare(
            'place of the board, held out', r.held_out_mm, limit.translation_mm, 'mm', 'take pictures nearer to the board'
        ),
        _compare('orientation of the board, held out', r.held_out_deg, limit.rotation_deg, 'degrees', 'show it more tilted'),
    ]
    if np.isfinite(r.covariance).all():
        mm, deg = half_widths(r.covariance)
        more = 'take more pictures, with the arm turned more'
        found.append(_compare("uncertainty of the camera's place (two sigma)", mm, limit.translation_mm, 'mm', more))
        found.append(
            _compare("uncertainty of the camera's orientation (two sigma)", deg, limit.rotation_deg, 'degrees', more)
        )
    if np.isfinite(r.spread_mm):
        why = 'the arm does not come back to where it was, or the board moved'
        found.append(
            _compare('place, one half of the pictures against the other', r.spread_mm, limit.translation_mm, 'mm', why)
        )
        found.append(_compare('orientation, likewise', r.spread_deg, limit.rotation_deg, 'degrees', why))
        found += _believable(r)
    enough = calibration.poses >= limit.poses
    found.append(Finding(enough, f'{calibration.poses} pictures, at least {limit.poses:.0f} wanted'))
    return found + _reminders(calibration, limit, demonstrations, age_days)


def _believable(residuals: Residuals) -> list[Finding]:
    """Say when the halves of the pictures differ by more than the covariance, which believes the arm, can explain."""
    if not np.isfinite(residuals.covariance).all():
        return []
    mm, _ = half_widths(residuals.covariance)
    if residuals.spread_mm < UNEXPLAINED * mm:
        return []
    text = (
        f'the halves differ by {residuals.spread_mm:.2f} mm where pixels alone explain {mm:.2f} mm: the arm is less exact '
        'than the pictures; believe the halves, not the uncertainty'
    )
    return [Finding(True, text)]


def judge_lens(lens: Intrinsics, thresholds: Thresholds) -> list[Finding]:
    """Judge the calibration of a lens; how sure it is of the middle of the picture is part of it."""
    sharp = 'hold board and camera still, light it well, glue it to something flat'
    sure_px = float(2 * np.sqrt(np.diag(lens.covariance)[2:4].max()))
    enough = len(lens.errors_px) >= thresholds.poses
    return [
        _compare('reprojection error', lens.reprojection_px, thresholds.reprojection_px, 'px', sharp),
        _compare('error on pictures that were not used', lens.held_out_px, thresholds.projection_px, 'px', sharp),
        _compare(
            'uncertainty of the optical centre (two sigma)', sure_px, 2 * thresholds.projection_px, 'px', 'show it tilted'
        ),
        Finding(enough, f'{len(lens.errors_px)} pictures, at least {thresholds.poses:.0f} wanted'),
    ]


def _reminders(
    calibration: CameraCalibration, limit: Thresholds, demonstrations: int, age_days: float | None
) -> list[Finding]:
    age = calibration.age_days() if age_days is None else age_days
    old, many = age > limit.age_days, demonstrations >= limit.demonstrations
    return [
        Finding(not old, f'{max(age, 0.0):.0f} days old' + (f': older than {limit.age_days:.0f}, calibrate again' * old)),
        Finding(
            not many,
            f'{demonstrations} demonstrations since' + f': calibrate again every {limit.demonstrations:.0f}' * many,
        ),
    ]


def _compare(what: str, value: float, limit: float, unit: str, remedy: str) -> Finding:
    if not np.isfinite(value):
        return Finding(False, f'{what}: not measured; allowed {limit:g} {unit}')
    ok = value < limit
    return Finding(ok, f'{what}: {value:.3g} {unit}, allowed {limit:g}' + ('' if ok else f'; {remedy}'))


def as_figures(findings: list[Finding]) -> dict[str, Any]:
    """Return a verdict for JSON."""
    return {'ok': all(one.ok for one in findings), 'findings': [{'ok': one.ok, 'text': one.text} for one in findings]}
