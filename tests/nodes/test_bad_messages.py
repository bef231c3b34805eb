# SPDX-License-Identifier: Apache-2.0
"""One bad message ends no node: transforms that are none, images that lie about their size, empty and half messages."""

from array import array
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus
from genima_ros.conversions.frames import transform_messages
from genima_ros.conversions.images import image_message
from genima_ros.conversions.messages import camera_info_message
from genima_ros.conversions.trajectories import chunk_message
from genima_ros.core import qos
from geometry_msgs.msg import TransformStamped
from sensor_msgs.msg import CameraInfo, Image, JointState
from test_console_node import Page
from tf2_msgs.msg import TFMessage

from genima.calibration.file import CameraCalibration, write_calibration
from genima.cameras.model import CameraModel, MountedCamera
from genima.chunks.plan import Chunk
from genima.contract.spec import PolicySpec
from genima.rig.rig import image_topic, info_topic
from genima.robots.profile import RobotProfile
from genima_msgs.msg import ActionChunk, GuardStatus, NodeStats, TargetImage

PANDA = RobotProfile.load('panda')
NAN = float('nan')
CAMERA = CameraModel('front', 64, 48, np.array([[60.0, 0, 31.5], [0, 60.0, 23.5], [0, 0, 1]]))
GREY = np.full((48, 64, 3), 100, np.uint8)


def _bad_transforms(child: str = 'gripper_camera') -> list[TransformStamped]:
    zero, nan, unnamed, loop = transform_messages([('panda_link0', child, np.eye(4))] * 4, 1.0)
    zero.transform.rotation.w = 0.0
    nan.transform.translation.x = NAN
    unnamed.child_frame_id = ''
    loop.header.frame_id = child
    return [zero, nan, unnamed, loop]


def _bad_images() -> list[Image]:
    found = []
    changes: list[dict[str, Any]] = [
        {'data': array('B')}, {'height': 2**31}, {'width': 0}, {'step': 1}, {'encoding': '32FC1'}, {'encoding': 'no such'},
        {'width': 63, 'encoding': 'yuv422', 'step': 126, 'data': array('B', bytes(126 * 48))},
    ]  # fmt: skip
    for change in changes:
        message = image_message(GREY, 0.0, 'front_optical_frame')
        for name, value in change.items():
            setattr(message, name, value)
        found.append(message)
    return [*found, Image()]


def _bad_infos() -> list[CameraInfo]:
    found = [camera_info_message(CAMERA, 0.0, 'front_optical_frame') for _ in range(4)]
    found[0].k = np.full(9, NAN)
    found[1].d = [NAN] * 5
    found[2].width = found[2].height = 0
    found[3].distortion_model = 'seen by nobody'
    return [*found, CameraInfo()]


class Vandal:
    """Publishes everything that is bad, again and again, under new stamps."""

    def __init__(self, probe: Any, spec: PolicySpec) -> None:
        self._probe = probe
        self._contract = spec.hash()
        publish = probe.create_publisher
        self._tf = publish(TFMessage, '/tf', 10)
        self._joints = publish(JointState, 'joint_states', 10)
        self._chunks = publish(ActionChunk, 'action_chunk', qos.COMMAND)
        self._targets = publish(TargetImage, 'target_image', qos.COMMAND)
        self._stats = publish(NodeStats, 'node_stats', qos.STATISTICS)
        self._guard = publish(GuardStatus, 'guard/status', qos.LATCHED)
        self._images = {name: publish(Image, image_topic(name), qos.RELIABLE) for name in spec.cameras}
        self._infos = {name: publish(CameraInfo, info_topic(name), qos.RELIABLE) for name in spec.cameras}

    def send(self, image: Image, info: CameraInfo) -> None:
        now = self._probe.get_clock().now().to_msg()
        self._tf.publish(TFMessage())
        self._tf.publish(TFMessage(transforms=_bad_transforms()))
        for joints in (JointState(), JointState(name=['panda_joint1', 'panda_joint2'], position=[NAN])):
            joints.header.stamp = now
            self._joints.publish(joints)
        good = JointState(name=list(PANDA.arm_joints), position=PANDA.home_rad.tolist())
        good.header.stamp = now
        self._joints.publish(good)
        for name in self._images:
            image.header.stamp = info.header.stamp = now
            self._infos[name].publish(info)
            self._images[name].publish(image)
        self._targets.publish(TargetImage())
        self._targets.publish(TargetImage(header=good.header, contract=self._contract, image=image))
        self._stats.publish(NodeStats(node='act_node', stages=['a', 'b'], milliseconds=[1.0]))
        self._guard.publish(GuardStatus(state='no such', limits=['position'], violations=['x']))
        whole, half, empty = (
            chunk_message(_chunk(1e-9 * self._probe.get_clock().now().nanoseconds), PANDA, self._contract) for _ in 'abc'
        )
        half.points[3].positions = [0.0]
        empty.points = []
        for chunk in (whole, half, empty, ActionChunk()):
            self._chunks.publish(chunk)


