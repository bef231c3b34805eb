# SPDX-License-Identifier: Apache-2.0
"""The reference of a camera: a picture, taken when the camera was where its calibration says, and what was known then.

Two files per camera in one folder: `<camera>.png`, and `<camera>.json` with the calibration, joints, date, and the
SHA-256 of the picture, so that two files that do not belong together are refused.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path

import cv2
import numpy as np

from genima.borders.files import read_bytes
from genima.borders.texts import read_json
from genima.camera_checks.pictures import Sight
from genima.cameras.image_file import decode_rgb
from genima.cameras.model import MountedCamera
from genima.errors import CalibrationError, GenimaError
from genima.files import write_atomic

SHIFT_M, TURN_RAD, INTRINSICS_PX = 5e-4, 1e-3, 0.5


@dataclass(frozen=True, eq=False)
class Reference:
    """A sight that others are compared with.

    Attributes:
        sight: the picture, the calibration that was live, and where the arm was.
        robot: name of the robot's profile.
        taken_at: UTC date and time, ISO 8601.
    """

    sight: Sight
    robot: str
    taken_at: str

    @classmethod
    def of(cls, sight: Sight, robot: str) -> 'Reference':
        """Make a sight the reference from now on."""
        return cls(sight, robot, datetime.now(timezone.utc).isoformat(timespec='seconds'))

    def other_calibration(self, live: MountedCamera) -> str | None:
        """Return in words how a live calibration differs from that of the reference; None if it does not."""
        known = self.sight.camera
        if live.parent_link != known.parent_link:
            return f'the camera is on {live.parent_link}, the reference was taken on {known.parent_link}'
        shift_m = float(np.linalg.norm(live.T_parent_camera[:3, 3] - known.T_parent_camera[:3, 3]))
        turn_rad = float(np.linalg.norm(live.T_parent_camera[:3, :3] - known.T_parent_camera[:3, :3])) / np.sqrt(2)
        same_size = (live.model.width_px, live.model.height_px) == (known.model.width_px, known.model.height_px)
        focal_px = float(np.abs(live.model.K - known.model.K).max())
        if shift_m < SHIFT_M and turn_rad < TURN_RAD and same_size and focal_px < INTRINSICS_PX:
            return None
        return (
            f'the live calibration is {1e3 * shift_m:.1f} mm, {np.rad2deg(turn_rad):.2f} degrees and {focal_px:.1f} px '
            f'from that of the reference of {self.taken_at}'
        )


def write_references(folder: Path | str, references: Mapping[str, Reference]) -> None:
    """Write references; the description of each camera comes after its picture.

    Raises:
        OSError: if the folder cannot be written.
    """
    for name, reference in references.items():
        sight = reference.sight
        coded, data = cv2.imencode('.png', cv2.cvtColor(sight.picture, cv2.COLOR_RGB2BGR))
        assert coded, 'every 8-bit RGB picture can be written as PNG'
        png = data.tobytes()
        description = {
            'robot': reference.robot,
            'taken_at': reference.taken_at,
            'stamp_s': sight.stamp_s,
            'q_rad': np.asarray(sight.q_rad).tolist(),
            'gripper_open': float(sight.gripper_open),
            'camera': sight.camera.to_dict(),
            'sha256': hashlib.sha256(png).hexdigest(),
        }
        write_atomic(Path(folder) / f'{name}.png', png)
        write_atomic(Path(folder) / f'{name}.json', json.dumps(description, indent=2) + '\n')


def read_reference(folder: Path | str, camera: str, robot: str) -> Reference | None:
    """Read the reference of a camera; None if there is none.

    Raises:
        CalibrationError: if it is damaged, or of another robot.
    """
    path = Path(folder) / f'{camera}.json'
    if not path.is_file():
        return None
    try:
        data = read_json(path)
        png = read_bytes(path.with_suffix('.png'))
        if hashlib.sha256(png).hexdigest() != data['sha256']:
            raise CalibrationError('picture and description do not belong together')
        rgb = decode_rgb(png)
        if rgb is None:
            raise CalibrationError('the picture cannot be decoded')
        mounted = MountedCamera.from_dict(data['camera'])
        q_rad = np.array(data['q_rad'], dtype=float)
        sight = Sight(float(data['stamp_s']), rgb, mounted, q_rad, float(data['gripper_open']))
        reference = Reference(sight, str(data['robot']), str(data['taken_at']))
    except (OSError, KeyError, TypeError, cv2.error, GenimaError, ValueError) as error:
        raise CalibrationError(f'reference {path} cannot be used ({error!r}); take a new one (service pin)') from error
    if reference.robot != robot:
        raise CalibrationError(f'reference {path} is of robot {reference.robot}, got {robot}; take a new one (service pin)')
    return reference
