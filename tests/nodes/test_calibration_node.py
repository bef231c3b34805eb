# SPDX-License-Identifier: Apache-2.0
"""calibration_node: cameras into tf, never with a second parent, and a word about camera_info."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
from genima_ros.conversions.frames import FrameTree, transform_messages
from genima_ros.conversions.messages import camera_info_message
from genima_ros.core import qos
from rclpy.node import Node
from rclpy.time import Time
from sensor_msgs.msg import CameraInfo
from tf2_msgs.msg import TFMessage
from tf2_ros import TransformListener

from genima.calibration.file import CameraCalibration, write_calibration
from genima.cameras.model import CameraModel, MountedCamera

K = np.array([[600.0, 0, 318], [0, 602, 243], [0, 0, 1]])
DATE = '2026-05-01T12:00:00Z'


def _write(folder: Path, name: str, parent: str, x_m: float) -> None:
    pose = np.eye(4)
    pose[0, 3] = x_m
    camera = MountedCamera(CameraModel(name, 640, 480, K), parent, pose)
    write_calibration(folder / f'{name}.yaml', CameraCalibration(camera, DATE))


def test_cameras_get_their_place_once(start: Callable, probe: Node, tmp_path: Path) -> None:  # type: ignore[type-arg]
    _write(tmp_path, 'front', 'base', 0.5)
    _write(tmp_path, 'wrist', 'hand', 0.1)
    _write(tmp_path, 'side', 'base', 0.7)
    shift = np.eye(4)
    shift[0, 3] = 0.02
    static = probe.create_publisher(TFMessage, 'tf_static', qos.STATIC_FRAMES)
    edges = [('base', 'hand', np.eye(4)), ('base', 'side_optical_frame', np.eye(4)), ('wrist_link', 'wrist_lens', shift)]
    static.publish(TFMessage(transforms=transform_messages(edges, 0.0)))
    info = probe.create_publisher(CameraInfo, 'cameras/wrist/camera_info', qos.RELIABLE)
    other = CameraModel('wrist', 640, 480, np.array([[600.0, 0, 322], [0, 602, 243], [0, 0, 1]]))
    probe.create_timer(0.1, lambda: info.publish(camera_info_message(other, 0.0, 'wrist_lens')))
    heard = FrameTree()
    TransformListener(heard, probe)
    frames = 'front_optical_frame', 'wrist_link'
    node = start('calibration_node', folder=tmp_path, wait_s=2.0)
    probe.spin_until(lambda: all(heard.can_transform('base', frame, Time()) for frame in frames))
    assert np.allclose(heard.lookup('base', 'front_optical_frame')[:3, 3], [0.5, 0, 0])
    assert np.allclose(heard.lookup('hand', 'wrist_lens')[:3, 3], [0.1, 0, 0])  # through the driver's own frame
    assert np.allclose(heard.lookup('base', 'side_optical_frame'), np.eye(4))  # that of the one who was first
    node.wait_for('side_optical_frame already has the parent base, which puts it 700.0 mm')
    node.wait_for('4.0 px apart')
    assert 'front: reprojection error: not measured' in node.text
    assert node.end()[0] == 0


def test_a_folder_without_calibrations_ends_the_node(start: Callable, tmp_path: Path) -> None:  # type: ignore[type-arg]
    node = start('calibration_node', folder=tmp_path)
    assert node.exit_code() == 1 and 'genima calibrate hand-eye' in node.text
