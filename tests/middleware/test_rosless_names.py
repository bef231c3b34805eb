# SPDX-License-Identifier: Apache-2.0
"""Names, remapping, the command line and the graph."""

from typing import Any

import pytest
import rclpy
from rclpy.exceptions import InvalidNamespaceException, InvalidNodeNameException
from std_msgs.msg import String
from std_srvs.srv import Trigger

import rosless


def test_relative_private_and_absolute_names(ros: Any) -> None:
    node = ros.node('arm', namespace='robot')
    assert (node.get_name(), node.get_namespace()) == ('arm', '/robot')
    assert node.get_fully_qualified_name() == '/robot/arm'
    names = {'a': '/robot/a', '~/a': '/robot/arm/a', '/a': '/a', 'a/b': '/robot/a/b', '~': '/robot/arm'}
    names |= {'{node}/a': '/robot/arm/a'}
    assert {name: node.resolve_topic_name(name) for name in names} == names
    assert ros.node().resolve_service_name('~/reset') == '/node/reset'


def test_remapping(ros: Any) -> None:
    ros.init(
        '-r', 'image:=/camera/image', '-r', '~/reset:=again', '-r', 'other:words:=never', '-r', 'arm:words:=letters',
        '-r', '/fixed:=moved',
    )  # fmt: skip
    node = ros.node('arm', namespace='/robot')
    assert node.create_publisher(String, 'image', 1).topic_name == '/camera/image'
    assert node.create_publisher(String, 'words', 1).topic_name == '/robot/letters'
    assert node.create_publisher(String, '/fixed', 1).topic_name == '/robot/moved'
    assert node.create_service(Trigger, '~/reset', lambda request, response: response).service_name == '/robot/again'
    assert node.resolve_topic_name('image', only_expand=True) == '/robot/image'


def test_node_name_and_namespace_can_be_remapped(ros: Any) -> None:
    node = ros.init('-r', '__node:=left', '-r', '__ns:=/lab/robot').node('arm', namespace='/other')
    assert node.get_fully_qualified_name() == '/lab/robot/left'
    assert node.get_logger().name == 'lab.robot.left'
    assert ros.node('free', use_global_arguments=False).get_fully_qualified_name() == '/free'
    assert ros.node('own', cli_args=['--ros-args', '-r', '__ns:=/mine']).get_namespace() == '/mine'


@pytest.mark.parametrize(
    ('name', 'namespace', 'error'),
    [
        ('', '/', InvalidNodeNameException), ('7up', '/', InvalidNodeNameException),
        ('a-b', '/', InvalidNodeNameException), ('a', '/a b', InvalidNamespaceException),
        ('a', '/a//b', InvalidNamespaceException), ('a', '/7', InvalidNamespaceException),
    ],
)  # fmt: skip
def test_names_that_are_not_allowed(ros: Any, name: str, namespace: str, error: type[Exception]) -> None:
    with pytest.raises(error):
        ros.node(name, namespace=namespace)


@pytest.mark.parametrize(
    'arguments', [['-r', 'nothing'], ['-p'], ['--unknown'], ['-p', 'novalue'], ['--log-level', 'node:=loud']]
)
def test_wrong_command_lines(ros: Any, arguments: list[str]) -> None:
    with pytest.raises((RuntimeError, ValueError)):
        ros.init(*arguments)
    assert not rclpy.ok()


def test_other_arguments_are_left_alone() -> None:
    line = ['prog', '--speed', '3', '--ros-args', '-p', 'a:=1', '--', 'file']
    assert rclpy.utilities.remove_ros_args(line) == ['prog', '--speed', '3', 'file']


