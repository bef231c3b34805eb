# SPDX-License-Identifier: Apache-2.0
"""The same node file with rosless on one side and a real ROS 2 on the other.

Needs a ROS 2 with rmw_cyclonedds_cpp for this Python:
`ROS2_SETUP=/opt/ros/jazzy/setup.bash pytest -m ros2 tests/middleware`.
"""

import os
import shlex
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

SETUP = os.environ.get('ROS2_SETUP', '')
pytestmark = [pytest.mark.ros2, pytest.mark.skipif(not SETUP, reason='ROS2_SETUP does not name a setup.bash')]

SERVER = """\
import rclpy
from rclpy.node import Node
from rclpy.qos import DurabilityPolicy, QoSProfile, qos_profile_sensor_data
from sensor_msgs.msg import Image, JointState
from std_msgs.msg import String
from std_srvs.srv import SetBool
rclpy.init()
node = Node('server', namespace='/lab')
node.declare_parameter('rate', 10.0)
latched = node.create_publisher(String, 'text', QoSProfile(depth=1, durability=DurabilityPolicy.TRANSIENT_LOCAL))
latched.publish(String(data='latched'))
images = node.create_publisher(Image, 'image', qos_profile_sensor_data)
states = node.create_publisher(JointState, 'states', 10)
def tick():
    images.publish(Image(width=128, height=128, encoding='rgb8', data=bytes(49152)))
    states.publish(JointState(name=['a', 'b'], position=[1.0, 2.5]))
node.create_timer(0.05, tick)
def answer(request, response):
    response.success, response.message = request.data, 'answer'
    return response
node.create_service(SetBool, '~/ask', answer)
print('ready', flush=True)
rclpy.spin(node)
"""

USER = """\
import time
import rclpy
from rcl_interfaces.srv import GetParameters, SetParameters
from rclpy.node import Node
from rclpy.parameter import Parameter
from rclpy.qos import DurabilityPolicy, QoSProfile, qos_profile_sensor_data
from sensor_msgs.msg import Image, JointState
from std_msgs.msg import String
from std_srvs.srv import SetBool
rclpy.init()
node, got = Node('user'), {}
def keep(name):
    return lambda message: got.setdefault(name, message)
node.create_subscription(String, '/lab/text', keep('text'), QoSProfile(depth=1, durability=DurabilityPolicy.TRANSIENT_LOCAL))
node.create_subscription(Image, '/lab/image', keep('image'), qos_profile_sensor_data)
node.create_subscription(JointState, '/lab/states', keep('state'), 10)
def ask(srv_type, name, **fields):
    client = node.create_client(srv_type, name)
    assert client.wait_for_service(timeout_sec=15.0), name
    future = client.call_async(srv_type.Request(**fields))
    rclpy.spin_until_future_complete(node, future, timeout_sec=10.0)
    return future.result()
print(ask(SetBool, '/lab/server/ask', data=True))
value = Parameter('rate', value=20.0).to_parameter_msg()
print(ask(SetParameters, '/lab/server/set_parameters', parameters=[value]).results[0].successful)
print(ask(GetParameters, '/lab/server/get_parameters', names=['rate']).values[0].double_value)
end = time.monotonic() + 15.0
while len(got) < 3 and time.monotonic() < end:
    rclpy.spin_once(node, timeout_sec=0.1)
print(got['text'].data, len(got['image'].data), got['state'].name, got['state'].position.tolist())
print(('server', '/lab') in node.get_node_names_and_namespaces())
"""


def start(real: bool, path: Path) -> 'subprocess.Popen[str]':
    """Run a node file with the real ROS 2 or with rosless."""
    python = shlex.quote(sys.executable)
    command = f'source {shlex.quote(SETUP)}; exec {python} -u {path}' if real else f'exec {python} -u -m rosless {path}'
    environment = {**os.environ, 'RMW_IMPLEMENTATION': 'rmw_cyclonedds_cpp'}
    return subprocess.Popen(['bash', '-c', command], stdout=subprocess.PIPE, text=True, env=environment)


