# SPDX-License-Identifier: Apache-2.0
"""Each check of the doctor finds what it is there to find, and says what to do."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from genima_ros.conversions.frames import FrameTree, transform_messages
from genima_ros.conversions.images import image_message
from genima_ros.conversions.messages import camera_info_message
from genima_ros.rig import checks
from genima_ros.rig.checks import Check, Stream
from rclpy.qos import DurabilityPolicy, QoSProfile, ReliabilityPolicy

import genima_ros  # noqa: F401  its gate decides which rclpy this is
from genima.cameras.model import CameraModel
from genima.robots.profile import RobotProfile

CAMERA = CameraModel('front', 64, 48, np.array([[50.0, 0, 31.5], [0, 50, 23.5], [0, 0, 1]]))


def _stream(topic: str = 'joint_states', count: int = 41, rate_hz: float = 10.0, **fields: object) -> Stream:
    stamps_s = [5.0 + index / rate_hz for index in range(count)]
    return Stream(topic, 1, stamps_s, [0.01] * count, **fields)  # type: ignore[arg-type]


def _failed(found: list[Check]) -> list[str]:
    assert all(check.remedy for check in found if not check.ok), 'what fails says what to do'
    return [f'{check.name}: {check.finding}' for check in found if not check.ok]


def test_a_healthy_stream_passes() -> None:
    assert not _failed(checks.check_stream(_stream(rate_hz=10.0), 9.0))


@pytest.mark.parametrize(
    ('change', 'words'),
    [
        ({'publishers': 0, 'stamps_s': []}, 'nobody publishes it'),
        ({'publishers': 1, 'stamps_s': []}, '1 publishers, but nothing arrives'),
        ({'stamps_s': [1.0, 1.2, 1.4]}, '5.0 Hz, at least 9.0 needed'),
        ({'stamps_s': [1.0, 1.1, 1.1, 1.2]}, '1 of 4 stamps do not increase'),
        ({'ages_s': [0.5] * 9}, '500 ms old'),
        ({'ages_s': [-0.2] * 9}, '-200 ms old'),
        ({'publishers': 2}, '2 publishers at once'),
    ],
)
def test_a_sick_stream_is_described(change: dict[str, object], words: str) -> None:
    stream = _stream()
    for name, value in change.items():
        setattr(stream, name, value)
    assert any(words in line for line in _failed(checks.check_stream(stream, 9.0)))


def test_joints_that_are_missing_or_outside_are_named(panda: RobotProfile) -> None:
    positions = dict(zip(panda.arm_joints, panda.home_rad.tolist(), strict=True))
    positions[panda.gripper.joints[0]] = 0.04
    assert not _failed(checks.check_joints(_stream(), panda, positions))
    del positions['panda_joint3']
    positions['panda_joint4'] = 0.2
    failed = _failed(checks.check_joints(_stream(), panda, positions))
    assert 'missing: panda_joint3' in failed[0] and 'panda_joint4 at 0.200 rad' in failed[1]


def _camera_checks(encoding: str = 'rgb8', width: int = 64, unchanged: int = 0, placed: bool = True) -> list[str]:
    message = image_message(np.zeros((48, 64, 3), dtype=np.uint8), 5.0, 'front_optical_frame')
    message.encoding = encoding
    info = camera_info_message(CAMERA.resized(width, 48), 5.0, 'front_optical_frame')
    frames = FrameTree()
    if placed:
        (edge,) = transform_messages([('base', 'front_optical_frame', np.eye(4))], 0.0)
        frames.set_transform_static(edge, 'test')
    image = _stream('image', newest=message, unchanged=unchanged)
    return _failed(checks.check_camera('front', image, _stream('info', newest=info), frames, 'base'))


def test_cameras() -> None:
    assert not _camera_checks()
    assert "encoding '16UC1' is not a colour image" in _camera_checks(encoding='16UC1')[0]
    assert 'camera_info is for 32x48, images are 64x48' in _camera_checks(width=32)[0]
    assert '5 equal images in a row' in _camera_checks(unchanged=5)[0]
    assert 'tf does not connect' in _camera_checks(placed=False)[0]


def test_cameras_that_drift_apart() -> None:
    late = _stream()
    late.stamps_s = [stamp_s - 0.2 for stamp_s in late.stamps_s]
    assert not _failed(checks.check_skew([_stream(), _stream()]))
    assert '100 ms between' in _failed(checks.check_skew([_stream(), late]))[0], 'of two, one may be on its way'


def test_the_command_topic_has_one_speaker_and_a_listener() -> None:
    assert not _failed(checks.check_command_topic('c/joint_trajectory', 1, 1))
    assert len(_failed(checks.check_command_topic('c/joint_trajectory', 2, 0))) == 2


def _endpoint(name: str, kind: str = 'sensor_msgs/msg/Image', reliable: bool = True, latched: bool = False) -> Any:
    reliability = ReliabilityPolicy.RELIABLE if reliable else ReliabilityPolicy.BEST_EFFORT
    durability = DurabilityPolicy.TRANSIENT_LOCAL if latched else DurabilityPolicy.VOLATILE
    quality = QoSProfile(depth=1, reliability=reliability, durability=durability)
    return SimpleNamespace(node_name=name, topic_type=kind, qos_profile=quality)


def test_types_and_qualities_of_service_have_to_match() -> None:
    def failed(speaker: Any, listener: Any) -> list[str]:
        return _failed(checks.check_endpoints('image', 'sensor_msgs/msg/Image', [speaker], [listener]))

    assert not failed(_endpoint('driver'), _endpoint('painter')) and not failed(
        _endpoint('driver', latched=True), _endpoint('painter', reliable=False)
    )
    assert 'painter does not hear driver' in failed(_endpoint('driver', reliable=False), _endpoint('painter'))[0]
    assert 'painter does not hear driver' in failed(_endpoint('driver'), _endpoint('painter', latched=True))[0]
    wrong = _endpoint('driver', 'sensor_msgs/msg/CompressedImage')
    assert 'CompressedImage of driver; sensor_msgs/msg/Image is needed' in failed(wrong, _endpoint('painter'))[0]


def test_small_socket_buffers(tmp_path: Path) -> None:
    size = tmp_path / 'rmem_max'
    size.write_text('212992\n')
    assert '212992 bytes' in _failed(checks.check_machine(size))[0]
    size.write_text('4194304\n')
    assert not _failed(checks.check_machine(size))
    assert checks.check_machine(tmp_path / 'missing') == []


def test_gpu_memory() -> None:
    assert not checks.check_gpu(None) and not _failed(checks.check_gpu((8 * 2**30, 24 * 2**30)))
    (check,) = checks.check_gpu((2**30, 24 * 2**30))
    assert not check.ok and check.finding == '1.0 of 24.0 GiB free, at least 2 wanted'
