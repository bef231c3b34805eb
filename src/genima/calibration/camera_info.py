# SPDX-License-Identifier: Apache-2.0
"""Intrinsics in other people's files: YAML of ROS's camera_calibration_parsers, and JSON of OpenCV's FileStorage.

Formats: image_common, camera_calibration_parsers/src/parse_yml.cpp; OpenCV, modules/core/src/persistence_json.cpp.
"""

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from genima.borders.texts import parse_yaml, read_text
from genima.cameras.model import CameraModel
from genima.errors import BorderError, CalibrationError
from genima.files import write_atomic

MAX_BYTES = 2**20


def camera_info_to_dict(camera: CameraModel) -> dict[str, Any]:
    """Return what camera_calibration_parsers reads; a pinhole is a plumb_bob with zeros."""
    K, pinhole = camera.K, camera.model == 'pinhole'
    return {
        'image_width': camera.width_px,
        'image_height': camera.height_px,
        'camera_name': camera.name,
        'camera_matrix': _matrix(K),
        'distortion_model': 'plumb_bob' if pinhole else camera.model,
        'distortion_coefficients': _matrix(np.zeros((1, 5)) if pinhole else camera.D[None]),
        'rectification_matrix': _matrix(np.eye(3)),
        'projection_matrix': _matrix(np.hstack([K, np.zeros((3, 1))])),
    }


def camera_info_from_dict(data: dict[str, Any], where: str) -> CameraModel:
    """Return the camera that such a file describes, ours or another program's.

    Raises:
        CalibrationError: if something is missing or makes no sense; names the place.
    """
    try:
        width, height = int(data['image_width']), int(data['image_height'])
        k, d = data['camera_matrix']['data'], data['distortion_coefficients']['data']
        # some programs call it camera_model; 'pinhole' is the projection there, not the lens
        model = data.get('distortion_model') or data.get('camera_model') or ''
        model = '' if str(model).lower() == 'pinhole' and np.any(d) else str(model)
        return CameraModel.from_camera_info(width, height, model, k, d, str(data.get('camera_name', 'camera')))
    except (KeyError, TypeError, ValueError) as error:
        if isinstance(error, CalibrationError):
            raise CalibrationError(f'{where}: {error}') from error
        raise CalibrationError(
            f'{where}: {error!r}; expected image_width, image_height, camera_matrix, distortion_model and '
            'distortion_coefficients, as ROS camera calibrations have them'
        ) from error


def read_yaml(path: Path | str) -> dict[str, Any]:
    """Return the mapping in a YAML file.

    Raises:
        CalibrationError: if it is missing, not YAML, or not a mapping.
    """
    try:
        data = parse_yaml(plain_yaml(read_text(path, MAX_BYTES)))
    except BorderError as error:
        raise CalibrationError(f'{path}: no calibration: {error}') from error
    if not isinstance(data, dict):
        raise CalibrationError(f'{path}: expected a mapping, got {type(data).__name__}')
    return data


def plain_yaml(text: str) -> str:
    """Return the first document of a text as plain YAML: without tabs after a colon, OpenCV's header and its tags."""
    lines = [re.sub(r':\t+', ': ', line) for line in text.splitlines() if not line.startswith('%')]
    documents = re.split(r'(?m)^---\s*$', '\n'.join(lines).replace('!!opencv-matrix', ''))
    return next((document for document in documents if document.strip()), '')


def write_opencv_json(path: Path | str, camera: CameraModel, T_parent_camera: NDArray[np.float64] | None = None) -> None:
    """Write intrinsics, and the pose where there is one, so that `cv2.FileStorage` reads them as matrices."""
    data: dict[str, Any] = {
        'image_width': camera.width_px,
        'image_height': camera.height_px,
        'camera_name': camera.name,
        'distortion_model': camera.model,
        'camera_matrix': _opencv(camera.K),
        'distortion_coefficients': _opencv(camera.D[None] if camera.D.size else np.zeros((1, 5))),
    }
    if T_parent_camera is not None:
        data['T_parent_camera'] = _opencv(np.asarray(T_parent_camera))
    write_atomic(path, json.dumps(data, indent=2) + '\n')


def _matrix(values: NDArray[np.float64]) -> dict[str, Any]:
    return {'rows': values.shape[0], 'cols': values.shape[1], 'data': values.ravel().tolist()}


def _opencv(values: NDArray[np.float64]) -> dict[str, Any]:
    return {
        'type_id': 'opencv-matrix',
        'rows': values.shape[0],
        'cols': values.shape[1],
        'dt': 'd',
        'data': values.ravel().tolist(),
    }
