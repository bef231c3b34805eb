# SPDX-License-Identifier: Apache-2.0
"""`genima latency` reads a recording and writes the file that conversions take."""

import json
from pathlib import Path

import numpy as np
import pytest
import typer
from filmed import PANDA, filmed
from typer.testing import CliRunner

from genima.align.grid import to_nanoseconds
from genima.align.latency import read_offsets
from genima.cli.latency import latency
from genima.convert.mcap import messages
from genima.recording.writer import BagWriter

DELAY_S = 0.041
KINDS = {'/joint_states': 'sensor_msgs/msg/JointState', '/tf_static': 'tf2_msgs/msg/TFMessage'}


def record(folder: Path, images: str) -> None:
    """A recording of a moving arm whose camera, on the topic `images`, stamps its pictures too late."""
    info = images.replace('image_raw', 'camera_info')
    kinds = {**KINDS, images: 'sensor_msgs/msg/Image', info: 'sensor_msgs/msg/CameraInfo'}
    motion = filmed('front')
    camera, writer = motion.camera, BagWriter(folder, {'robot': 'panda'})
    for topic, kind in kinds.items():
        writer.add_topic(messages.topic(topic, kind))
    mount = messages.transform(0.0, camera.parent_link, 'front_frame', camera.T_parent_camera)
    writer.write('/tf_static', 0, messages.cdr(KINDS['/tf_static'], transforms=[mount]))
    times_s = motion.joints.times_s(PANDA.arm_joints[0])
    for time_s, q_rad in zip(times_s, motion.joints.at(PANDA.arm_joints, times_s, 0.1), strict=True):
        message = messages.joint_state(time_s, PANDA.arm_joints, np.asarray(q_rad))
        writer.write('/joint_states', to_nanoseconds(time_s), message)
    for time_s, frame in zip(motion.times_s + DELAY_S, motion.frames, strict=True):
        now_ns = to_nanoseconds(time_s)
        writer.write(info, now_ns, messages.camera_info(camera.model, time_s, 'front_frame'))
        writer.write(images, now_ns, messages.image(frame, time_s, 'front_frame'))
    writer.finish('success')


@pytest.mark.parametrize(
    ('images', 'said'),
    [('/cameras/front/image_raw', []), ('/rs/color/image_raw', ['--camera', 'front=/rs/color/image_raw'])],
)
def test_the_command_finds_the_latency_in_a_recording(tmp_path: Path, images: str, said: list[str]) -> None:
    record(tmp_path / 'episode_000000', images)
    app = typer.Typer()
    app.command()(latency)
    out = tmp_path / 'latency.json'
    options = ['--search-ms', '-20', '100', '--json', str(out), *said]
    result = CliRunner().invoke(app, [str(tmp_path / 'episode_000000'), *options])
    assert result.exit_code == 0, result.output
    assert abs(read_offsets(out)['front'] - DELAY_S) < 0.005
    figures = json.loads(out.read_text())['cameras']['front']
    assert figures['watched'] == 'arm' and figures['uncertainty_s'] < 0.005
    assert 'front' in result.output
