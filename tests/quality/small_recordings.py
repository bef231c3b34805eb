# SPDX-License-Identifier: Apache-2.0
"""Small recordings of a Panda that waves before two cameras, as the recorder writes them."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from rosbags.typesys import Stores, get_types_from_msg, get_typestore

from genima.recording.rosbag2 import Topic
from genima.recording.writer import BagWriter
from genima.robots.profile import RobotProfile

STORE = get_typestore(Stores.ROS2_JAZZY)
STATE_KIND = 'control_msgs/msg/JointTrajectoryControllerState'
STORE.register(
    get_types_from_msg(
        'std_msgs/Header header\nstring[] joint_names\ntrajectory_msgs/JointTrajectoryPoint reference\n', STATE_KIND
    )
)
JOINT_KIND, IMAGE_KIND, INFO_KIND = (f'sensor_msgs/msg/{name}' for name in ('JointState', 'Image', 'CameraInfo'))
JOINTS, STATE = '/joint_states', '/panda_arm_controller/controller_state'
IMAGES, INFO = '/cameras/front/image_raw', '/cameras/front/camera_info'
START_NS = 1_700_000_000 * 10**9
HEIGHT, WIDTH = 24, 32


class Spoken(NamedTuple):
    """A message before it is written: when it says it is of [ns], when it is received, and its fields."""

    topic: str
    stamp_ns: int
    log_ns: int
    fields: dict[str, Any]


KINDS = {JOINTS: JOINT_KIND, STATE: STATE_KIND, IMAGES: IMAGE_KIND, INFO: INFO_KIND}


def speak(profile: RobotProfile, seed: int, seconds: float = 3.0) -> Iterator[Spoken]:
    """Yield what the robot and one camera say in some seconds."""
    rng = np.random.default_rng(seed)
    phases = rng.random(profile.n_joints)
    finger = profile.gripper.joints[0]
    scene = (6 * np.arange(WIDTH))[None, :, None]
    for index in range(round(50 * seconds)):
        time_s = index / 50
        stamp_ns = START_NS + round(1e9 * time_s)
        q_rad = profile.home_rad + 0.25 * np.sin(2 * np.pi * (time_s / 3 + phases))
        joints = {'name': [*profile.arm_joints, finger], 'position': np.append(q_rad, profile.gripper.open_m)}
        yield Spoken(JOINTS, stamp_ns, stamp_ns + 10**6, joints)
        yield Spoken(STATE, stamp_ns, stamp_ns + 10**6, {'joint_names': list(profile.arm_joints), 'reference': q_rad})
        if index % 5 == 0:
            yield Spoken(INFO, stamp_ns, stamp_ns + 2 * 10**6, {'width': WIDTH, 'height': HEIGHT, 'fx': 30.0})
            pixels = (scene + rng.integers(0, 30, (HEIGHT, WIDTH, 3))).astype(np.uint8)
            yield Spoken(IMAGES, stamp_ns, stamp_ns + 3 * 10**6, {'pixels': pixels})


def record(
    folder: Path,
    profile: RobotProfile,
    seed: int,
    change: Callable[[int, Spoken], Spoken | None] = lambda index, spoken: spoken,
    finish: bool = True,
) -> Path:
    """Write a recording; `change` alters or drops single messages. Without `finish` it is left as a power cut would."""
    writer = BagWriter(folder, {'robot': profile.name, 'joint_names': list(profile.arm_joints), 'seed': seed})
    for name, kind in KINDS.items():
        writer.add_topic(Topic(name, kind, STORE.generate_msgdef(kind, ros_version=2)[0]))
    counts = dict.fromkeys(KINDS, 0)
    for spoken in speak(profile, seed):
        changed = change(counts[spoken.topic], spoken)
        counts[spoken.topic] += 1
        if changed is not None:
            writer.write(changed.topic, changed.log_ns, _cdr(changed))
        if sum(counts.values()) % 40 == 0:
            writer.flush()  # a chunk of its own, as time makes them
    writer.finish('success')
    if not finish:
        (folder / 'episode.json').unlink()
        (folder / 'metadata.yaml').unlink()
    return folder


def _cdr(spoken: Spoken) -> bytes:
    kind, types = KINDS[spoken.topic], STORE.types
    stamp = types['builtin_interfaces/msg/Time'](sec=spoken.stamp_ns // 10**9, nanosec=spoken.stamp_ns % 10**9)
    header = types['std_msgs/msg/Header'](stamp=stamp, frame_id='base')
    return bytes(STORE.serialize_cdr(_message(spoken.topic, header, spoken.fields), kind))


def _message(topic: str, header: Any, fields: dict[str, Any]) -> Any:
    none = np.zeros(0)
    if topic == JOINTS:
        return STORE.types[JOINT_KIND](header=header, velocity=none, effort=none, **fields)
    if topic == STATE:
        point = STORE.types['trajectory_msgs/msg/JointTrajectoryPoint'](
            positions=fields['reference'], velocities=none, accelerations=none, effort=none,
            time_from_start=STORE.types['builtin_interfaces/msg/Duration'](sec=0, nanosec=0),
        )  # fmt: skip
        return STORE.types[STATE_KIND](header=header, joint_names=fields['joint_names'], reference=point)
    if topic == IMAGES:
        height, width, _ = fields['pixels'].shape
        return STORE.types[IMAGE_KIND](
            header=header, height=height, width=width, encoding='rgb8', is_bigendian=0, step=3 * width,
            data=fields['pixels'].ravel(),
        )  # fmt: skip
    K = np.array([fields['fx'], 0, 15.5, 0, fields['fx'], 11.5, 0, 0, 1])
    region = STORE.types['sensor_msgs/msg/RegionOfInterest'](x_offset=0, y_offset=0, height=0, width=0, do_rectify=False)
    return STORE.types[INFO_KIND](
        header=header, height=fields['height'], width=fields['width'], distortion_model='plumb_bob', d=np.zeros(5), k=K,
        r=np.eye(3).ravel(), p=np.zeros(12), binning_x=0, binning_y=0, roi=region,
    )  # fmt: skip