def _talk(folder: Path, server_side: tuple[str, bool], user_side: tuple[str, bool]) -> list[str]:
    """Run a server and a user, each (source code, with the real ROS 2); return what the user prints."""
    paths = [folder / 'server_node.py', folder / 'user_node.py']
    for path, (text, _) in zip(paths, (server_side, user_side), strict=True):
        path.write_text(text, encoding='utf-8')
    server = start(server_side[1], paths[0])
    try:
        assert server.stdout is not None and server.stdout.readline() == 'ready\n'
        user = start(user_side[1], paths[1])
        output, _ = user.communicate(timeout=60)
    finally:
        server.terminate()
        server.communicate()
    assert user.returncode == 0, output
    return output.splitlines()


@pytest.mark.parametrize(('server_real', 'user_real'), [(False, True), (True, False)])
def test_topics_services_and_parameters(tmp_path: Path, server_real: bool, user_real: bool) -> None:
    lines = _talk(tmp_path, (SERVER, server_real), (USER, user_real))
    assert "SetBool_Response(success=True, message='answer')" in lines[0]
    assert lines[1:] == ['True', '20.0', "latched 49152 ['a', 'b'] [1.0, 2.5]", 'True']


ACTION_SERVER = """\
import rclpy
from rclpy.action import ActionServer, CancelResponse
from rclpy.node import Node
from tf2_msgs.action import LookupTransform
rclpy.init()
node = Node('server')
async def look_up(handle):
    if handle.request.advanced:  # wait until it is given up
        while not handle.is_cancel_requested:
            done = rclpy.task.Future()
            timer = node.create_timer(0.05, lambda: done.set_result(None))
            await done
            timer.cancel()
        handle.canceled()
        return LookupTransform.Result()
    handle.publish_feedback(LookupTransform.Feedback())
    result = LookupTransform.Result()
    result.transform.child_frame_id = handle.request.source_frame
    handle.succeed()
    return result
server = ActionServer(node, LookupTransform, 'look_up', look_up, cancel_callback=lambda handle: CancelResponse.ACCEPT)
print('ready', flush=True)
rclpy.spin(node)
"""

ACTION_USER = """\
import rclpy
from rclpy.action import ActionClient
from rclpy.node import Node
from tf2_msgs.action import LookupTransform
rclpy.init()
node, heard = Node('user'), []
client = ActionClient(node, LookupTransform, 'look_up')
assert client.wait_for_server(timeout_sec=20.0)
def wait(future):
    rclpy.spin_until_future_complete(node, future, timeout_sec=10.0)
    return future.result()
handle = wait(client.send_goal_async(LookupTransform.Goal(source_frame='hand'), feedback_callback=heard.append))
response = wait(handle.get_result_async())
print(handle.accepted, response.status, response.result.transform.child_frame_id, len(heard))
handle = wait(client.send_goal_async(LookupTransform.Goal(advanced=True)))
result = handle.get_result_async()
print(len(wait(handle.cancel_goal_async()).goals_canceling), wait(result).status)
"""


@pytest.mark.parametrize(('server_real', 'user_real'), [(False, True), (True, False)])
def test_actions(tmp_path: Path, server_real: bool, user_real: bool) -> None:
    assert _talk(tmp_path, (ACTION_SERVER, server_real), (ACTION_USER, user_real)) == ['True 4 hand 1', '1 5']


@pytest.mark.parametrize(
    ('arguments', 'words'),
    [
        (['node', 'list', '--no-daemon'], '/lab/server'),
        (['topic', 'list', '-t', '--no-daemon'], '/lab/image [sensor_msgs/msg/Image]'),
        (['service', 'list', '--no-daemon'], '/lab/server/ask'),
        (['param', 'list', '--no-daemon'], 'rate'),
        (['param', 'get', '/lab/server', 'rate', '--no-daemon'], 'Double value is: 10.0'),
        (['service', 'call', '/lab/server/ask', 'std_srvs/srv/SetBool', '{data: true}'], 'success=True'),
        (['topic', 'echo', '--once', '/lab/states', '--no-daemon'], '- 2.5'),
    ],
)
def test_the_command_line_tools(child: Callable[..., object], arguments: list[str], words: str) -> None:
    server = child(SERVER)
    assert server.line() == 'ready'  # type: ignore[attr-defined]
    command = f'source {shlex.quote(SETUP)}; exec ros2 {shlex.join(arguments)}'
    environment = {**os.environ, 'RMW_IMPLEMENTATION': 'rmw_cyclonedds_cpp'}
    done = subprocess.run(['bash', '-c', command], capture_output=True, text=True, timeout=60, env=environment)
    assert words in done.stdout, done.stdout + done.stderr
