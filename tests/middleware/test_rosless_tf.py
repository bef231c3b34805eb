# SPDX-License-Identifier: Apache-2.0
"""tf2_ros, tf_transformations and cv_bridge: what nodes use of them. Where ROS 2 is sourced, these test the real ones."""

import numpy as np
import pytest
from numpy.typing import NDArray

import rosless

rosless.ensure()

from builtin_interfaces.msg import Time as Stamp  # noqa: E402
from cv_bridge import CvBridge, CvBridgeError  # noqa: E402
from geometry_msgs.msg import TransformStamped  # noqa: E402
from rclpy.time import Time  # noqa: E402
from tf2_ros import (  # noqa: E402
    Buffer,
    ConnectivityException,
    ExtrapolationException,
    InvalidArgumentException,
    LookupException,
    TransformException,
)
from tf_transformations import (  # noqa: E402
    euler_from_quaternion,
    quaternion_from_euler,
    quaternion_from_matrix,
    quaternion_matrix,
)


def _edge(parent: str, child: str, x: float, at_s: int = 0, turn: tuple[float, ...] = (0, 0, 0, 1)) -> TransformStamped:
    message = TransformStamped(child_frame_id=child)
    message.header.frame_id = parent
    message.header.stamp = Stamp(sec=at_s)
    message.transform.translation.x = x
    q = message.transform.rotation
    q.x, q.y, q.z, q.w = (float(value) for value in turn)
    return message


def _x(buffer: Buffer, target: str, source: str, at_s: float = 0.0) -> float:
    found = buffer.lookup_transform(target, source, Time(nanoseconds=round(at_s * 1e9)))
    return float(found.transform.translation.x)


def test_frames_are_chained_and_static_ones_hold_at_any_time() -> None:
    buffer = Buffer()
    buffer.set_transform(_edge('world', 'base', 1.0, 5), 'test')
    buffer.set_transform(_edge('world', 'base', 3.0, 7), 'test')
    buffer.set_transform_static(_edge('base', 'camera', 0.5), 'test')
    assert _x(buffer, 'world', 'camera') == 3.5 and _x(buffer, 'camera', 'world') == -3.5
    assert _x(buffer, 'world', 'camera', 6.0) == pytest.approx(2.5), 'between two known ones'
    found = buffer.lookup_transform('world', 'camera', Time())
    assert (found.header.frame_id, found.child_frame_id, found.header.stamp.sec) == ('world', 'camera', 7)


def test_the_newest_time_is_one_at_which_all_are_known() -> None:
    buffer = Buffer()
    for at_s in (1, 2, 3):
        buffer.set_transform(_edge('a', 'b', float(at_s), at_s), 'test')
    for at_s in (1, 2):
        buffer.set_transform(_edge('b', 'c', 10.0 * at_s, at_s), 'test')
    assert _x(buffer, 'a', 'c') == 22.0
    assert _x(buffer, 'a', 'b') == 3.0, 'c has no part in this'


def test_errors_by_the_names_of_tf2() -> None:
    buffer = Buffer()
    buffer.set_transform(_edge('a', 'b', 1.0, 5), 'test')
    buffer.set_transform(_edge('x', 'y', 1.0, 5), 'test')
    cases = {('a', 'nowhere'): LookupException, ('a', 'y'): ConnectivityException, ('a', '/b'): InvalidArgumentException}
    for frames, kind in cases.items():
        with pytest.raises(kind):
            buffer.lookup_transform(*frames, Time())
        assert issubclass(kind, TransformException)
    with pytest.raises(ExtrapolationException):
        _x(buffer, 'a', 'b', 9.0)


@pytest.mark.parametrize('turn', [(0, 0, 0, 0), (0, 0, 0, 2), (np.nan, 0, 0, 1)])
def test_what_is_no_rotation_is_ignored(turn: tuple[float, ...]) -> None:
    buffer = Buffer()
    buffer.set_transform(_edge('a', 'b', 1.0, 5), 'test')
    buffer.set_transform(_edge('a', 'b', 2.0, 6, turn), 'test')
    buffer.set_transform(_edge('a', 'b', np.nan, 7), 'test')
    assert _x(buffer, 'a', 'b') == 1.0


def test_quaternions_are_x_y_z_w() -> None:
    q = quaternion_from_euler(0.3, -0.2, 1.1)
    assert np.allclose(euler_from_quaternion(q), (0.3, -0.2, 1.1))
    assert np.allclose(np.abs(quaternion_from_euler(0, 0, np.pi)), (0, 0, 1, 0))
    same = quaternion_from_matrix(quaternion_matrix(q))
    assert np.allclose(same, q) or np.allclose(same, -np.asarray(q))
    assert quaternion_matrix(q).shape == (4, 4)


def test_images_there_and_back() -> None:
    bridge, pixels = CvBridge(), np.arange(24, dtype=np.uint8).reshape(2, 4, 3)
    message = bridge.cv2_to_imgmsg(pixels, 'bgr8')
    assert (message.height, message.width, message.step, message.encoding) == (2, 4, 12, 'bgr8')
    _same(bridge.imgmsg_to_cv2(message, 'rgb8'), pixels[..., ::-1])
    _same(bridge.imgmsg_to_cv2(message), pixels)
    message.encoding = '8UC3'
    _same(bridge.imgmsg_to_cv2(message), pixels)
    with pytest.raises(CvBridgeError):
        bridge.imgmsg_to_cv2(message, 'rgb8')  # no colours, says cv_bridge
    wide = bridge.cv2_to_imgmsg(np.array([[0, 257, 65535]], np.uint16), 'mono16')
    _same(bridge.imgmsg_to_cv2(wide, 'rgb8'), np.repeat([[[0], [1], [255]]], 3, -1))


def _same(found: NDArray[np.uint8], wanted: NDArray[np.uint8]) -> None:
    np.testing.assert_array_equal(found, wanted)