def test_the_graph(ros: Any, child: Any) -> None:
    source = """\
import rclpy
from rclpy.node import Node
from std_msgs.msg import String
from std_srvs.srv import Trigger
rclpy.init()
node = Node('far', namespace='/away')
publisher = node.create_publisher(String, '/words', 10)
node.create_service(Trigger, '~/reset', lambda request, response: response)
node.create_client(Trigger, '/other')
print('ready', flush=True)
rclpy.spin(node)
"""
    assert child(source).line() == 'ready'
    node = ros.node('near')
    node.create_subscription(String, '/words', lambda message: None, 10)
    assert ros.until(lambda: 'far' in node.get_node_names() and node.count_publishers('/words') == 1)
    assert {('near', '/'), ('far', '/away')} <= set(node.get_node_names_and_namespaces())
    assert ros.until(lambda: node.count_subscribers('/words') == 1) and node.count_publishers('nothing') == 0
    assert ros.until(lambda: ('/words', ['std_msgs/msg/String']) in node.get_topic_names_and_types())
    assert ros.until(lambda: ('/away/far/reset', ['std_srvs/srv/Trigger']) in node.get_service_names_and_types())
    assert ros.until(
        lambda: ('/words', ['std_msgs/msg/String']) in node.get_publisher_names_and_types_by_node('far', '/away')
    )
    reset, other = ('/away/far/reset', ['std_srvs/srv/Trigger']), ('/other', ['std_srvs/srv/Trigger'])
    assert ros.until(lambda: reset in node.get_service_names_and_types_by_node('far', '/away'))
    assert ros.until(lambda: other in node.get_client_names_and_types_by_node('far', '/away'))
    (info,) = node.get_publishers_info_by_topic('/words')
    assert (info.node_name, info.node_namespace, info.topic_type) == ('far', '/away', 'std_msgs/msg/String')
    assert info.endpoint_type == 1 and info.qos_profile.reliability == 1 and info.qos_profile.durability == 2
    (info,) = node.get_subscriptions_info_by_topic('words')
    assert info.node_name == 'near' and info.endpoint_type == 2
    with pytest.raises(Exception, match=r'nobody|nonexistent'):
        node.get_publisher_names_and_types_by_node('nobody', '/')
    ros.nodes.remove(node)
    node.destroy_node()
    watcher = ros.node('watcher')
    assert ros.until(lambda: 'near' not in watcher.get_node_names())


@pytest.mark.subset_only
def test_what_the_subset_lacks_is_named(ros: Any) -> None:
    with pytest.raises(ImportError, match=r'rosless has no rclpy\.lifecycle; this needs a real ROS 2'):
        exec('import rclpy.lifecycle')
    with pytest.raises(ImportError, match=r'rosless has no rclpy\.event_handler; this needs a real ROS 2'):
        exec('from rclpy.event_handler import QoSEventHandler')
    with pytest.raises(AttributeError, match=r'rosless has no rclpy\.logging_service'):
        _ = rclpy.logging_service
    node = ros.node()
    with pytest.raises(AttributeError, match=r'rosless has no Node\.create_guard_condition'):
        node.create_guard_condition(lambda: None)
    with pytest.raises(AttributeError, match="'Node' object has no attribute 'craete_timer'"):
        node.craete_timer(1.0, lambda: None)


def test_a_node_may_have_private_attributes_of_any_stock_name() -> None:
    from rclpy.node import Node
    from std_msgs.msg import Int32

    stock = (
        'close', 'destroy', 'start', 'timers', 'publishers', 'subscriptions', 'services', 'clients', 'lock', 'executor',
        'endpoints', 'arguments', 'overrides', 'announce', 'store', 'change', 'declare', 'resolve', 'remap', 'rosout',
        'add_writer', 'typed', 'describe', 'destroy_all', 'own_name', 'context', 'clock', 'logger', 'parameters',
    )  # fmt: skip
    rclpy.init(args=[])
    try:
        node = Node('stock_names')
        for name in stock[:-4]:  # the last four are private names of the real rclpy, too
            setattr(node, f'_{name}', None)
        if rosless.active():
            for name in stock[-4:]:
                setattr(node, f'_{name}', None)
        heard: list[int] = []
        publisher = node.create_publisher(Int32, 'numbers', 10)
        subscription = node.create_subscription(Int32, 'numbers', lambda message: heard.append(message.data), 10)
        node.declare_parameter('one', 1)
        timer = node.create_timer(0.02, lambda: publisher.publish(Int32(data=node.get_parameter('one').value)))
        for _ in range(200):
            rclpy.spin_once(node, timeout_sec=0.05)
            if heard:
                break
        assert heard
        node.get_logger().info('still there')
        assert node.destroy_timer(timer) and node.destroy_subscription(subscription)
        node.destroy_node()
    finally:
        rclpy.try_shutdown()
