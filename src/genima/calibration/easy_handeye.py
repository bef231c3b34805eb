# SPDX-License-Identifier: Apache-2.0
"""Import of what easy_handeye2 saved (`<name>.calib`, and the older `.yaml` of its first versions and of easy_handeye).

The transform of such a file is the pose of `tracking_base_frame`, the camera's frame, in the effector for eye-in-hand and
in the base otherwise. Format: easy_handeye2, handeye_publisher.py and tests/data.
"""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from genima.calibration.camera_info import read_yaml
from genima.calibration.file import CameraCalibration, now_text
from genima.cameras.model import CameraModel, MountedCamera
from genima.errors import CalibrationError

PLACES = {'translation': ('x', 'y', 'z'), 'rotation': ('x', 'y', 'z', 'w')}


def read_easy_handeye(path: Path | str, camera: CameraModel, T_tracking_camera: NDArray[np.float64]) -> CameraCalibration:
    """Read a file of easy_handeye2 and join it with intrinsics, which it does not have.

    Args:
        path: The file.
        camera: Intrinsics; their name is the camera's.
        T_tracking_camera: (4, 4) pose of the optical frame in the file's `tracking_base_frame`: the identity if that was
            the optical frame, as it should be.

    Raises:
        CalibrationError: if the file is not of that kind.
    """
    data = read_yaml(path)
    try:
        parameters = data['parameters']
        in_hand = _is_in_hand(parameters)
        parent = str(parameters['robot_effector_frame' if in_hand else 'robot_base_frame'])
        T = _pose(data)
    except (KeyError, TypeError, ValueError) as error:
        raise CalibrationError(
            f'{path}: {error!r}; expected a calibration of easy_handeye2, with parameters and transform'
        ) from error
    return CameraCalibration(MountedCamera(camera, parent, T @ T_tracking_camera), now_text(), kind='imported')


def _is_in_hand(parameters: dict[str, Any]) -> bool:
    if 'calibration_type' in parameters:
        kind = parameters['calibration_type']
        if kind not in ('eye_in_hand', 'eye_on_base'):
            raise ValueError(f'calibration_type {kind!r}, allowed: eye_in_hand, eye_on_base')
        return kind == 'eye_in_hand'
    return bool(parameters['eye_in_hand'] if 'eye_in_hand' in parameters else parameters['eye_on_hand'])


def _pose(data: dict[str, Any]) -> NDArray[np.float64]:
    if 'transform' in data:
        numbers = [[float(data['transform'][part][axis]) for axis in axes] for part, axes in PLACES.items()]
    else:
        old = data['transformation']
        numbers = [[float(old[axis]) for axis in 'xyz'], [float(old[f'q{axis}']) for axis in 'xyzw']]
    if not 0.9 < np.linalg.norm(numbers[1]) < 1.1:
        raise ValueError(f'rotation {numbers[1]} is no unit quaternion')
    T = np.eye(4)
    T[:3, :3], T[:3, 3] = Rotation.from_quat(numbers[1]).as_matrix(), numbers[0]
    return T
