# SPDX-License-Identifier: Apache-2.0
"""Publishers and subscriptions."""

import time
from typing import Any

import numpy as np
import pytest
import rclpy
from rclpy.duration import Duration
from rclpy.exceptions import InvalidTopicNameException
from rclpy.qos import (
    DurabilityPolicy,
    HistoryPolicy,
    QoSProfile,
    ReliabilityPolicy,
    qos_profile_sensor_data,
)
from sensor_msgs.msg import Image
from std_msgs.msg import Header, String

LATCHED = QoSProfile(depth=2, durability=DurabilityPolicy.TRANSIENT_LOCAL, reliability=ReliabilityPolicy.RELIABLE)


def collect(node: Any, topic: str, qos: Any = 10, msg_type: Any = String, **options: Any) -> list[Any]:
    """Return a list that fills with what is received."""
    got: list[Any] = []
    node.create_subscription(msg_type, topic, got.append, qos, **options)
    return got


def test_messages_arrive_in_order(ros: Any) -> None:
    node = ros.node()
    got, publisher = collect(node, 'words'), node.create_publisher(String, 'words', 10)
    assert ros.until(lambda: publisher.get_subscription_count() == 1)
    for number in range(5):
        publisher.publish(String(data=str(number)))
    assert ros.until(lambda: len(got) == 5)
    assert [message.data for message in got] == ['0', '1', '2', '3', '4']
    assert publisher.topic_name == '/words'


def test_a_full_queue_keeps_the_newest(ros: Any) -> None:
    node = ros.node()
    got, publisher = collect(node, 'words', 3), node.create_publisher(String, 'words', 10)
    assert ros.until(lambda: publisher.get_subscription_count() == 1)
    for number in range(9):
        publisher.publish(String(data=str(number)))
    time.sleep(0.3)
    assert ros.until(lambda: len(got) == 3)
    assert [message.data for message in got] == ['6', '7', '8']


def test_a_late_subscription_gets_latched_messages(ros: Any) -> None:
    node = ros.node()
    publisher = node.create_publisher(String, 'description', LATCHED)
    for number in range(4):
        publisher.publish(String(data=str(number)))
    got, volatile = collect(node, 'description', LATCHED), collect(node, 'description', 10)
    assert ros.until(lambda: len(got) == 2)
    assert [message.data for message in got] == ['2', '3'] and volatile == []


def test_a_reliable_subscription_gets_nothing_from_a_best_effort_publisher(ros: Any) -> None:
    node = ros.node()
    publisher = node.create_publisher(String, 'words', qos_profile_sensor_data)
    reliable, best_effort = collect(node, 'words', 5), collect(node, 'words', qos_profile_sensor_data)
    assert ros.until(lambda: publisher.get_subscription_count() == 1)
    publisher.publish(String(data='x'))
    assert ros.until(lambda: best_effort) and reliable == []


def test_serialised_messages_and_message_info(ros: Any) -> None:
    node = ros.node()
    infos: list[Any] = []
    raw = collect(node, 'words', raw=True)

    def with_info(message: String, info: Any) -> None:
        infos.append((message, info))

    node.create_subscription(String, 'words', with_info, 10)
    publisher = node.create_publisher(String, 'words', 10)
    assert ros.until(lambda: publisher.get_subscription_count() == 2)
    publisher.publish(b'\x00\x01\x00\x00\x03\x00\x00\x00hi\x00')
    assert ros.until(lambda: raw and infos)
    assert raw[0][:11] == b'\x00\x01\x00\x00\x03\x00\x00\x00hi\x00' and infos[0][0].data == 'hi'
    assert abs(infos[0][1]['received_timestamp'] - infos[0][1]['source_timestamp']) < 1e9


def test_wrong_types_and_names_are_refused(ros: Any) -> None:
    node = ros.node()
    with pytest.raises(TypeError, match='Expected'):
        node.create_publisher(String, 'words', 1).publish(Header())
    for name in ('', '7up', 'a//b', 'a b', '~up', 'a/', 'a/7'):
        with pytest.raises(InvalidTopicNameException):
            node.create_publisher(String, name, 1)
    with pytest.raises((TypeError, ValueError)):
        node.create_publisher(String, 'words', 'deep')
    with pytest.raises(ValueError):
        node.create_publisher(String, 'words', -1)


