# SPDX-License-Identifier: Apache-2.0
"""A recording of two seconds as the recorder makes it, of a smooth motion with two small cameras."""

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from genima.align.grid import to_nanoseconds
from genima.cameras.model import CameraModel, MountedCamera
from genima.convert.mcap import messages
from genima.recording.writer import BagWriter
from genima.robots.profile import RobotProfile

PANDA = RobotProfile.load('panda')
START_S = 1_700_000_000.25
DURATION_S = 2.0
WIDTH_PX, HEIGHT_PX = 16, 12
PROVENANCE = {
    'robot': 'panda', 'task': 'pick', 'instruction': 'pick up the cube', 'operator': 'Ann', 'licence': 'CC-BY-4.0',
    'calibration': {'id': 'c7', 'date': '2026-11-01', 'age_days': 3}, 'source': 'teleoperation',
}  # fmt: skip
KINDS = {
    '/joint_states': 'sensor_msgs/msg/JointState',
    '/panda_arm_controller/controller_state': messages.CONTROLLER_STATE,
    '/gripper/command': 'std_msgs/msg/Float64',
    '/episode_events': 'std_msgs/msg/String',
    '/tf_static': 'tf2_msgs/msg/TFMessage',
    '/clock': 'rosgraph_msgs/msg/Clock',
}


def q_rad(time_s: float) -> np.ndarray:
    return PANDA.home_rad + 0.2 * np.sin(2.0 * (time_s - START_S) + np.arange(7))


def pixels(camera: str, number: int) -> np.ndarray:
    """The picture of a camera with this number: its first pixel tells which one it is."""
    image = np.random.default_rng([number, len(camera)]).integers(0, 255, (HEIGHT_PX, WIDTH_PX, 3), dtype=np.uint8)
    image[0, 0] = number
    return image


def mounted(name: str, link: str = 'panda_link0') -> MountedCamera:
    K = np.array([[20.0, 0.0, 7.5], [0.0, 20.0, 5.5], [0.0, 0.0, 1.0]])
    T = np.eye(4)
    T[:3, 3] = 0.4, 0.1, 0.7
    D = np.array([0.1, 0.0, 0.01, 0.0, 0.0])
    return MountedCamera(CameraModel(name, WIDTH_PX, HEIGHT_PX, K, D, 'plumb_bob'), link, T)


@dataclass
class Making:
    """How a recording differs from a good one."""

    cameras: dict[str, MountedCamera] = field(
        default_factory=lambda: {'front': mounted('front'), 'wrist': mounted('wrist', 'panda_hand')}
    )
    delay_s: float = 0.0
    compressed: bool = False
    infos: bool = True
    moved: bool = False
    frozen: range = range(0)
    focal_changes: bool = False
    marks: tuple[tuple[float, str], ...] = ()
    outcome: str = 'success'
    failure: str | None = None
    provenance: dict[str, Any] = field(default_factory=lambda: dict(PROVENANCE))


def times(rate_hz: float, begin_s: float = 0.0, end_s: float = DURATION_S) -> np.ndarray:
    return START_S + begin_s + np.arange(round((end_s - begin_s) * rate_hz)) / rate_hz


def record(folder: Path, making: Making | None = None) -> Path:
    """Write the recording in the order of time and return its folder."""
    how = making or Making()
    moments = sorted([*_joints(), *_pictures(how), *_rest(how)], key=lambda moment: moment[1])
    writer = BagWriter(folder, how.provenance)
    kinds = dict(KINDS)
    for name in how.cameras:
        kinds[f'/cameras/{name}/camera_info'] = 'sensor_msgs/msg/CameraInfo'
        suffix, kind = ('/compressed', 'CompressedImage') if how.compressed else ('', 'Image')
        kinds[f'/cameras/{name}/image_raw{suffix}'] = f'sensor_msgs/msg/{kind}'
    for name, kind in kinds.items():
        writer.add_topic(messages.topic(name, kind))
    for name, time_s, data in moments:
        writer.write(name, to_nanoseconds(time_s), data)
    writer.finish(how.outcome, how.failure, note='well done')
    return folder


def _joints() -> list[tuple[str, float, bytes]]:
    """The arm at 100 Hz, the fingers apart from it at 40 Hz, as some drivers do."""
    found = []
    for names, rate_hz in ((PANDA.arm_joints, 100.0), (PANDA.gripper.joints, 40.0)):
        for time_s in times(rate_hz):
            finger_m = 0.04 * (time_s - START_S) / DURATION_S
            position = q_rad(time_s) if rate_hz == 100.0 else np.full(2, finger_m)
            data = messages.joint_state(time_s, names, position)
            found.append(('/joint_states', time_s + 0.001, data))
    return found


def _pictures(how: Making) -> list[tuple[str, float, bytes]]:
    found = []
    for name, camera in how.cameras.items():
        for number, time_s in enumerate(times(30.0, 0.013 if name == 'front' else 0.02)):
            stamp_s, image = time_s + how.delay_s, pixels(name, how.frozen.start if number in how.frozen else number)
            data = messages.image(image, stamp_s, f'{name}_frame')
            topic = f'/cameras/{name}/image_raw'
            if how.compressed:
                topic, data = f'{topic}/compressed', _compressed(image, stamp_s)
            found.append((topic, stamp_s + 0.005, data))
            model = camera.model.resized(WIDTH_PX, HEIGHT_PX + 1) if how.focal_changes and number > 30 else camera.model
            info = messages.camera_info(model, stamp_s, f'{name}_frame')
            if how.infos:
                found.append((f'/cameras/{name}/camera_info', stamp_s + 0.005, info))
    return found


def _compressed(image: np.ndarray, time_s: float) -> bytes:
    _, code = cv2.imencode('.png', image[..., ::-1])
    kind = 'sensor_msgs/msg/CompressedImage'
    return messages.cdr(kind, header=messages.header(time_s), format='png', data=code.ravel())


def _rest(how: Making) -> list[tuple[str, float, bytes]]:
    found = []
    for time_s in times(50.0):
        data = messages.controller_state(time_s, PANDA.arm_joints, q_rad(time_s) + 0.01)
        found.append(('/panda_arm_controller/controller_state', time_s + 0.001, data))
    for since_s, opening in ((0.7, 0.0), (1.4, 1.0)):
        found.append(('/gripper/command', START_S + since_s, messages.cdr('std_msgs/msg/Float64', data=opening)))
    for since_s, kind in how.marks:
        text = json.dumps({'kind': kind, 'note': 'noted'})
        found.append(('/episode_events', START_S + since_s, messages.cdr('std_msgs/msg/String', data=text)))
    for since_s in (0.0, 1.0):
        transforms = []
        for name, camera in how.cameras.items():
            T = camera.T_parent_camera.copy()
            T[2, 3] += 0.01 if how.moved and since_s else 0.0
            transforms.append(messages.transform(START_S, camera.parent_link, f'{name}_mount', np.eye(4)))
            transforms.append(messages.transform(START_S, f'{name}_mount', f'{name}_frame', T))
        message = messages.cdr('tf2_msgs/msg/TFMessage', transforms=transforms)
        found.append(('/tf_static', START_S + since_s, message))
    return found
