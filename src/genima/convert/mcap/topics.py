# SPDX-License-Identifier: Apache-2.0
"""The topics of a recording and what they mean."""

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from genima.align.grid import stamp_seconds
from genima.cameras.model import CameraModel

_MEANINGS = {
    'joint_states': 'joint_states',
    'controller_state': r'[^/]+/controller_state',
    'action_chunk': 'action_chunk',
    'gripper_command': 'gripper/command',
    'events': 'episode_events',
    'tf': 'tf',
    'tf_static': 'tf_static',
    'image': r'cameras/(?P<camera>[^/]+)/image_raw',
    'compressed': r'cameras/(?P<camera>[^/]+)/image_raw/compressed',
    'camera_info': r'cameras/(?P<camera>[^/]+)/camera_info',
}
IMAGES = ('image', 'compressed')


@dataclass(frozen=True)
class Meaning:
    """What a topic is: one of 'joint_states', 'controller_state', 'image' and so on, and of which camera."""

    what: str
    camera: str = ''


@lru_cache(maxsize=1024)
def meaning(topic: str) -> Meaning | None:
    """Return what a topic is, in whatever namespace it lies; `None` if no episode needs it."""
    for what, pattern in _MEANINGS.items():
        match = re.fullmatch(f'(?:.*/)?{pattern}', topic)
        if match:
            return Meaning(what, match.groupdict().get('camera') or '')
    return None


def stamp_s(message: Any) -> float:
    """Return the stamp in a message's header [s]."""
    return stamp_seconds(message.header.stamp.sec, message.header.stamp.nanosec)


def camera_model(message: Any, camera: str) -> CameraModel:
    """Return the camera that a sensor_msgs/CameraInfo describes.

    Raises:
        CalibrationError: if it is not calibrated, or with a model that nobody knows.
    """
    return CameraModel.from_camera_info(
        message.width, message.height, message.distortion_model, message.k, message.d, name=camera
    )
