# SPDX-License-Identifier: Apache-2.0
"""Messages to arrays and back: nothing is lost, nothing is guessed."""

import numpy as np
import pytest
from genima_ros.conversions.frames import FrameTree, transform_messages
from genima_ros.conversions.images import image_array, image_message
from genima_ros.conversions.messages import camera_info_message, camera_model, duration, seconds, stamp
from genima_ros.conversions.trajectories import chunk_from_message, chunk_message, plan_message, trajectory_arrays
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation
from sensor_msgs.msg import CameraInfo, Image

from genima.cameras.model import CameraModel
from genima.chunks.plan import Chunk
from genima.errors import CalibrationError, ContractError, GenimaError, LimitError
from genima.robots.profile import RobotProfile

PANDA = RobotProfile.load('panda')
CAMERA = CameraModel('front', 8, 6, np.array([[100.0, 0, 3.5], [0, 100.0, 2.5], [0, 0, 1]]))


@given(st.integers(min_value=0, max_value=2 * 10**18))
def test_stamps_keep_their_nanoseconds_within_float_precision(nanoseconds: int) -> None:
    assert seconds(stamp(nanoseconds * 1e-9)) == pytest.approx(nanoseconds * 1e-9, abs=1e-6)
    assert 0 <= stamp(nanoseconds * 1e-9).nanosec < 10**9
    assert seconds(duration(1.25)) == 1.25


@pytest.fixture
def pixels() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 255, (6, 8, 3), dtype=np.uint8)


def test_images_come_back_as_they_were(pixels: np.ndarray) -> None:
    message = image_message(pixels, 1.5, 'front_optical_frame')
    np.testing.assert_array_equal(image_array(message, 'x'), pixels)
    assert (message.encoding, message.step, message.header.frame_id) == ('rgb8', 24, 'front_optical_frame')


@pytest.mark.parametrize(('encoding', 'channels'), [('bgr8', (2, 1, 0)), ('rgba8', (0, 1, 2, 0)), ('bgra8', (2, 1, 0, 0))])
def test_other_colour_orders_are_turned_to_rgb(pixels: np.ndarray, encoding: str, channels: tuple[int, ...]) -> None:
    other = np.ascontiguousarray(pixels[..., list(channels)])
    message = Image(height=6, width=8, encoding=encoding, step=8 * len(channels), data=other.tobytes())
    np.testing.assert_array_equal(image_array(message, 'x'), pixels)


def test_padded_rows_are_read(pixels: np.ndarray) -> None:
    padded = np.zeros((6, 32), dtype=np.uint8)
    padded[:, :24] = pixels.reshape(6, 24)
    message = Image(height=6, width=8, encoding='rgb8', step=32, data=padded.tobytes())
    np.testing.assert_array_equal(image_array(message, 'x'), pixels)


def test_a_depth_image_is_refused_by_name() -> None:
    message = Image(height=6, width=8, encoding='16UC1', step=16, data=bytes(96))
    with pytest.raises(GenimaError, match=r"cameras/front/image_raw: encoding '16UC1' is not a colour image; allowed: rgb8"):
        image_array(message, 'cameras/front/image_raw')


def test_missing_bytes_are_refused() -> None:
    message = Image(height=6, width=8, encoding='rgb8', step=24, data=bytes(100))
    with pytest.raises(GenimaError, match='100 bytes do not make 8x6 rgb8'):
        image_array(message, 'x')


def test_camera_info_round_trip() -> None:
    message = camera_info_message(CAMERA, 1.0, 'front_optical_frame')
    model = camera_model(message, 'front', 'x')
    np.testing.assert_array_equal(model.K, CAMERA.K)
    assert (model.width_px, model.height_px, model.model) == (8, 6, 'pinhole')


def test_an_uncalibrated_camera_is_refused_by_topic() -> None:
    with pytest.raises(CalibrationError, match=r'cameras/front/camera_info.*calibrate'):
        camera_model(CameraInfo(width=8, height=6), 'front', 'cameras/front/camera_info')


