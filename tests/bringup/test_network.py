# SPDX-License-Identifier: Apache-2.0
"""A simulated arm is heard on this computer only, unless somebody says otherwise."""

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest
from genima_bringup.network import OF_USER

import rosless
from genima.contract.spec import PolicySpec
from genima.errors import GenimaError
from genima_bringup import graph

LOOPBACK = {'ROS_AUTOMATIC_DISCOVERY_RANGE': 'LOCALHOST'}
SPEAKER = """
import rosless; rosless.ensure()
import rclpy, sys, time
from std_msgs.msg import String
rclpy.init()
node, end_s = rclpy.create_node('someone'), time.monotonic() + float(sys.argv[2])
if sys.argv[1] == 'speak':
    publisher = node.create_publisher(String, 'words', 10)
    node.create_timer(0.05, lambda: publisher.publish(String(data='hello')))
else:
    node.create_subscription(String, 'words', lambda message: heard.append(message), 10)
heard = []
while time.monotonic() < end_s and not heard:
    rclpy.spin_once(node, timeout_sec=0.1)
print('heard' if heard else 'silence')
"""
# two computers with a cable between them: this shell is on one, and `there` runs a command on the other
TWO_COMPUTERS = """
set -e
unshare -n sleep 40 & other=$!
trap "kill $other" EXIT
there() { nsenter -t $other -n "$@"; }
ip link set lo up
ip link add here type veth peer name cable
for attempt in $(seq 50); do ip link set cable netns $other 2>/dev/null && break; sleep 0.1; done
ip addr add 10.77.0.1/24 dev here && ip link set here up
there ip link set lo up
there ip addr add 10.77.0.2/24 dev cable
there ip link set cable up
ip route add 224.0.0.0/4 dev here && there ip route add 224.0.0.0/4 dev cable
"$PYTHON" "$SPEAKER" speak 12 & speaker=$!
eval "$LISTEN"
kill $speaker
"""


@pytest.fixture(autouse=True)
def nobody_has_decided(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (*OF_USER, 'ROS_DISTRO'):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def policy(tmp_path: Path, small_spec: PolicySpec) -> str:
    small_spec.save(tmp_path)
    return str(tmp_path)


def _environment(policy: str, **arguments: str) -> Mapping[str, str]:
    return graph.stack('franka', {'policy': policy, 'robot': 'panda', **arguments}).environment


def test_only_what_is_not_real_is_on_the_loopback(policy: str, tmp_path: Path) -> None:
    assert _environment(policy) == _environment(policy, mock='true') == LOOPBACK
    assert _environment(policy, replay=str(tmp_path)) == LOOPBACK
    assert _environment(policy, robot_ip='127.0.0.1', driver='fci') == LOOPBACK, 'a simulated FCI'
    assert _environment(policy, policy_only='true') == {}
    assert _environment(policy, robot_ip='10.0.0.2', launch_driver='false') == {}


def test_a_word_of_the_user_wins(policy: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert _environment(policy, network='lan') == {'ROS_AUTOMATIC_DISCOVERY_RANGE': 'SUBNET'}
    assert _environment(policy, network='loopback', robot_ip='10.0.0.2', launch_driver='false') == LOOPBACK
    monkeypatch.setenv('ROS_AUTOMATIC_DISCOVERY_RANGE', 'SUBNET')
    assert _environment(policy) == {}
    monkeypatch.setenv('CYCLONEDDS_URI', 'file:///mine.xml')
    assert _environment(policy) == {}
    with pytest.raises(GenimaError, match='CYCLONEDDS_URI is set, whose file decides'):
        _environment(policy, network='loopback')


def test_humble_is_told_in_its_own_words(policy: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv('ROS_DISTRO', 'humble')
    assert _environment(policy) == {'ROS_LOCALHOST_ONLY': '1'}
    monkeypatch.setenv('ROS_LOCALHOST_ONLY', '1')
    assert _environment(policy, network='lan')['ROS_LOCALHOST_ONLY'] == '0'


def test_a_real_robot_in_everybodys_domain_is_advised(policy: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def notes() -> str:
        real = {'robot_ip': '10.0.0.2', 'launch_driver': 'false', 'gripper': 'none'}
        return ' '.join(graph.stack('franka', {'policy': policy, 'robot': 'panda', **real}).notes)

    monkeypatch.delenv('ROS_DOMAIN_ID')
    assert 'give it a ROS_DOMAIN_ID and a network interface of its own' in notes()
    monkeypatch.setenv('ROS_DOMAIN_ID', '42')
    assert 'ROS_DOMAIN_ID' not in notes()


def _on_two_computers(tmp_path: Path, listen: str, speaker: Mapping[str, str]) -> str:
    script = tmp_path / 'someone.py'
    script.write_text(SPEAKER)
    variables = {**os.environ, 'PYTHON': sys.executable, 'SPEAKER': str(script), 'LISTEN': listen, **speaker}
    command = ['unshare', '-n', 'bash', '-c', TWO_COMPUTERS]
    done = subprocess.run(command, env=variables, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.skipif(not rosless.active(), reason='the configuration of rosless')
@pytest.mark.skipif(os.geteuid() != 0, reason='makes network namespaces')
def test_another_computer_hears_only_what_is_meant_for_it(policy: str, tmp_path: Path) -> None:
    if subprocess.run(['unshare', '-n', 'ip', 'link', 'add', 'x', 'type', 'veth'], capture_output=True).returncode:
        pytest.skip('no veth here')
    elsewhere = 'there "$PYTHON" "$SPEAKER" listen 4'
    assert 'heard' in _on_two_computers(tmp_path, elsewhere, _environment(policy, network='lan'))
    assert _on_two_computers(tmp_path, elsewhere, _environment(policy)).strip() == 'silence'
    visitor = 'ROS_AUTOMATIC_DISCOVERY_RANGE=SYSTEM_DEFAULT "$PYTHON" "$SPEAKER" listen 8'  # genima doctor, for one
    assert 'heard' in _on_two_computers(tmp_path, visitor, _environment(policy))
