# SPDX-License-Identifier: Apache-2.0
"""Between ROS messages and our own times and cameras; what cannot be read is refused by name."""

from typing import Any

import numpy as np
from builtin_interfaces.msg import Duration, Time
from sensor_msgs.msg import CameraInfo

from genima.cameras.info import camera_in
from genima.cameras.model import CameraModel
from genima.errors import CalibrationError, GenimaError

FURTHEST_NS = 2**31 * 1_000_000_000
"""The seconds of a stamp are a number of 32 bits."""


def seconds(stamp: Any) -> float:
    """Return a builtin_interfaces/Time as seconds."""
    return float(stamp.sec) + 1e-9 * float(stamp.nanosec)


def nanoseconds(stamp: Any) -> int:
    """Return a builtin_interfaces/Time as nanoseconds, exactly; seconds as a float lose the last hundreds of them."""
    return int(stamp.sec) * 1_000_000_000 + int(stamp.nanosec)


def stamp(when: float | int | Time) -> Time:
    """Return seconds (float) or nanoseconds (int) as a builtin_interfaces/Time; a stamp stays what it is.

    A clock may show what no stamp can hold; the nearest that one can hold is returned then.
    """
    if isinstance(when, Time):
        return when
    sec, nanosec = _parts(when if isinstance(when, int) else round(when * 1e9))
    return Time(sec=sec, nanosec=nanosec)


def duration(time_s: float) -> Duration:
    """Return seconds as a builtin_interfaces/Duration, or the nearest that one can hold."""
    sec, nanosec = _parts(round(time_s * 1e9))
    return Duration(sec=sec, nanosec=nanosec)


def _parts(nanoseconds: int) -> tuple[int, int]:
    return divmod(min(max(nanoseconds, -FURTHEST_NS), FURTHEST_NS - 1), 1_000_000_000)


def camera_info_message(camera: CameraModel, when: float | Time, frame: str) -> CameraInfo:
    """Return the camera_info that describes `camera`."""
    intrinsics = np.asarray(camera.K, dtype=np.float64)
    projection = np.hstack([intrinsics, np.zeros((3, 1))])
    message = CameraInfo(
        height=camera.height_px,
        width=camera.width_px,
        distortion_model='plumb_bob' if camera.model == 'pinhole' else camera.model,
        d=[0.0] * 5 if camera.model == 'pinhole' else np.asarray(camera.D, dtype=np.float64).tolist(),
        k=intrinsics.ravel(),
        r=np.eye(3).ravel(),
        p=projection.ravel(),
    )
    message.header.stamp = stamp(when)
    message.header.frame_id = frame
    return message


def camera_model(message: CameraInfo, name: str, where: str) -> CameraModel:
    """Return the camera that a camera_info message describes.

    Raises:
        CalibrationError: if the camera is not calibrated, or with a model that nobody knows; names the topic.
    """
    try:
        return camera_in(message, name)
    except GenimaError as error:
        raise CalibrationError(f'{where}: {error}') from error