def chunk() -> Chunk:
    q_rad = np.random.default_rng(1).uniform(-1, 1, (10, 7))
    return Chunk(12.3, 0.1, q_rad, np.linspace(1, 0, 10))


def test_chunks_come_back_as_they_were() -> None:
    message = chunk_message(chunk(), PANDA, 'abc')
    assert (message.contract, message.header.frame_id) == ('abc', PANDA.base_link)
    assert message.joint_names[-1] == 'panda_finger_joint1'
    assert message.points[0].positions[-1] == pytest.approx(0.04)
    back = chunk_from_message(message, PANDA)
    np.testing.assert_allclose(back.q_rad, chunk().q_rad)
    np.testing.assert_allclose(back.gripper_open, chunk().gripper_open)
    assert (back.stamp_s, back.dt_s) == (pytest.approx(12.3), pytest.approx(0.1))


def test_a_chunk_of_another_robot_is_refused() -> None:
    message = chunk_message(chunk(), RobotProfile.load('fr3'), 'abc')
    with pytest.raises(ContractError, match="robot 'panda' has"):
        chunk_from_message(message, PANDA)


def test_a_chunk_with_uneven_steps_is_refused() -> None:
    message = chunk_message(chunk(), PANDA, 'abc')
    message.points[3].time_from_start = duration(0.45)
    with pytest.raises(ContractError, match='evenly spaced'):
        chunk_from_message(message, PANDA)


def test_plans_come_back_in_the_order_of_the_controller() -> None:
    times_s, q_rad = np.array([0.0, 0.02, 0.04]), np.random.default_rng(2).uniform(-1, 1, (3, 7))
    message = plan_message(PANDA.arm_joints, 5.5, times_s, q_rad, 2 * q_rad)
    stamp_s, times_back_s, q_back_rad, v_back_rad_s = trajectory_arrays(message, list(reversed(PANDA.arm_joints)))
    np.testing.assert_allclose(times_back_s, times_s)
    np.testing.assert_array_equal(q_back_rad, q_rad[:, ::-1])
    np.testing.assert_array_equal(v_back_rad_s, 2 * q_rad[:, ::-1])
    assert stamp_s == 5.5


def test_a_trajectory_for_other_joints_is_refused() -> None:
    message = plan_message(PANDA.arm_joints[:6], 5.5, np.zeros(1), np.zeros((1, 6)), np.zeros((1, 6)))
    with pytest.raises(LimitError, match='the controller has'):
        trajectory_arrays(message, PANDA.arm_joints)


def test_frames_are_chained_through_their_common_root() -> None:
    T_world_base, T_base_hand, T_hand_camera = (_pose(seed) for seed in range(3))
    tree = FrameTree()
    edges = [('world', 'base', T_world_base), ('base', 'hand', T_base_hand), ('hand', 'camera', T_hand_camera)]
    for transform in transform_messages(edges, 1.0):
        tree.set_transform(transform, 'test')
    np.testing.assert_allclose(tree.lookup('base', 'camera'), T_base_hand @ T_hand_camera, atol=1e-12)
    np.testing.assert_allclose(tree.lookup('camera', 'world') @ tree.lookup('world', 'camera'), np.eye(4), atol=1e-12)
    with pytest.raises(CalibrationError, match="'left'"):
        tree.lookup('base', 'left')


def _pose(seed: int) -> np.ndarray:
    matrix = np.eye(4)
    matrix[:3, :3] = Rotation.random(random_state=seed).as_matrix()
    matrix[:3, 3] = np.random.default_rng(seed).uniform(-1, 1, 3)
    return matrix


@pytest.mark.parametrize('nanoseconds', [2**31 * 10**9 + 5, -(2**31) * 10**9 - 5, 2**62, -(2**62)])
def test_a_time_that_no_stamp_can_hold_is_the_nearest_that_one_can(nanoseconds: int) -> None:
    found = stamp(nanoseconds)
    assert found.sec in (2**31 - 1, -(2**31)) and (found.sec > 0) == (nanoseconds > 0)
    assert stamp(1e-9 * nanoseconds).sec == found.sec and duration(1e-9 * nanoseconds).sec == found.sec
