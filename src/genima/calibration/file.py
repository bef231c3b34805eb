# SPDX-License-Identifier: Apache-2.0
"""The calibration of one camera as a file: YAML that ROS's camera_info tools read, and more under `genima`.

The top level is the format of ROS's camera_calibration_parsers (image_common, parse_yml.cpp), so a camera driver can take
the file as its `camera_info_url`. Everything else is one mapping, `genima`, which those tools ignore.
"""

import hashlib
import json
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import numpy as np
import yaml
from numpy.typing import NDArray

from genima.calibration.camera_info import camera_info_from_dict, camera_info_to_dict, read_yaml
from genima.cameras.distortion import COEFFICIENTS
from genima.cameras.model import CameraModel, MountedCamera
from genima.errors import CalibrationError
from genima.files import write_atomic

SECTION = 'genima'
VERSION = 1
KINDS = ('eye_to_hand', 'eye_in_hand', 'imported')
NAN = float('nan')


@dataclass(frozen=True, eq=False)
class Residuals:
    """What was measured of a calibration; NaN where it was not.

    Attributes:
        reprojection_px: root mean square distance of corners from where they are predicted, pictures that were used.
        held_out_px: the same, pictures that were not used.
        held_out_mm: pose of the board in pictures that were not used, against these pictures alone.
        held_out_deg: likewise, orientation.
        spread_mm: difference between calibrations with one half of the pictures and the other.
        spread_deg: likewise, orientation.
        covariance: (6, 6) of the camera's pose: translation [m] and rotation vector [rad] along the axes of its parent link.
    """

    reprojection_px: float = NAN
    held_out_px: float = NAN
    held_out_mm: float = NAN
    held_out_deg: float = NAN
    spread_mm: float = NAN
    spread_deg: float = NAN
    covariance: NDArray[np.float64] = field(default_factory=lambda: np.full((6, 6), NAN))


@dataclass(frozen=True, eq=False)
class CameraCalibration:
    """The calibration of one camera.

    Attributes:
        camera: intrinsics and pose on its parent link.
        date: ISO 8601, UTC.
        residuals: what was measured.
        poses: pictures that were used.
        kind: 'eye_to_hand', 'eye_in_hand' or 'imported'.
        hardware: camera model, if known.
        serial: serial number, if known.
        board: the board's `Board.text`, if known.
        robot: name of the robot profile, if known.

    Raises:
        CalibrationError: if a field makes no sense.
    """

    camera: MountedCamera
    date: str
    residuals: Residuals = field(default_factory=Residuals)
    poses: int = 0
    kind: str = 'imported'
    hardware: str = ''
    serial: str = ''
    board: str = ''
    robot: str = ''

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise CalibrationError(f"camera '{self.name}': calibration of kind {self.kind!r}; allowed: {', '.join(KINDS)}")
        parse_date(self.date)

    @property
    def name(self) -> str:
        """Name of the camera."""
        return self.camera.model.name

    @property
    def id(self) -> str:
        """Twelve hex digits that change with the intrinsics, the pose, the date and the camera."""
        model, T = self.camera.model, self.camera.T_parent_camera
        numbers = [(values + 0.0).tolist() for values in (model.K, model.D, T)]  # -0.0 is 0.0
        names = [model.name, model.width_px, model.height_px, model.model, self.camera.parent_link]
        content = [numbers, names, self.date, self.hardware, self.serial]
        return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:12]

    def age_days(self, now: datetime | None = None) -> float:
        """Return the days since the calibration."""
        return ((now or datetime.now(timezone.utc)) - parse_date(self.date)).total_seconds() / 86400


def now_text() -> str:
    """Return this moment as calibration files write it."""
    return datetime.now(timezone.utc).strftime('%Y-%m-%dT%H:%M:%SZ')


def parse_date(text: str) -> datetime:
    """Return the moment that a calibration file names.

    Raises:
        CalibrationError: if it is not ISO 8601 with a time zone.
    """
    try:
        moment = datetime.fromisoformat(text.replace('Z', '+00:00'))
    except (ValueError, AttributeError, TypeError) as error:
        raise CalibrationError(f'date {text!r}: expected ISO 8601, 2026-05-01T12:00:00Z for example') from error
    if moment.tzinfo is None:
        raise CalibrationError(f'date {text!r} has no time zone; write UTC, 2026-05-01T12:00:00Z for example')
    return moment


def write_calibration(path: Path | str, calibration: CameraCalibration) -> None:
    """Write the YAML file of one camera, atomically."""
    residuals = {name: _number(value) for name, value in asdict(calibration.residuals).items() if name != 'covariance'}
    covariance = calibration.residuals.covariance
    section = {
        'version': VERSION,
        'id': calibration.id,
        'date': calibration.date,
        'kind': calibration.kind,
        'poses': calibration.poses,
        'hardware': calibration.hardware,
        'serial': calibration.serial,
        'board': calibration.board,
        'robot': calibration.robot,
        'parent_link': calibration.camera.parent_link,
        'T_parent_camera': calibration.camera.T_parent_camera.tolist(),
        'lens': calibration.camera.model.model,
        'residuals': residuals,
        'covariance': covariance.tolist() if np.isfinite(covariance).all() else None,
    }
    write_file(path, calibration.camera.model, section)


def write_file(path: Path | str, camera: CameraModel, section: dict[str, Any]) -> None:
    """Write a camera_info file with our section."""
    data = {**camera_info_to_dict(camera), SECTION: section}
    write_atomic(path, yaml.safe_dump(data, sort_keys=False, default_flow_style=None, width=120))


def read_calibration(path: Path | str) -> CameraCalibration:
    """Read the YAML file of one camera.

    Raises:
        CalibrationError: if it is missing, damaged, of another version, changed by hand, or says nothing of the pose.
    """
    data = read_yaml(path)
    model = camera_info_from_dict(data, str(path))
    section = data.get(SECTION)
    if not isinstance(section, dict) or 'T_parent_camera' not in section:
        raise CalibrationError(f'{path}: has intrinsics, but no pose of the camera; run genima calibrate hand-eye with it')
    if section.get('version') != VERSION:
        raise CalibrationError(f'{path}: version {section.get("version")}, this program reads {VERSION}; calibrate again')
    try:
        calibration = _from_section(model, section)
    except (KeyError, TypeError, ValueError) as error:
        raise CalibrationError(f'{path}: {error if isinstance(error, CalibrationError) else repr(error)}') from error
    if section.get('id') not in (None, calibration.id):
        raise CalibrationError(
            f'{path}: says that it is calibration {section["id"]}, its numbers are {calibration.id}: it was changed by '
            'hand; delete the line with its id if that was on purpose'
        )
    return calibration


def _from_section(model: CameraModel, section: dict[str, Any]) -> CameraCalibration:
    if section['lens'] != model.model:  # a lens whose coefficients are all zero is read as a pinhole
        model = replace(model, D=np.zeros(COEFFICIENTS[section['lens']]), model=section['lens'])
    numbers = {name: NAN if value is None else float(value) for name, value in section['residuals'].items()}
    covariance = np.full((6, 6), NAN) if section['covariance'] is None else np.array(section['covariance'], dtype=float)
    if covariance.shape != (6, 6):
        raise CalibrationError(f'covariance of shape {covariance.shape} instead of (6, 6)')
    return CameraCalibration(
        MountedCamera(model, section['parent_link'], np.array(section['T_parent_camera'], dtype=float)),
        str(section['date']),
        Residuals(**numbers, covariance=covariance),
        int(section['poses']),
        section['kind'],
        section['hardware'],
        section['serial'],
        section['board'],
        section['robot'],
    )


def _number(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None
