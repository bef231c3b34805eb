# SPDX-License-Identifier: Apache-2.0
"""A recording in place of a robot."""

import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest
import rclpy
from genima_ros.conversions.messages import stamp
from genima_ros.recording.topics import definition, type_name
from rclpy.executors import SingleThreadedExecutor
from rclpy.node import Node
from rclpy.serialization import serialize_message
from rosgraph_msgs.msg import Clock
from sensor_msgs.msg import JointState
from std_msgs.msg import String

from genima.recording.playback import is_driver_topic
from genima.recording.rosbag2 import Topic, qos_text
from genima.recording.writer import BagWriter

START_NS = 1_700_000_000_000_000_000
QOS = qos_text(5, reliable=True, latched=False)
JOINTS = Topic('/joint_states', type_name(JointState), definition(JointState), QOS)
EVENTS = Topic('/episode_events', type_name(String), definition(String), QOS)
STRANGE = Topic('/lidar/points', 'lab_msgs/msg/Strange', 'int32 value\n', QOS)


@pytest.mark.parametrize(
    ('topic', 'driver'),
    [
        ('/joint_states', True),
        ('/cell1/cameras/front/image_raw', True),
        ('/camera/camera/color/camera_info', True),
        ('/tf_static', True),
        ('/panda_arm_controller/controller_state', True),
        ('/instruction', True),
        ('/action_chunk', False),
        ('/cell1/action_chunk', False),
        ('/cell1/panda_arm_controller/joint_trajectory', False),
        ('/guard/status', False),
        ('/clock', False),
        ('/cell1/gripper/command', False),
    ],
)
def test_what_our_own_nodes_said_is_not_played(topic: str, driver: bool) -> None:
    assert is_driver_topic(topic) is driver


def test_a_bag_is_played_with_its_clock(tmp_path: Path, node_environment: None) -> None:
    folder = _bag(tmp_path / 'bag')
    rclpy.init(args=[])
    node = Node('listener')
    heard: list[Any] = []
    times: list[int] = []
    node.create_subscription(JointState, 'joint_states', heard.append, 100)
    node.create_subscription(String, 'episode_events', heard.append, 100)
    node.create_subscription(Clock, '/clock', lambda m: times.append(m.clock.sec * 10**9 + m.clock.nanosec), 100)
    executor = SingleThreadedExecutor()
    executor.add_node(node)
    spinner = threading.Thread(target=executor.spin, daemon=True)
    spinner.start()
    command = [sys.executable, '-m', 'genima_ros.replay_node', '--ros-args', '-p', f'bag:={folder}', '-p', 'rate:=2.0']
    result = subprocess.run(
        [*command, '-p', 'wait_for:=[listener]'], capture_output=True, text=True, timeout=60, check=False
    )
    executor.shutdown()
    rclpy.shutdown()
    assert result.returncode == 0, result.stderr
    assert [message.position[0] for message in heard] == pytest.approx([0.01 * index for index in range(50)])
    assert times == sorted(times) and times[0] >= START_NS and times[-1] <= START_NS + 10**9
    assert 'lab_msgs' in result.stdout + result.stderr


def _bag(folder: Path) -> Path:
    with BagWriter(folder, {}) as writer:
        for topic in (JOINTS, EVENTS, STRANGE):
            writer.add_topic(topic)
        for index in range(50):
            time_ns = START_NS + index * 10**7
            message = JointState(name=['a'], position=[0.01 * index])
            message.header.stamp = stamp(1e-9 * time_ns)
            writer.write(JOINTS.name, time_ns, serialize_message(message))
        writer.write(EVENTS.name, time_ns, serialize_message(String(data='ours')))
        writer.write(STRANGE.name, time_ns, b'\x00\x01\x00\x00\x07\x00\x00\x00')
        writer.finish('success')
    return folder
