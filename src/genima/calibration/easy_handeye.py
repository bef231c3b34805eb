# SPDX-License-Identifier: Apache-2.0
"""Import of what easy_handeye2 saved (`<name>.calib`, and the older `.yaml` of its first versions and of easy_handeye).

The transform of such a file is the pose of `tracking_base_frame`, the camera's frame, in the effector for eye-in-hand and
in the base otherwise. Format: easy_handeye2, handeye_publisher.py and tests/data.
"""

import warnings
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


def read_easy_handeye(
    path: Path | str, camera: CameraModel, T_tracking_camera: NDArray[np.float64] | None = None
) -> CameraCalibration:
    """Read a file of easy_handeye2 and join it with intrinsics, which it does not have.

    Args:
        path: The file.
        camera: Intrinsics; their name is the camera's.
        T_tracking_camera: (4, 4) pose of the optical frame in the file's `tracking_base_frame`; None where that is the
            optical frame, as its name has to say.

    Raises:
        CalibrationError: if the file is not of that kind, or its frame is not optical and no pose is given.
    """
    data = read_yaml(path)
    # before version 2 the parameters stood beside the transform
    parameters = data.get('parameters', data)
    try:
        in_hand = _is_in_hand(parameters)
        parent = str(parameters['robot_effector_frame' if in_hand else 'robot_base_frame']).strip('/')
        tracking = str(parameters.get('tracking_base_frame', '(not named)')).strip('/')
        T = _pose(data)
    except (KeyError, TypeError, ValueError) as error:
        raise CalibrationError(
            f'{path}: {error!r}; expected a calibration of easy_handeye2, with parameters and transform'
        ) from error
    if T_tracking_camera is None and 'optical' not in tracking.lower():
        raise CalibrationError(
            f"{path}: the pose is that of {tracking!r}, which is not an optical frame by its name (z forward, x right); give"
            f' the pose of the optical frame of camera {camera.name!r} in it: --optical "x y z qx qy qz qw", from'
            f' `ros2 run tf2_ros tf2_echo {tracking} <optical frame>`; if it is the optical frame: --optical "0 0 0 0 0 0 1"'
        )
    if np.allclose(T, np.eye(4), atol=1e-9):
        text = f'{path}: the camera stands exactly in {parent}: easy_handeye writes that when its solver failed'
        warnings.warn(text, UserWarning, stacklevel=2)
    T_parent_camera = T if T_tracking_camera is None else T @ T_tracking_camera
    return CameraCalibration(MountedCamera(camera, parent, T_parent_camera), now_text(), kind='imported')


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
    if not (np.isfinite(numbers[0]).all() and 0.9 < np.linalg.norm(numbers[1]) < 1.1):
        raise ValueError(f'translation {numbers[0]} with rotation {numbers[1]} is not finite, or no unit quaternion')
    T = np.eye(4)
    T[:3, :3], T[:3, 3] = Rotation.from_quat(numbers[1]).as_matrix(), numbers[0]
    return T
