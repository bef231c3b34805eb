# SPDX-License-Identifier: Apache-2.0
"""A rig is detected from topics over DDS: a compressed camera, joints, a gripper's hidden topics, tf."""

import threading
from typing import Any

from control_msgs.action import GripperCommand
from genima_bringup.rig_detector import RigDetector
from genima_ros.core import qos
from geometry_msgs.msg import TransformStamped
from rclpy.action import ActionServer
from sensor_msgs.msg import CameraInfo, CompressedImage, JointState
from tf2_msgs.msg import TFMessage

from genima.rig.detect import detect
from genima.robots.profile import RobotProfile


def test_a_rig_is_detected_from_a_live_graph(probe: Any) -> None:
    panda = RobotProfile.load('panda')
    images = probe.create_publisher(CompressedImage, '/cell/front/color/image_raw/compressed', qos.RELIABLE)
    infos = probe.create_publisher(CameraInfo, '/cell/front/color/camera_info', qos.RELIABLE)
    joints = probe.create_publisher(JointState, '/cell/joint_states', qos.RELIABLE)
    frames = probe.create_publisher(TFMessage, '/tf_static', qos.STATIC_FRAMES)
    server = ActionServer(probe, GripperCommand, '/cell/hand/gripper_cmd', lambda goal: GripperCommand.Result())
    placed = TransformStamped(child_frame_id='front_optical')
    placed.header.frame_id = panda.base_link
    frames.publish(TFMessage(transforms=[placed]))
    image, info = CompressedImage(format='jpeg', data=b'no jpeg at all'), CameraInfo(width=64, height=48)
    image.header.frame_id = info.header.frame_id = 'front_optical'
    info.k[0] = 50.0
    ended = threading.Event()

    def publish() -> None:
        while not ended.wait(0.05):
            images.publish(image)
            infos.publish(info)
            joints.publish(JointState(name=list(panda.arm_joints), position=[0.0] * len(panda.arm_joints)))

    speaker = threading.Thread(target=publish)
    speaker.start()
    try:
        with RigDetector() as detector:
            proposal = detect(detector.listen(1.5), [panda], 'cell')
    finally:
        ended.set()
        speaker.join()
        server.destroy()
    assert proposal.rig is not None
    assert proposal.rig.to_dict() == {
        'robot': 'panda',
        'joint_states': '/cell/joint_states',
        'cameras': {
            'front': {
                'image': '/cell/front/color/image_raw',
                'info': '/cell/front/color/camera_info',
                'transport': 'compressed',
            }
        },
        'gripper': {'kind': 'gripper_command', 'action': '/cell/hand/gripper_cmd'},
    }
    told = {each.what: each for each in proposal.findings}
    assert not told['camera front'].remedy, told
    assert '64x48' in told['camera front'].finding
