# SPDX-License-Identifier: Apache-2.0
"""The topics of a recording and what they mean, by name and by type."""

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from genima.align.grid import stamp_seconds
from genima.recording.schemas import ACTION_CHUNK, CONTROLLER_STATE

_NAMES = {
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
KINDS = {
    'joint_states': ('sensor_msgs/msg/JointState',),
    'controller_state': (CONTROLLER_STATE,),
    'action_chunk': (ACTION_CHUNK, 'trajectory_msgs/msg/JointTrajectory'),
    'gripper_command': ('std_msgs/msg/Float64',),
    'events': ('std_msgs/msg/String',),
    'tf': ('tf2_msgs/msg/TFMessage',),
    'tf_static': ('tf2_msgs/msg/TFMessage',),
    'image': ('sensor_msgs/msg/Image',),
    'compressed': ('sensor_msgs/msg/CompressedImage',),
    'camera_info': ('sensor_msgs/msg/CameraInfo',),
}
"""What a topic is to the types that its messages may have; chunks were plain trajectories once."""
COMPRESSED = '/compressed'
IMAGES = ('image', 'compressed')


@dataclass(frozen=True)
class Meaning:
    """What the name of a topic says.

    Attributes:
        what: One of 'joint_states', 'controller_state', 'image' and so on.
        namespace: In which it lies, '' or '/cell1' for example.
        camera: Whose images or calibration these are.
    """

    what: str
    namespace: str = ''
    camera: str = ''


@lru_cache(maxsize=1024)
def meaning(topic: str) -> Meaning | None:
    """Return what the name of a topic says; `None` if no episode needs it."""
    full = topic if topic.startswith('/') else f'/{topic}'
    for what, pattern in _NAMES.items():
        match = re.fullmatch(f'(?P<namespace>.*)/{pattern}', full)
        if match:
            return Meaning(what, match['namespace'], match.groupdict().get('camera') or '')
    return None


def stamp_s(message: Any) -> float:
    """Return the stamp in a message's header [s]."""
    return stamp_seconds(message.header.stamp.sec, message.header.stamp.nanosec)
