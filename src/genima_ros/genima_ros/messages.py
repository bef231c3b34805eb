# SPDX-License-Identifier: Apache-2.0
"""Between ROS messages and our own times, images and cameras; what cannot be read is refused by name."""

from array import array
from typing import Any

import numpy as np
from builtin_interfaces.msg import Duration, Time
from numpy.typing import NDArray
from sensor_msgs.msg import CameraInfo, Image

from genima.cameras.info import camera_in
from genima.cameras.model import CameraModel
from genima.cameras.pixels import raw_pixels
from genima.errors import CalibrationError, GenimaError


def seconds(stamp: Any) -> float:
    """Return a builtin_interfaces/Time as seconds."""
    return float(stamp.sec) + 1e-9 * float(stamp.nanosec)


def stamp(time_s: float) -> Time:
    """Return seconds as a builtin_interfaces/Time."""
    nanoseconds = round(time_s * 1e9)
    return Time(sec=nanoseconds // 1_000_000_000, nanosec=nanoseconds % 1_000_000_000)


def duration(time_s: float) -> Duration:
    """Return seconds as a builtin_interfaces/Duration."""
    nanoseconds = round(time_s * 1e9)
    return Duration(sec=nanoseconds // 1_000_000_000, nanosec=nanoseconds % 1_000_000_000)


def image_array(message: Image, where: str) -> NDArray[np.uint8]:
    """Return the pixels of an image message.

    Args:
        message: an 8-bit colour or grey image.
        where: topic, for the error message.

    Returns:
        RGB, shape (height, width, 3), uint8; a view of the message's data where its layout allows.

    Raises:
        GenimaError: for another encoding (a depth image, for example) or if the data does not fit the size.
    """
    return raw_pixels(message, where)


def image_message(pixels: NDArray[np.uint8], time_s: float, frame: str) -> Image:
    """Return an rgb8 image message.

    Args:
        pixels: RGB, shape (height, width, 3), uint8.
        time_s: capture time [s, ROS time].
        frame: optical frame of the camera.
    """
    height, width, _ = pixels.shape
    message = Image(height=height, width=width, encoding='rgb8', is_bigendian=0, step=3 * width)
    message.header.stamp = stamp(time_s)
    message.header.frame_id = frame
    message.data = array('B', pixels.tobytes())  # rclpy checks any other sequence byte by byte
    return message


def camera_info_message(camera: CameraModel, time_s: float, frame: str) -> CameraInfo:
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
    message.header.stamp = stamp(time_s)
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
