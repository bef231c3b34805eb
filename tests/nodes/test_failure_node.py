# SPDX-License-Identifier: Apache-2.0
"""failure_node: the seconds around a flag are on the disk with their cause and diagnoses, and every refusal says why."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import yaml
from control_msgs.msg import JointTrajectoryControllerState
from genima_ros.conversions.frames import transform_messages
from genima_ros.conversions.images import image_message
from genima_ros.conversions.messages import camera_info_message, stamp
from genima_ros.core import qos
from sensor_msgs.msg import CameraInfo, CompressedImage, Image, JointState
from tf2_msgs.msg import TFMessage

from genima.cameras.views import tile
from genima.contract.spec import PolicySpec
from genima.contract.targets import paint_targets
from genima.failures.layout import is_finished, read_flag
from genima.failures.report import count_causes, read_segments
from genima.recording.layout import read_summary
from genima.recording.reader import read_bag
from genima.rig.rig import Rig, RigCamera
from genima.robots.profile import RobotProfile
from genima.sim.world import World
from genima_msgs.msg import TargetImage
from genima_msgs.srv import FlagFailure

PERIOD_S = 0.1
KINDS = {'raw': Image, 'compressed': CompressedImage}


class Cell:
    """A Panda at rest before four cameras, and a painter that knows one of them wrongly."""

    def __init__(self, probe: Any, policy: Path, rig: Rig | None = None) -> None:
        self.probe, self._spec, self._panda = probe, PolicySpec.load(policy), RobotProfile.load('panda')
        self._cameras = World(self._panda).cameras
        rig = rig or Rig.of(list(self._spec.cameras))
        self._joints = probe.create_publisher(JointState, rig.joint_states, qos.RELIABLE)
        self._state = probe.create_publisher(JointTrajectoryControllerState, 'arm/controller_state', qos.RELIABLE)
        self._targets = probe.create_publisher(TargetImage, 'target_image', qos.COMMAND)
        fixed = probe.create_publisher(TFMessage, 'tf_static', qos.STATIC_FRAMES)
        self._images, self._infos = {}, {}
        for camera in rig.cameras:
            self._images[camera.name] = probe.create_publisher(KINDS[camera.transport], camera.images, qos.RELIABLE)
            self._infos[camera.name] = probe.create_publisher(CameraInfo, camera.info, qos.RELIABLE)
        mounted = {name: self._cameras[name] for name in self._spec.cameras}
        edges = [(camera.parent_link, f'{name}_frame', camera.T_parent_camera) for name, camera in mounted.items()]
        fixed.publish(TFMessage(transforms=transform_messages(edges, 0.0)))
        self._view = np.full((len(self._spec.cameras), 128, 128, 3), 140, dtype=np.uint8)
        self._painted = self._paint()
        self._next_s = 0.0

    def _paint(self) -> np.ndarray:
        wrong = dict(self._cameras)
        T = np.eye(4)
        T[0, 3] = 0.03
        front = wrong['front']
        wrong['front'] = type(front)(front.model, front.parent_link, front.T_parent_camera @ T)
        home = self._panda.home_rad
        return tile(paint_targets(self._spec, self._panda, wrong, self._view, home, home, 1.0))

    def say(self, duration_s: float) -> None:
        end_s = time.monotonic() + duration_s
        while time.monotonic() < end_s:
            now_s = 1e-9 * self.probe.get_clock().now().nanoseconds
            if now_s >= self._next_s:
                self._next_s = max(self._next_s + PERIOD_S, now_s - PERIOD_S)
                self._say(now_s)
            self.probe.spin_for(0.01)

    def _say(self, now_s: float) -> None:
        fingers = self._panda.gripper
        names = [*self._panda.arm_joints, *fingers.joints]
        positions = [*self._panda.home_rad.tolist(), *([fingers.open_m] * len(fingers.joints))]
        joints, state = JointState(name=names, position=positions), JointTrajectoryControllerState(joint_names=['a'])
        target = TargetImage(contract=self._spec.hash(), cameras=list(self._spec.cameras), horizon_s=1.0)
        target.image = image_message(self._painted, now_s, '')
        for message, publisher in ((joints, self._joints), (state, self._state), (target, self._targets)):
            message.header.stamp = stamp(now_s)
            publisher.publish(message)
        for name, view in zip(self._spec.cameras, self._view, strict=True):
            message: Any = image_message(view, now_s, f'{name}_frame')
            if self._images[name].msg_type is CompressedImage:
                data = cv2.imencode('.png', cv2.cvtColor(view, cv2.COLOR_RGB2BGR))[1].tobytes()
                message = CompressedImage(header=message.header, format='png', data=data)
            self._images[name].publish(message)
            self._infos[name].publish(camera_info_message(self._cameras[name].model, now_s, f'{name}_frame'))

    def flag(self, cause: str = 'calibration', note: str = '', seconds_ago: float = 0.0) -> Any:
        request = FlagFailure.Request(cause=cause, note=note, seconds_ago=seconds_ago)
        return self.probe.call(FlagFailure, 'failure_node/flag', request)


@pytest.fixture
def cell(probe: Any, policy: Path) -> Cell:
    return Cell(probe, policy)


def _launch(start: Callable[..., Any], policy: Path, out: Path, **parameters: Any) -> Any:
    given = {'controller': 'arm', 'policy': policy, 'out': out, 'reserve_gb': 0.01, 'reliable_sensors': True, **parameters}
    node = start('failure_node', **given)
    node.wait_for('failures ready')
    return node


def test_a_flagged_moment_is_kept_diagnosed_and_counted(
    cell: Cell, start: Callable[..., Any], policy: Path, tmp_path: Path
) -> None:
    node = _launch(start, policy, tmp_path, after_s=1.0, seconds=6.0)
    answer = cell.flag()
    assert not answer.success and answer.message.startswith('nothing was heard yet'), answer.message
    cell.say(4.0)
    first, second = cell.flag('calibration', 'too far left', 0.5), cell.flag('jitter')
    assert first.success and second.success, (first.message, second.message)
    assert [Path(each.folder).name for each in (first, second)] == ['failure_000000', 'failure_000001']
    assert not is_finished(first.folder)
    cell.say(1.5)
    node.wait_for('failure_000001 kept', 60.0)
    node.wait_for('failure_000001: suspect the extrinsic of camera front', 60.0)

    flag = read_flag(first.folder)
    assert (flag.cause, flag.note, flag.task) == ('calibration', 'too far left', 'pick')
    assert flag.contract == PolicySpec.load(policy).hash() and flag.policy == str(policy)
    assert 1.0 < flag.seconds_before < 6.0 and flag.seconds_after == pytest.approx(1.5, abs=0.3)
    (diagnosis,) = flag.diagnoses
    assert flag.diagnosed and diagnosis['name'] == 'camera_offset' and diagnosis['figures']['camera'] == 'front'
    messages = list(read_bag(first.folder))
    assert {'/target_image', '/tf_static', '/joint_states', '/cameras/wrist/image_raw'} <= {each.topic for each in messages}
    stamps_s = [1e-9 * each.log_time_ns for each in messages if each.topic == '/joint_states']
    assert min(stamps_s) < flag.stamp_s - 1.0 and max(stamps_s) > flag.stamp_s + 1.0
    summary = read_summary(first.folder)
    assert summary['failure'] == 'calibration' and summary['provenance']['robot'] == 'panda'
    segments = list(read_segments(tmp_path))
    assert count_causes(segments) == {'pick': {'calibration': 1, 'jitter': 1}}
    assert all(segment.suspected == ['calibration'] for segment in segments)


def test_a_lab_with_a_rig_file_gets_the_same_diagnosis(
    probe: Any, start: Callable[..., Any], policy: Path, tmp_path: Path
) -> None:
    names = PolicySpec.load(policy).cameras
    transports = ['compressed', *['raw'] * (len(names) - 1)]
    cameras = [RigCamera(name, f'/lab/{name}/color/image', f'/lab/{name}/color/camera_info', transport)
               for name, transport in zip(names, transports, strict=True)]  # fmt: skip
    rig = Rig(tuple(cameras), 'panda', '/lab/joint_states')
    file = tmp_path / 'my_rig.yaml'
    file.write_text(yaml.safe_dump(rig.to_dict()))
    cell = Cell(probe, policy, rig)
    node = _launch(start, policy, tmp_path / 'out', rig=file, after_s=1.0, seconds=6.0)
    cell.say(4.0)
    answer = cell.flag()
    assert answer.success, answer.message
    cell.say(1.5)
    node.wait_for('failure_000000: suspect the extrinsic of camera front', 60.0)
    provenance = read_summary(answer.folder)['provenance']
    assert Rig.from_dict(provenance['rig']).cameras == rig.cameras and provenance['namespace'] == '/'
    heard = {each.topic for each in read_bag(answer.folder)}
    assert {'/lab/joint_states', *(camera.images for camera in cameras)} <= heard


def test_refusals_say_why_and_ctrl_c_keeps_what_was_flagged(
    cell: Cell, start: Callable[..., Any], policy: Path, tmp_path: Path
) -> None:
    node = _launch(start, policy, tmp_path, after_s=30.0, diagnose=False)
    cell.say(1.5)
    for answer, words in (
        (cell.flag('bad luck'), 'allowed: calibration, occlusion'),
        (cell.flag('jitter', seconds_ago=60.0), 'that was 60.0 s ago, and the memory reaches back'),
        (cell.flag('jitter', seconds_ago=-1.0), 'a time that has passed'),
    ):
        assert not answer.success and words in answer.message and answer.folder == '', answer.message
    answer = cell.flag('collision')
    assert answer.success, answer.message
    cell.say(0.5)
    code, _ = node.end()
    assert code == 0 and 'Traceback' not in node.text, node.text
    flag = read_flag(answer.folder)
    assert flag.cause == 'collision' and 0.2 < flag.seconds_after < 5.0 and not flag.diagnosed

    _launch(start, policy, tmp_path, reserve_gb=9999.0)
    cell.say(1.5)
    answer = cell.flag('collision')
    assert not answer.success and 'GB are wanted' in answer.message


@pytest.mark.parametrize(
    ('parameters', 'message'),
    [
        ({'compression': 'rar'}, 'allowed: none, lz4, zstd'),
        ({'workspace_min_m': '[0.0, 0.0]'}, 'a box has three numbers each'),
    ],
)
def test_wrong_parameters_are_one_clear_line(
    start: Callable[..., Any], tmp_path: Path, parameters: dict[str, str], message: str
) -> None:
    node = start('failure_node', **{'controller': 'arm', 'robot': 'panda', 'out': tmp_path, **parameters})
    assert node.exit_code() == 1 and message in node.text and 'Traceback' not in node.text
