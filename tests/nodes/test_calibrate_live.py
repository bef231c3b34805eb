# SPDX-License-Identifier: Apache-2.0
"""`genima calibrate ... --live`: pictures of a still board, one for each new place, with the joints of that moment."""

import threading
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from genima_ros.conversions.images import image_message
from genima_ros.conversions.messages import stamp
from genima_ros.core import qos
from rclpy.node import Node
from sensor_msgs.msg import Image, JointState

from genima.calibration.boards import Board
from genima.calibration.samples import SampleFolder
from genima.calibration.synthetic import make_rig, picture, random_joints
from genima.cameras.model import CameraModel
from genima.cli.calibrate_pictures import take_pictures
from genima.errors import CalibrationError
from genima.robots.profile import RobotProfile

BOARD = Board.parse('charuco:6x5:40:30:DICT_4X4_50')
CAMERA = CameraModel('front', 400, 300, np.array([[380.0, 0, 199], [0, 381, 151], [0, 0, 1]]))
STAY_S = 2.5


@pytest.fixture
def rig_on_topics(probe: Node, panda: RobotProfile) -> Iterator[np.ndarray]:
    """A camera and an arm that rests in a place, then is in another; yields the joint positions."""
    rng = np.random.default_rng(0)
    rig = make_rig('eye_to_hand', panda, BOARD, CAMERA, rng)
    q_rad = random_joints(rig, 6, rng)
    pictures = [picture(BOARD, CAMERA, T) for T in rig.board_poses(q_rad)]
    images = probe.create_publisher(Image, 'cameras/front/image_raw', qos.RELIABLE)
    joints = probe.create_publisher(JointState, 'joint_states', qos.RELIABLE)
    ended = threading.Event()

    def publish() -> None:
        begin_s = time.monotonic()
        while not ended.wait(0.05):
            place = int((time.monotonic() - begin_s) / STAY_S) % len(q_rad)
            images.publish(image_message(pictures[place], time.time(), 'front_optical_frame'))
            message = JointState(name=list(panda.arm_joints), position=q_rad[place].tolist())
            message.header.stamp = stamp(time.time())
            joints.publish(message)

    thread = threading.Thread(target=publish)
    thread.start()
    yield q_rad
    ended.set()
    thread.join(5.0)


def test_a_picture_is_taken_in_each_place_where_the_arm_rests(
    rig_on_topics: np.ndarray, panda: RobotProfile, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = SampleFolder(tmp_path)
    take_pictures('front', folder, BOARD, 2, True, (panda, 'panda_link0', 'panda_hand_tcp'))
    places = [np.array([sample.joints_rad[name] for name in panda.arm_joints]) for sample in folder.samples()]
    nearest = [int(np.argmin(np.abs(rig_on_topics - q).max(axis=1))) for q in places]
    assert len(set(nearest)) == 2 and all(np.allclose(rig_on_topics[i], q) for i, q in zip(nearest, places, strict=True))
    assert 'wanted: 2 of 15 poses' in capsys.readouterr().out


def test_a_silent_camera_is_named(probe: Node, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr('genima.cli.calibrate_pictures.WAIT_S', 0.5)
    with pytest.raises(CalibrationError, match='cameras/front/image_raw'):
        take_pictures('front', SampleFolder(tmp_path), BOARD, 1, True, None)
