# SPDX-License-Identifier: Apache-2.0
"""A recording replayed through what the nodes use, and converted: the same joints, the same frames, to the last bit."""

import genima_ros  # isort: skip  # noqa: F401  its gate decides which rclpy this is

from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
from genima_ros.conversions.images import image_message
from genima_ros.inputs.joint_states import JointStates
from genima_ros.inputs.views import ViewBuffer
from sensor_msgs.msg import CameraInfo

from genima.align.demonstration import GridOptions, Moments, Streams, align
from genima.align.grid import to_nanoseconds
from genima.cameras.pixels import raw_pixels
from genima.convert.mcap import messages
from genima.convert.mcap.survey import Survey
from genima.convert.mcap.topics import stamp_s
from genima.recording.reader import Bag, read_bag
from genima.recording.writer import BagWriter
from genima.rig.rig import image_topic
from genima.robots.profile import RobotProfile

PANDA = RobotProfile.load('panda')
RATES_HZ = {'front': 30.0, 'wrist': 30.0, 'side': 15.0}
OFFSETS_S = {'wrist': 0.012}
GAP_S = 0.1


class Moment(NamedTuple):
    """What a node would have worked with."""

    time_s: float
    captured_s: tuple[float, ...]
    q_rad: np.ndarray


@pytest.fixture(scope='module')
def bag(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four seconds: clocks that jitter, pictures that are under way for 20 to 60 ms, an arm that comes in two parts."""
    rng = np.random.default_rng(4)
    sent: list[tuple[int, str, bytes]] = []
    for part, names in enumerate((PANDA.arm_joints[:4], PANDA.arm_joints[4:], PANDA.gripper.joints)):
        for time_s in 50.0 + np.arange(400) / 100 + rng.uniform(0, 0.004, 400) + 0.003 * part:
            message = messages.joint_state(time_s, names, rng.normal(size=len(names)))
            sent.append((to_nanoseconds(time_s + 0.001), '/joint_states', message))
    for camera, rate_hz in RATES_HZ.items():
        stamps_s = 50.1 + np.arange(0, 3.7, 1 / rate_hz) + rng.uniform(0, 0.012)
        for number, time_s in enumerate(stamps_s + rng.uniform(0, 0.01, len(stamps_s))):
            message = messages.image(np.full((2, 2, 3), number, dtype=np.uint8), time_s, camera)
            sent.append((to_nanoseconds(time_s + rng.uniform(0.02, 0.06)), f'/{image_topic(camera)}', message))
    folder = tmp_path_factory.mktemp('bag') / 'episode_000000'
    with BagWriter(folder, {}) as writer:
        for topic, kind in {
            '/joint_states': 'JointState',
            **{f'/{image_topic(name)}': 'Image' for name in RATES_HZ},
        }.items():
            writer.add_topic(messages.topic(topic, f'sensor_msgs/msg/{kind}'))
        for log_time_ns, topic, message in sorted(sent):
            writer.write(topic, log_time_ns, message)
    return folder


def replay(bag: Path) -> list[Moment]:
    """Hand every message to the nodes' buffers as it came, and note each new set of views with the joints of its moment."""
    joints, views = JointStates(PANDA, GAP_S), ViewBuffer(list(RATES_HZ), 0.06, OFFSETS_S)
    cameras = {f'/{image_topic(name)}': name for name in RATES_HZ}
    found: list[Moment] = []
    for name in RATES_HZ:
        views.add_info(name, CameraInfo())
    for topic, _, log_time_ns, message in read_bag(bag):
        if topic == '/joint_states':
            joints.add(message.name, message.position, stamp_s(message))
            continue
        picture = image_message(raw_pixels(message, topic), stamp_s(message), cameras[topic])
        views.add_image(cameras[topic], picture, 1e-9 * log_time_ns)
        images = views.newest()
        if images is not None and (not found or images.time_s > found[-1].time_s):
            stamps_s = zip(RATES_HZ, (stamp_s(image) for image in images.images), strict=True)
            captured_s = tuple(time_s - OFFSETS_S.get(name, 0.0) for name, time_s in stamps_s)
            found.append(Moment(images.time_s, captured_s, joints.arm_at(images.time_s)))
    return found


def read_back(bag: Path) -> Streams:
    survey = Survey(PANDA, OFFSETS_S)
    survey.read(Bag(bag))
    return survey.streams


def test_nodes_and_conversion_see_the_same(bag: Path) -> None:
    live = replay(bag)
    times_s = np.array([moment.time_s for moment in live])
    assert len(live) > 45 and np.ptp(times_s) > 3.0
    streams = read_back(bag)
    moments = Moments(times_s, dict.fromkeys(RATES_HZ, times_s))
    converted = align(streams, GridOptions(15.0, max_gap_s=GAP_S, max_skew_s=0.06), moments)
    np.testing.assert_array_equal(converted.q_rad, [moment.q_rad for moment in live])
    captured_s = np.stack([converted.capture_s[name] for name in RATES_HZ], axis=1)
    np.testing.assert_array_equal(captured_s, [moment.captured_s for moment in live])


def test_a_latency_that_is_left_out_would_be_noticed(bag: Path) -> None:
    live, survey = replay(bag), Survey(PANDA, {})
    survey.read(Bag(bag))
    wrist = survey.streams.cameras['wrist']
    stamps_s = [wrist.nearest(moment.time_s).time_s for moment in live]
    assert np.abs(np.subtract(stamps_s, [moment.captured_s[1] + OFFSETS_S['wrist'] for moment in live])).max() > 0.01