def test_destroying_ends_the_connection(ros: Any) -> None:
    node = ros.node()
    got: list[Any] = []
    subscription = node.create_subscription(String, 'words', got.append, 10)
    publisher = node.create_publisher(String, 'words', 10)
    assert ros.until(lambda: publisher.get_subscription_count() == 1)
    assert node.destroy_subscription(subscription) and not node.destroy_subscription(subscription)
    assert ros.until(lambda: publisher.get_subscription_count() == 0)
    publisher.publish(String(data='x'))
    ros.spin(0.1)
    assert got == []
    assert node.destroy_publisher(publisher) and not node.destroy_publisher(publisher)
    with pytest.raises(Exception, match=r'destroyed|destruction'):
        publisher.publish(String())


def test_publishing_after_shutdown_is_an_error(ros: Any) -> None:
    publisher = ros.node().create_publisher(String, 'words', 10)
    rclpy.shutdown()
    with pytest.raises(Exception, match=r'invalid|destr'):
        publisher.publish(String())


def test_qos_profiles() -> None:
    assert QoSProfile(depth=3).history == HistoryPolicy.KEEP_LAST
    assert qos_profile_sensor_data.reliability == ReliabilityPolicy.BEST_EFFORT and qos_profile_sensor_data.depth == 5
    for wrong in ({}, {'history': HistoryPolicy.KEEP_LAST}):
        with pytest.raises(Exception, match='Invalid QoSProfile'):
            QoSProfile(**wrong)


def test_lifespan_and_keep_all(ros: Any) -> None:
    node = ros.node()
    short = QoSProfile(depth=5, durability=DurabilityPolicy.TRANSIENT_LOCAL, lifespan=Duration(seconds=0.05))
    publisher = node.create_publisher(String, 'short', short)
    publisher.publish(String(data='old'))
    time.sleep(0.15)
    got = collect(node, 'short', QoSProfile(depth=5, durability=DurabilityPolicy.TRANSIENT_LOCAL))
    ros.spin(0.2)
    assert got == []
    keep_all = QoSProfile(history=HistoryPolicy.KEEP_ALL, reliability=ReliabilityPolicy.RELIABLE)
    everything, publisher = collect(node, 'all', keep_all), node.create_publisher(String, 'all', keep_all)
    assert ros.until(lambda: publisher.get_subscription_count() == 1)
    for number in range(50):
        publisher.publish(String(data=str(number)))
    assert ros.until(lambda: len(everything) == 50)


CAMERA = """\
import numpy as np, rclpy
from array import array
from rclpy.node import Node
from rclpy.qos import qos_profile_sensor_data
from sensor_msgs.msg import Image
rclpy.init()
node = Node('camera')
publisher = node.create_publisher(Image, 'image', qos_profile_sensor_data)
pixels = array('B', np.arange(921600, dtype=np.uint32).astype(np.uint8).tobytes())
def tick():
    image = Image(height=480, width=640, encoding='rgb8', step=1920, data=pixels)
    image.header.stamp = node.get_clock().now().to_msg()
    publisher.publish(image)
node.create_timer(0.033, tick)
print('ready', flush=True)
rclpy.spin(node)
"""


def test_images_between_processes(ros: Any, child: Any) -> None:
    camera = child(CAMERA)
    assert camera.line() == 'ready'
    node = ros.node()
    ages_ms: list[Any] = []

    def check(image: Image) -> None:
        pixels = np.frombuffer(image.data, np.uint8)
        assert pixels.size == 921600 and pixels[300] == 44 and image.encoding == 'rgb8'
        stamp_ns = image.header.stamp.sec * 10**9 + image.header.stamp.nanosec
        ages_ms.append((node.get_clock().now().nanoseconds - stamp_ns) / 1e6)

    node.create_subscription(Image, 'image', check, qos_profile_sensor_data)
    assert ros.until(lambda: len(ages_ms) >= 20)
    assert np.median(ages_ms) < 2000.0  # 1 ms on an idle machine
