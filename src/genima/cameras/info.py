# SPDX-License-Identifier: Apache-2.0
"""The camera that a sensor_msgs/CameraInfo describes, as its images show it: region of interest and binning applied."""

from typing import Any

import numpy as np

from genima.cameras.model import CameraModel
from genima.errors import CalibrationError


def camera_in(message: Any, name: str) -> CameraModel:
    """Return the camera of a camera_info, from any library that has the fields of the message.

    K is that of the full sensor; the image is its region of interest, which was binned afterwards. Lens distortion lies on
    the normalised plane and stays. Source: sensor_msgs/msg/CameraInfo. A binned pixel has its centre between those that
    it is made of.

    Raises:
        CalibrationError: if it is not calibrated, of a model that nobody knows, or its region is not on the sensor.
    """
    full = CameraModel.from_camera_info(
        message.width, message.height, message.distortion_model, np.asarray(message.k), np.asarray(message.d), name
    )
    roi = message.roi
    left, top = int(roi.x_offset), int(roi.y_offset)
    width, height = int(roi.width) or full.width_px - left, int(roi.height) or full.height_px - top
    if width < 1 or height < 1 or left + width > full.width_px or top + height > full.height_px:
        raise CalibrationError(
            f"camera '{name}': region of interest {width}x{height} at ({left}, {top}) is not on its sensor of "
            f'{full.width_px}x{full.height_px} px; correct the roi of its camera_info'
        )
    seen = full.cropped(left, top, width, height)
    bins_x, bins_y = max(int(message.binning_x), 1), max(int(message.binning_y), 1)
    if (bins_x, bins_y) == (1, 1):
        return seen
    columns, rows = width // bins_x, height // bins_y
    if not columns or not rows:
        raise CalibrationError(f"camera '{name}': {bins_x}x{bins_y} binning leaves nothing of {width}x{height} px")
    return seen.cropped(0, 0, columns * bins_x, rows * bins_y).resized(columns, rows)
