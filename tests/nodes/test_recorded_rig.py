# SPDX-License-Identifier: Apache-2.0
"""Recorder and doctor hear the topics of a lab: by a rig file, by remapping, in a namespace, raw and compressed."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import yaml
from control_msgs.msg import JointTrajectoryControllerState
from genima_bringup.doctor import Doctor
from genima_ros.conversions.images import image_message
from genima_ros.conversions.messages import camera_info_message, stamp
from genima_ros.core import qos
from sensor_msgs.msg import CameraInfo, CompressedImage, Image, JointState

from genima.cameras.model import CameraModel
from genima.contract.spec import PolicySpec
from genima.recording.layout import list_recordings, read_summary
from genima.rig.rig import Rig, RigCamera
from genima.robots.profile import RobotProfile
from genima_msgs.srv import EndEpisode, StartEpisode

MODEL = CameraModel('x', 32, 24, np.array([[30.0, 0, 15.5], [0, 30.0, 11.5], [0, 0, 1.0]]))


class Drivers:
    """Publishes what a rig names, twenty times a second, by a timer of the probe."""

    def __init__(self, probe: Any, rig: Rig, controller: str) -> None:
        self._probe, self._profile = probe, RobotProfile.load('panda')
        self._joints = probe.create_publisher(JointState, rig.joint_states, qos.RELIABLE)
        self._state = probe.create_publisher(
            JointTrajectoryControllerState, f'{controller}/controller_state', qos.RELIABLE
        )
        self._images = []
        for camera in rig.cameras:
            kind = CompressedImage if camera.transport == 'compressed' else Image
            self._images.append((kind, probe.create_publisher(kind, camera.images, qos.RELIABLE)))
        self._infos = [probe.create_publisher(CameraInfo, camera.info, qos.RELIABLE) for camera in rig.cameras]
        self._count = 0
        probe.create_timer(0.05, self._publish)

    def _publish(self) -> None:
        self._count += 1
        now_s = 1e-9 * self._probe.get_clock().now().nanoseconds
        pixels = np.full((24, 32, 3), self._count * 7 % 255, dtype=np.uint8)
        for kind, publisher in self._images:
            message = image_message(pixels, now_s, 'optical')
            if kind is CompressedImage:
                data = cv2.imencode('.png', pixels)[1].tobytes()
                message = CompressedImage(header=message.header, format='png', data=data)
            publisher.publish(message)
        for publisher in self._infos:
            publisher.publish(camera_info_message(MODEL, now_s, 'optical'))
        names = [*self._profile.arm_joints, *self._profile.gripper.joints]
        joints = JointState(name=names, position=[0.0] * len(names))
        joints.header.stamp = stamp(now_s)
        self._joints.publish(joints)
        state = JointTrajectoryControllerState(joint_names=list(self._profile.arm_joints))
        state.header.stamp = stamp(now_s)
        self._state.publish(state)


def lab(cameras: int, transport: str) -> Rig:
    names = [f'cam{number}' for number in range(cameras)]
    found = tuple(RigCamera(name, f'/{name}/color/image_raw', f'/{name}/color/camera_info', transport) for name in names)
    return Rig(found, 'panda', '/franka/joint_states')


def record(probe: Any, space: str, out: Path) -> dict[str, Any]:
    node = f'{space}/recorder_node'
    probe.spin_for(1.0)
    begun = probe.call(StartEpisode, f'{node}/start_episode', StartEpisode.Request(instruction='pick it up', seed=-1))
    assert begun.success, begun.message
    probe.spin_for(0.5)
    ended = probe.call(EndEpisode, f'{node}/end_episode', EndEpisode.Request(outcome='success'))
    assert ended.success, ended.message
    return dict(read_summary(list_recordings(out)[0]))


@pytest.mark.parametrize(('cameras', 'transport'), [(1, 'raw'), (6, 'compressed')])
def test_a_rig_file_names_what_is_recorded(
    start: Callable[..., Any], probe: Any, tmp_path: Path, cameras: int, transport: str
) -> None:
    rig = lab(cameras, transport)
    file = tmp_path / 'my_rig.yaml'
    file.write_text(yaml.safe_dump(rig.to_dict()))
    Drivers(probe, rig, 'arm')
    out = tmp_path / 'out'
    start('recorder_node', rig=file, controller='arm', out=out, reserve_gb=0.01).wait_for('recorder ready')
    summary = record(probe, '', out)
    assert Rig.from_dict(summary['provenance']['rig']).cameras == rig.cameras
    assert summary['provenance']['rig']['joint_states'] == '/franka/joint_states'
    counts = {name: each['count'] for name, each in summary['topics'].items()}
    assert all(counts[camera.images] > 3 and counts[camera.info] > 3 for camera in rig.cameras), counts


@pytest.mark.parametrize('transport', ['compressed'])
def test_remapped_in_a_namespace_the_bag_says_what_was_what(
    start: Callable[..., Any], probe: Any, tmp_path: Path, transport: str
) -> None:
    ours = Rig.of(['front', 'side'], transport)
    rig = Rig(tuple(RigCamera(each.name, f'/lab/{each.name}/image', f'/lab/{each.name}/info', transport)
                    for each in ours.cameras), '', '/cell/joint_states')  # fmt: skip
    Drivers(probe, rig, '/cell/arm')
    node = start('recorder_node', controller='arm', cameras='[front, side]', transport=transport, out=tmp_path,
                 reserve_gb=0.01, remap={'__ns': '/cell', **rig.remappings()})  # fmt: skip
    node.wait_for('recorder ready')
    known = record(probe, '/cell', tmp_path)['provenance']['rig']
    assert Rig.from_dict(known) == Rig.from_dict(rig.to_dict())


@pytest.mark.parametrize('transport', ['compressed'])
def test_the_doctor_examines_the_topics_of_a_rig(probe: Any, policy: Path, transport: str) -> None:
    spec = PolicySpec.load(policy)
    found = tuple(RigCamera(name, f'/{name}/image', f'/{name}/info', transport) for name in spec.cameras)
    rig = Rig(found, 'panda', '/franka/joint_states')
    Drivers(probe, rig, 'arm')
    with Doctor(spec, RobotProfile.load('panda'), 'arm', rig) as doctor:
        doctor._executor.add_node(probe)
        checks = {check.name: check for check in doctor.examine(1.5)}
    for name in spec.cameras:
        assert checks[f'camera {name} image'].ok, checks
        assert checks[f'camera {name} calibration'].ok, checks
    assert checks['/franka/joint_states names'].ok
