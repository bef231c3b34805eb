# SPDX-License-Identifier: Apache-2.0
"""camera_check_node: takes references, finds the camera that was bumped, and the guard does not arm with it."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from genima_ros.conversions.frames import optical_frame, transform_messages
from genima_ros.conversions.images import image_message
from genima_ros.conversions.messages import camera_info_message, stamp
from genima_ros.core import qos
from sensor_msgs.msg import CameraInfo, Image, JointState
from std_srvs.srv import Trigger
from tf2_msgs.msg import TFMessage

from genima.bench.camera_work import Bump, WorkingArm
from genima.calibration.file import CameraCalibration, write_calibration
from genima.rig.rig import image_topic, info_topic
from genima_msgs.msg import CameraCheck, GuardStatus

CAMERAS = ('front', 'wrist')


class Lab:
    """Two cameras and an arm that works, five pictures a second."""

    def __init__(self, probe: Any) -> None:
        self.probe, self.arm, self._t_s = probe, WorkingArm('panda', 128, 128, seed=1), 0.0
        self._images = {name: probe.create_publisher(Image, image_topic(name), qos.RELIABLE) for name in CAMERAS}
        self._infos = {name: probe.create_publisher(CameraInfo, info_topic(name), qos.RELIABLE) for name in CAMERAS}
        self._joints = probe.create_publisher(JointState, 'joint_states', qos.RELIABLE)
        self._frames = probe.create_publisher(TFMessage, 'tf_static', qos.STATIC_FRAMES)
        self.checks: list[CameraCheck] = probe.listen(CameraCheck, 'camera_check', qos.STATISTICS)
        cameras = {name: sight.camera for name, sight in self.arm.sights(0.0, CAMERAS).items()}
        edges = [(each.parent_link, optical_frame(name), np.asarray(each.T_parent_camera)) for name, each in cameras.items()]
        self._frames.publish(TFMessage(transforms=transform_messages(edges, 0.0)))

    def run(self, steps: int, swapped: bool = False) -> None:
        profile = self.arm.profile
        for _ in range(steps):
            self._t_s += 0.2
            sights, now_s = self.arm.sights(self._t_s, CAMERAS), 1e-9 * self.probe.get_clock().now().nanoseconds
            fingers = 2 * [profile.gripper.position_m(sights['front'].gripper_open)]
            names = [*profile.arm_joints, *profile.gripper.joints]
            joints = JointState(name=names, position=[*sights['front'].q_rad.tolist(), *fingers])
            joints.header.stamp = stamp(now_s)
            self._joints.publish(joints)
            for name, sight in sights.items():
                shown = sights['wrist' if name == 'front' else 'front'] if swapped else sight
                self._infos[name].publish(camera_info_message(sight.camera.model, now_s, optical_frame(name)))
                self._images[name].publish(image_message(shown.picture, now_s, optical_frame(name)))
            self.probe.spin_for(0.2)

    def newest(self, camera: str) -> CameraCheck:
        return next(check for check in reversed(self.checks) if check.camera == camera)

    def until(self, condition: Callable[[], object], swapped: bool = False) -> None:
        for _ in range(30):
            self.run(1, swapped)
            if self.checks and condition():
                return
        raise AssertionError(f'in vain; last {self.checks[-2:]}')

    def ok(self) -> bool:
        return all(any(check.camera == name for check in self.checks) and self.newest(name).ok for name in CAMERAS)

    def call(self, name: str) -> Any:
        return self.probe.call(Trigger, name, Trigger.Request())


def test_a_bumped_camera_is_found_and_the_guard_is_not_armed(start: Callable[..., Any], probe: Any, tmp_path: Path) -> None:
    lab = Lab(probe)
    given = {'robot': 'panda', 'cameras': "'front,wrist'"}
    mounted = lab.arm.sights(0.0, CAMERAS)['front'].camera
    write_calibration(tmp_path / 'files' / 'front.yaml', CameraCalibration(mounted, '2026-05-01T12:00:00Z'))
    node = start('camera_check_node', references=tmp_path / 'pinned', calibrations=tmp_path / 'files', **given)
    node.wait_for('camera check ready')
    answer = lab.call('camera_check_node/pin')
    assert not answer.success and 'no picture of the last seconds' in answer.message
    statuses = probe.listen(GuardStatus, 'guard/status', qos.LATCHED)
    guard = start(
        'guard_node', simulated=True, controller='arm', check_cameras=True, max_target_age_s=0.0, watch_controller=False,
        **given,
    )  # fmt: skip
    guard.wait_for('guard ready')
    answer = lab.call('guard_node/arm')
    assert not answer.success and 'not armed: camera front: no check of it' in answer.message

    lab.until(lambda: {check.camera for check in lab.checks} == set(CAMERAS))
    assert not lab.newest('front').ok and 'camera_check_node/pin' in lab.newest('front').problems[0]
    lab.until(lambda: 'no reference picture' in lab.call('guard_node/arm').message)  # the guard hears it when it does
    answer = lab.call('camera_check_node/pin')
    assert answer.success and str(tmp_path / 'pinned') in answer.message
    assert {path.name for path in (tmp_path / 'pinned').iterdir()} == {'front.json', 'front.png', 'wrist.json', 'wrist.png'}
    lab.until(lab.ok)
    lab.until(lambda: lab.call('guard_node/arm').success)
    front = lab.newest('front')
    assert front.drift_px < 0.3 and front.header.frame_id == 'front_optical_frame' and front.calibration_age_days > 100

    lab.arm.bump('front', Bump(turn_rad=(0.0, 0.0087, 0.0)))
    lab.until(lambda: not lab.newest('front').ok)
    # the first check may have seen pictures from before as well
    lab.until(lambda: 'to restore: turn left' in lab.newest('front').problems[0])
    assert lab.newest('wrist').ok and lab.newest('front').drift_direction_px[0] < -0.8
    assert lab.call('guard_node/disarm').success
    lab.until(lambda: 'not armed: camera front: the camera has moved' in lab.call('guard_node/arm').message)
    assert not statuses[-1].armed

    lab.arm.bump('front', Bump())
    assert node.end()[0] == 0 and 'Traceback' not in node.text, node.text
    lab.checks.clear()
    again = start('camera_check_node', references=tmp_path / 'pinned', **given)
    again.wait_for('camera front: reference of')
    lab.until(lab.ok)
    lab.until(lambda: not lab.newest('front').ok and not lab.newest('wrist').ok, swapped=True)
    lab.arm.close()


def test_wrong_parameters_are_one_clear_line(start: Callable[..., Any]) -> None:
    node = start('camera_check_node', robot='panda')
    assert node.exit_code() == 1 and 'no camera to check' in node.text and 'Traceback' not in node.text
    node = start('camera_check_node', cameras='front', calibrated_at='\'{"front": "yesterday"}\'')
    assert node.exit_code() == 1 and 'the form is 2026-11-01' in node.text and 'Traceback' not in node.text
