# SPDX-License-Identifier: Apache-2.0
"""A second of a Panda that waves before a fixed camera and with one on its hand, as the recorder writes it."""

from pathlib import Path
from typing import Any

import numpy as np
from rosbags.typesys import Stores, get_types_from_msg, get_typestore

from genima.align.grid import to_nanoseconds
from genima.cameras.model import CameraModel
from genima.convert.mcap import messages
from genima.recording.rosbag2 import Topic
from genima.recording.writer import BagWriter
from genima.robots.profile import RobotProfile

PANDA = RobotProfile.load('panda')
START_S, SECONDS = 1_700_000_000.0, 1.0
WIDTH_PX, HEIGHT_PX = 64, 48
CAMERAS = {'front': 'panda_link0', 'wrist': 'panda_hand'}
GUARD = 'genima_msgs/msg/GuardStatus'
GUARD_FILE = Path(__file__).resolve().parents[2] / 'src' / 'genima_msgs' / 'msg' / 'GuardStatus.msg'
KINDS = {
    '/joint_states': 'sensor_msgs/msg/JointState',
    '/action_chunk': 'trajectory_msgs/msg/JointTrajectory',
    '/tf_static': 'tf2_msgs/msg/TFMessage',
    '/tf': 'tf2_msgs/msg/TFMessage',
    '/clock': 'rosgraph_msgs/msg/Clock',
    **{f'/cameras/{name}/image_raw': 'sensor_msgs/msg/Image' for name in CAMERAS},
    **{f'/cameras/{name}/camera_info': 'sensor_msgs/msg/CameraInfo' for name in CAMERAS},
}


def q_rad(time_s: float) -> np.ndarray:
    return PANDA.home_rad + 0.2 * np.sin(2.0 * time_s + np.arange(7))


def camera(name: str) -> CameraModel:
    K = np.array([[50.0, 0, 31.5], [0, 50.0, 23.5], [0, 0, 1]])
    return CameraModel(name, WIDTH_PX, HEIGHT_PX, K, np.array([-0.1, 0.02, 0, 0, 0]), 'plumb_bob')


def mounting() -> np.ndarray:
    T = np.eye(4)
    T[:3, :3] = np.array([[0, 0, -1], [1, 0, 0], [0, -1, 0]])  # looks back along x
    T[:3, 3] = 1.6, 0.0, 0.5
    return T


def record(folder: Path) -> Path:
    """Write the recording and return its folder."""
    store = get_typestore(Stores.ROS2_JAZZY)
    store.register(get_types_from_msg(GUARD_FILE.read_text(), GUARD))
    writer = BagWriter(folder, {'robot': 'panda', 'task': 'wave'})
    for topic, kind in KINDS.items():
        writer.add_topic(messages.topic(topic, kind))
    writer.add_topic(Topic('/guard/status', GUARD, store.generate_msgdef(GUARD, ros_version=2)[0]))
    for topic, time_s, data in sorted([*_sensors(), *_words(store)], key=lambda said: said[1]):
        writer.write(topic, to_nanoseconds(START_S + time_s), data)
    writer.finish('success')
    return folder


def _sensors() -> list[tuple[str, float, bytes]]:
    found = [('/tf_static', 0.0, _mounts())]
    for time_s in np.arange(0.0, SECONDS, 0.01).tolist():
        names, position = [*PANDA.arm_joints, 'panda_finger_joint1'], [*q_rad(time_s), 0.02]
        found.append(('/joint_states', time_s, messages.joint_state(START_S + time_s, names, np.array(position))))
    for time_s in np.arange(0.05, SECONDS, 1 / 30).tolist():
        for name in CAMERAS:
            pixels = np.full((HEIGHT_PX, WIDTH_PX, 3), round(200 * time_s), dtype=np.uint8)
            frame = f'{name}_optical_frame'
            info = messages.camera_info(camera(name), START_S + time_s, frame)
            found.append((f'/cameras/{name}/camera_info', time_s, info))
            found.append((f'/cameras/{name}/image_raw', time_s, messages.image(pixels, START_S + time_s, frame)))
    return found


def _mounts() -> bytes:
    transforms = [messages.transform(START_S, link, f'{name}_optical_frame', mounting()) for name, link in CAMERAS.items()]
    return messages.cdr('tf2_msgs/msg/TFMessage', transforms=transforms)


def _words(store: Any) -> list[tuple[str, float, bytes]]:
    found = []
    for time_s in np.arange(0.1, SECONDS, 0.1).tolist():
        ahead_s = np.arange(1, 17) / 10
        points = [messages.point(np.append(q_rad(time_s + each), 0.04), each) for each in ahead_s.tolist()]
        names = [*PANDA.arm_joints, PANDA.gripper.joints[0]]
        header = messages.header(START_S + time_s, 'contract')
        chunk = messages.cdr('trajectory_msgs/msg/JointTrajectory', header=header, joint_names=names, points=points)
        found.append(('/action_chunk', time_s, chunk))
        state, reasons = ('moving', []) if time_s < 0.6 else ('holding', ['no fresh target image'])
        found.append(('/guard/status', time_s, _guard(store, time_s, state, reasons)))
    T_base_cube = np.eye(4)
    T_base_cube[:3, 3] = 0.5, 0.1, 0.02
    cube = messages.transform(START_S + 0.5, 'panda_link0', 'cube', T_base_cube)
    return [*found, ('/tf', 0.5, messages.cdr('tf2_msgs/msg/TFMessage', transforms=[cube]))]


def _guard(store: Any, time_s: float, state: str, reasons: list[str]) -> bytes:
    types = store.types
    whole, rest = divmod(to_nanoseconds(START_S + time_s), 10**9)
    stamp = types['builtin_interfaces/msg/Time'](sec=whole, nanosec=rest)
    none = np.zeros(0)
    message = types[GUARD](
        header=types['std_msgs/msg/Header'](stamp=stamp, frame_id=''), chunk=stamp, state=state, armed=True, reasons=reasons,
        share=1.0, rate=1.0, limits=[], worst=none, chunks=1, violations=[], violation_counts=none.astype(np.uint64),
        holds=reasons, clock_ahead_s=0.0,
    )  # fmt: skip
    return bytes(store.serialize_cdr(message, GUARD))
