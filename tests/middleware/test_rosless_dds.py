# SPDX-License-Identifier: Apache-2.0
"""The DDS layer: configuration from the environment, payloads, and what peers may send."""

from typing import Any

import pytest
import rclpy
from std_msgs.msg import String

pytestmark = pytest.mark.subset_only


def test_configuration_follows_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    from rosless.dds.config import cyclone_config
    from rosless.dds.library import DDSError

    for name in ('CYCLONEDDS_URI', 'ROS_STATIC_PEERS', 'ROS_LOCALHOST_ONLY', 'ROS_AUTOMATIC_DISCOVERY_RANGE'):
        monkeypatch.delenv(name, raising=False)
    assert '127.0.0.1' not in cyclone_config() and 'AllowMulticast' not in cyclone_config()
    monkeypatch.setenv('ROS_STATIC_PEERS', '10.0.0.7; robot.local')
    assert '<Peer address="10.0.0.7"/><Peer address="robot.local"/>' in cyclone_config()
    monkeypatch.setenv('ROS_LOCALHOST_ONLY', '1')
    assert 'address="127.0.0.1"' in cyclone_config() and '<AllowMulticast>false' in cyclone_config()
    monkeypatch.setenv('ROS_AUTOMATIC_DISCOVERY_RANGE', 'GALAXY')
    with pytest.raises(DDSError, match=r"'GALAXY'; allowed: SUBNET, LOCALHOST"):
        cyclone_config()
    monkeypatch.setenv('CYCLONEDDS_URI', 'file:///mine.xml')
    assert cyclone_config() == 'file:///mine.xml'


@pytest.mark.parametrize('value', ['x', '-1', '233', '1.5'])
def test_wrong_domain_ids(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.setenv('ROS_DOMAIN_ID', value)
    with pytest.raises(RuntimeError, match='must be an integer from 0 to 232'):
        rclpy.init(args=['test'])
    assert not rclpy.ok()


def test_a_configuration_that_cyclone_refuses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv('CYCLONEDDS_URI', '<General><NoSuchThing>1</NoSuchThing></General>')
    with pytest.raises(RuntimeError, match='cannot open DDS domain'):
        rclpy.init(args=['test'])
    monkeypatch.undo()
    rclpy.init(args=['test'])
    rclpy.shutdown()


def test_security_that_is_asked_for_and_not_there_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv('ROS_SECURITY_ENABLE', 'true')
    with pytest.raises(RuntimeError, match='rosless has no DDS security'):
        rclpy.init(args=['test'])
    assert not rclpy.ok()


def test_malformed_messages_are_dropped_with_a_log_line(ros: Any, capfd: pytest.CaptureFixture[str]) -> None:
    node = ros.node()
    got: list[Any] = []
    node.create_subscription(String, 'words', got.append, 10)
    publisher = node.create_publisher(String, 'words', 10)
    assert ros.until(lambda: publisher.get_subscription_count() == 1)
    publisher.publish(b'\x00\x01\x00\x00\xff\xff\xff\x7f')
    publisher.publish(String(data='good'))
    assert ros.until(lambda: got) and got[0].data == 'good'
    assert 'dropped a message on /words' in capfd.readouterr().err


def test_another_definition_of_a_type_is_reported(ros: Any, capfd: pytest.CaptureFixture[str]) -> None:
    from rosless.dds.endpoints import Writer
    from rosless.dds.qos import EndpointQos

    node = ros.node()
    got: list[Any] = []
    node.create_subscription(String, 'words', got.append, 10)
    participant = rclpy.get_default_context().participant
    writer = Writer(participant, 'rt/words', 'std_msgs::msg::dds_::String_', EndpointQos(), b'typehash=RIHS01_00;')
    assert ros.until(lambda: writer.matched_count() == 1)
    writer.write(bytearray(b'\x00\x01\x00\x00\x02\x00\x00\x00a\x00'))
    assert ros.until(lambda: got)
    assert 'another definition of std_msgs/msg/String (RIHS01_00 there, RIHS01_df' in capfd.readouterr().err


def test_a_request_without_an_id_is_dropped(ros: Any, capfd: pytest.CaptureFixture[str]) -> None:
    """Fast DDS sends none."""
    from std_srvs.srv import Trigger

    from rosless.dds.endpoints import Writer
    from rosless.dds.qos import EndpointQos

    node = ros.node()
    node.create_service(Trigger, 'reset', lambda request, response: response)
    participant = rclpy.get_default_context().participant
    writer = Writer(participant, 'rq/resetRequest', 'std_srvs::srv::dds_::Trigger_Request_', EndpointQos())
    assert ros.until(lambda: writer.matched_count() == 1)
    writer.write(bytearray(b'\x00\x01\x00\x00\x00'))
    ros.spin(0.2)
    assert 'dropped a request to /reset' in capfd.readouterr().err
