# SPDX-License-Identifier: Apache-2.0
"""Intrinsics as a file: what ROS reads, with date, residuals, and how sure each number is."""

from pathlib import Path
from typing import Any

import numpy as np

from genima.calibration.camera_info import read_yaml
from genima.calibration.file import SECTION, VERSION, now_text, write_file
from genima.calibration.intrinsics import Intrinsics
from genima.calibration.lens import lens_vector
from genima.calibration.problem import LensPrior
from genima.errors import CalibrationError

KIND = 'intrinsics'


def write_intrinsics(
    path: Path | str, intrinsics: Intrinsics, board: str = '', hardware: str = '', serial: str = ''
) -> None:
    """Write a finished calibration of a lens, atomically.

    Args:
        path: `.yaml`.
        intrinsics: What was found.
        board: The board's `Board.text`.
        hardware: Camera model, if known.
        serial: Serial number, if known.
    """
    held_out = intrinsics.held_out_px
    section: dict[str, Any] = {
        'version': VERSION,
        'date': now_text(),
        'kind': KIND,
        'poses': len(intrinsics.errors_px),
        'hardware': hardware,
        'serial': serial,
        'board': board,
        'residuals': {
            'reprojection_px': float(intrinsics.reprojection_px),
            'held_out_px': float(held_out) if np.isfinite(held_out) else None,
        },
        'lens_numbers': lens_vector(intrinsics.camera).tolist(),
        'lens_covariance': intrinsics.covariance.tolist(),
        'noise_px': float(intrinsics.noise_px),
    }
    write_file(path, intrinsics.camera, section)


def is_lens_file(data: dict[str, Any]) -> bool:
    """Return whether the content of a file is intrinsics only, ours or another program's."""
    section = data.get(SECTION)
    return section.get('kind') == KIND if isinstance(section, dict) else 'camera_matrix' in data


def read_prior(path: Path | str) -> LensPrior | None:
    """Return how sure the intrinsics of a file are; None where the file does not say.

    Raises:
        CalibrationError: if what it says is damaged.
    """
    section = read_yaml(path).get(SECTION)
    if not isinstance(section, dict) or 'lens_covariance' not in section:
        return None
    try:
        numbers = np.array(section['lens_numbers'], dtype=float)
        covariance = np.array(section['lens_covariance'], dtype=float)
        noise_px = float(section['noise_px'])
    except (KeyError, TypeError, ValueError) as error:
        raise CalibrationError(f'{path}: lens_covariance is damaged ({error!r}); calibrate the lens again') from error
    if covariance.shape != (len(numbers), len(numbers)) or not (np.diag(covariance) > 0).all() or not noise_px > 0:
        raise CalibrationError(
            f'{path}: lens_covariance of shape {covariance.shape} for {len(numbers)} numbers, or not positive'
        )
    return LensPrior(numbers, covariance, noise_px)