def _chunk(stamp_s: float) -> Chunk:
    return Chunk(stamp_s, 0.1, np.tile(PANDA.home_rad, (16, 1)), np.ones(16))


def _nodes(tmp_path: Path, policy: Path) -> dict[str, dict[str, Any]]:
    controller = 'panda_arm_controller'
    mounted = MountedCamera(CAMERA, 'panda_link0', np.eye(4))
    (tmp_path / 'calibrations').mkdir()
    write_calibration(tmp_path / 'calibrations' / 'front.yaml', CameraCalibration(mounted, '2026-05-01T12:00:00Z'))
    files = {'robot': 'panda', 'controller': controller, 'cameras': '[front]'}
    return {
        'overlay_node': {'policy': policy},
        'target_check_node': {'policy': policy},
        'camera_check_node': {'policy': policy},
        'calibration_node': {'folder': tmp_path / 'calibrations', 'wait_s': 0.5},
        'console_node': {'policy': policy, 'port': 0},
        'doctor_node': {'policy': policy, 'controller': controller, 'period_s': 1.0},
        'failure_node': {**files, 'out': tmp_path / 'failures'},
        'recorder_node': {**files, 'out': tmp_path / 'recordings'},
        'guard_node': {'policy': policy, 'controller': controller, 'simulated': True},
        'act_node': {'policy': policy},
        'diffusion_node': {'policy': policy},
    }


READY = {
    'overlay_node': '', 'target_check_node': 'target check ready', 'camera_check_node': 'camera check ready',
    'calibration_node': 'listening', 'console_node': 'console: http', 'doctor_node': 'doctor ready',
    'failure_node': 'failures ready', 'recorder_node': 'recorder ready', 'guard_node': 'guard ready',
    'act_node': 'controller ready', 'diffusion_node': 'painter ready',
}  # fmt: skip
RAW = ('recorder_node', 'failure_node')  # they keep what comes as it comes
OF_FRAMES = ('overlay_node', 'target_check_node', 'camera_check_node', 'calibration_node', 'console_node', 'doctor_node')


@pytest.mark.parametrize('name', READY)
def test_a_bad_message_ends_no_node(
    start: Callable[..., Any], probe: Any, policy: Path, tmp_path: Path, name: str
) -> None:
    vandal = Vandal(probe, PolicySpec.load(policy))
    diagnostics = probe.listen(DiagnosticArray, '/diagnostics')
    node = start(name, **_nodes(tmp_path, policy)[name])
    node.wait_for(READY[name])
    page = Page(probe, node) if name == 'console_node' else None
    if page is not None:
        page.say(look=['camera/front', 'target/front'])
    heard = ('action_chunk', 'target_image', '/tf', image_topic('front'))
    probe.spin_until(lambda: any(probe.count_subscribers(topic) for topic in heard))
    images, infos = _bad_images(), _bad_infos()
    for turn in range(len(images) + len(infos)):
        vandal.send(images[turn % len(images)], infos[turn % len(infos)])
        probe.spin_for(0.12)
    if name in OF_FRAMES:
        node.wait_for('tf of gripper_camera is not finite')
        assert node.text.count('tf of gripper_camera') == 1, 'once for each frame'
    states = [each for message in diagnostics for each in message.status if each.name == f'{name}: inputs']
    assert states, 'it says nothing on /diagnostics'
    refused = {each.key: int(each.value) for each in states[-1].values}
    if name not in RAW:
        assert refused['refused'] > 0 and any(each.level == DiagnosticStatus.WARN for each in states)
    assert node.process.poll() is None, node.text
    assert 'Traceback' not in node.text, node.text
    code, _ = node.end()
    assert code == 0 and 'Traceback' not in node.text, node.text


def test_a_needed_frame_that_is_not_finite_is_named(start: Callable[..., Any], probe: Any, policy: Path) -> None:
    node = start('camera_check_node', policy=policy, cameras='front')
    node.wait_for('camera check ready')
    vandal = Vandal(probe, PolicySpec.load(policy))
    image, info = image_message(GREY, 0.0, ''), camera_info_message(CAMERA, 0.0, 'gripper_camera')
    for _ in range(10):
        vandal.send(image, info)
        probe.spin_for(0.1)
    node.wait_for('camera front is not checked: tf of gripper_camera is not finite')
