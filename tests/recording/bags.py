# SPDX-License-Identifier: Apache-2.0
"""Messages and bags for the tests of recordings."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from rosbags.typesys import Stores, get_types_from_msg, get_typestore

from genima.recording.rosbag2 import Topic, qos_text
from genima.recording.writer import BagWriter

STORE = get_typestore(Stores.ROS2_JAZZY)
EPISODE_STATUS = Path(__file__).resolve().parents[2] / 'src' / 'genima_msgs' / 'msg' / 'EpisodeStatus.msg'
STORE.register(get_types_from_msg(EPISODE_STATUS.read_text(), 'genima_msgs/msg/EpisodeStatus'))
START_NS = 1_700_000_000_000_000_000
PROVENANCE = {'robot': 'panda', 'operator': 'Ann', 'calibration': {'id': 'c7', 'date': '2026-11-01'}}


def topic(name: str, kind: str) -> Topic:
    qos = qos_text(5, reliable=True, latched=False)
    return Topic(name, kind, STORE.generate_msgdef(kind, ros_version=2)[0], qos)


JOINTS = topic('/joint_states', 'sensor_msgs/msg/JointState')
IMAGES = topic('/cameras/front/image_raw', 'sensor_msgs/msg/Image')
EVENTS = topic('/episode_events', 'std_msgs/msg/String')
STATUS = topic('/episode', 'genima_msgs/msg/EpisodeStatus')


def header(stamp_ns: int) -> Any:
    time = STORE.types['builtin_interfaces/msg/Time'](sec=stamp_ns // 10**9, nanosec=stamp_ns % 10**9)
    return STORE.types['std_msgs/msg/Header'](stamp=time, frame_id='base')


def joints(stamp_ns: int, q_rad: np.ndarray) -> bytes:
    kind = 'sensor_msgs/msg/JointState'
    message = STORE.types[kind](
        header=header(stamp_ns), name=['a', 'b'], position=q_rad, velocity=np.zeros(2), effort=np.zeros(0)
    )
    return bytes(STORE.serialize_cdr(message, kind))


def image(stamp_ns: int, pixels: np.ndarray) -> bytes:
    kind = 'sensor_msgs/msg/Image'
    height, width, _ = pixels.shape
    message = STORE.types[kind](
        header=header(stamp_ns), height=height, width=width, encoding='rgb8', is_bigendian=0, step=3 * width,
        data=pixels.ravel(),
    )  # fmt: skip
    return bytes(STORE.serialize_cdr(message, kind))


def text(words: str) -> bytes:
    return bytes(STORE.serialize_cdr(STORE.types['std_msgs/msg/String'](data=words), 'std_msgs/msg/String'))


def moments(count: int, seed: int = 0) -> Iterator[tuple[str, int, bytes]]:
    """Yield what a robot with one camera says, 10 ms apart."""
    rng = np.random.default_rng(seed)
    for index in range(count):
        stamp_ns = START_NS + index * 10_000_000
        yield JOINTS.name, stamp_ns + 1_000_000, joints(stamp_ns, rng.normal(size=2))
        if index % 3 == 0:
            pixels = rng.integers(0, 255, (24, 32, 3), dtype=np.uint8)
            yield IMAGES.name, stamp_ns + 2_000_000, image(stamp_ns, pixels)


def record(folder: Path, count: int = 60, compression: str = 'lz4', flush_every: int = 0) -> list[tuple[str, int, bytes]]:
    """Record an episode without finishing it; return what was written."""
    writer = open_bag(folder, compression)
    written = []
    for index, moment in enumerate(moments(count)):
        writer.write(*moment)
        written.append(moment)
        if flush_every and index % flush_every == flush_every - 1:
            writer.flush()
    writer.finish('success', note='well done', streams={JOINTS.name: {'dropped': 0, 'largest_gap_s': 0.01}})
    return written


def open_bag(folder: Path, compression: str = 'lz4', flush_s: float = 0.4) -> BagWriter:
    writer = BagWriter(folder, PROVENANCE, compression, flush_s)
    for each in (JOINTS, IMAGES, EVENTS):
        writer.add_topic(each)
    return writer
