# SPDX-License-Identifier: Apache-2.0
"""gripper_node: one goal at a time, in the units of the driver."""

import os
import time
from collections.abc import Callable
from typing import Any

import pytest
from genima_ros.core import qos
from genima_ros.inputs.joint_states import JointStates
from rclpy.action import ActionClient, ActionServer
from rclpy.task import Future
from sensor_msgs.msg import JointState
from std_msgs.msg import Float64, Float64MultiArray

from genima.robots.profile import RobotProfile

PARTS = pytest.importorskip('franka_msgs.action'), pytest.importorskip('control_msgs.action')


class Hand:
    """An action server that works on each goal for a while and notes what it was told."""

    def __init__(self, probe: Any, kind: Any, name: str, seconds: float = 0.4) -> None:
        self.goals: list[Any] = []
        self.busy = self.most_busy = 0
        self._probe, self._seconds, self._kind = probe, seconds, kind
        ActionServer(probe, kind, name, self._work)

    async def _work(self, handle: Any) -> Any:
        self.goals.append(handle.request)
        self.busy += 1
        self.most_busy = max(self.most_busy, self.busy)
        ended, end_s = Future(), time.monotonic() + self._seconds
        timer = self._probe.create_timer(0.02, lambda: time.monotonic() > end_s and ended.set_result(None))
        await ended
        timer.cancel()
        self.busy -= 1
        handle.succeed()
        return self._kind.Result()


def test_the_franka_hand_moves_and_grasps_one_goal_at_a_time(start: Callable, probe: Any) -> None:  # type: ignore[type-arg]
    from franka_msgs.action import Grasp, Move

    move, grasp = (
        Hand(probe, kind, f'franka_gripper/{name}') for kind, name in ((Move, 'move'), (Grasp, 'grasp'))
    )
    command = probe.create_publisher(Float64, 'gripper/command', qos.COMMAND)
    node = start('gripper_node', robot='fr3')
    node.wait_for('gripper ready: franka at franka_gripper')
    probe.spin_until(lambda: command.get_subscription_count() > 0)
    command.publish(Float64(data=1.0))
    probe.spin_until(lambda: len(move.goals) == 1)
    for value in (0.0, 1.0, 0.0):  # while the hand still opens: only the last one counts
        command.publish(Float64(data=value))
        probe.spin_for(0.05)
    probe.spin_until(lambda: len(grasp.goals) == 1)
    probe.spin_for(0.8)
    assert len(move.goals) == 1 and len(grasp.goals) == 1
    assert move.goals[0].width == pytest.approx(0.08), 'the whole width, twice the travel of a finger'
    goal = grasp.goals[0]
    assert goal.width == 0.0 and goal.force == 40.0 and goal.epsilon.inner == goal.epsilon.outer == 0.08
    assert move.most_busy == grasp.most_busy == 1


@pytest.mark.parametrize('distribution', ['humble', 'jazzy'])
def test_the_knuckle_of_the_robotiq_is_an_angle(
    start: Callable, probe: Any, distribution: str, monkeypatch: pytest.MonkeyPatch  # type: ignore[type-arg]
) -> None:
    from control_msgs.action import GripperCommand, ParallelGripperCommand

    monkeypatch.setenv('ROS_DISTRO', distribution)
    kind = {'humble': GripperCommand, 'jazzy': ParallelGripperCommand}[distribution]
    hand = Hand(probe, kind, 'robotiq_gripper_controller/gripper_cmd', seconds=0.1)
    command = probe.create_publisher(Float64, 'gripper/command', qos.COMMAND)
    node = start('gripper_node', robot='ur5e')
    node.wait_for('gripper ready')
    probe.spin_until(lambda: command.get_subscription_count() > 0)
    command.publish(Float64(data=0.0))
    probe.spin_until(lambda: len(hand.goals) == 1)
    told = hand.goals[0].command
    if distribution == 'humble':
        assert told.position == pytest.approx(0.7929) and told.max_effort == 50.0
    else:
        assert list(told.name) == ['robotiq_85_left_knuckle_joint'] and list(told.position) == pytest.approx([0.7929])


@pytest.mark.parametrize('parameters', [{'robot': 'gen3', 'gripper': 'none'}, {'robot': 'ur5e', 'gripper': 'none'}])
def test_without_a_driver_commands_are_accepted_and_the_gripper_is_said_to_be_open(
    start: Callable, probe: Any, parameters: dict[str, str]  # type: ignore[type-arg]
) -> None:
    command = probe.create_publisher(Float64, 'gripper/command', qos.COMMAND)
    heard = probe.listen(JointState, 'joint_states')
    node = start('gripper_node', **parameters)
    node.wait_for('no gripper is driven')
    probe.spin_until(lambda: command.get_subscription_count() > 0 and len(heard) > 5)
    profile = RobotProfile.load(parameters['robot'])
    assert list(heard[-1].name) == list(profile.gripper.joints)
    assert heard[-1].position[0] == pytest.approx(profile.gripper.open_m)
    command.publish(Float64(data=float('nan')))
    command.publish(Float64(data=0.0))
    probe.spin_for(0.3)
    assert node.end()[0] == 0


@pytest.mark.parametrize(('topic', 'kind'), [('hand/position', Float64), ('hand_controller/commands', Float64MultiArray)])
def test_a_gripper_that_listens_to_a_topic(start: Callable, probe: Any, topic: str, kind: Any) -> None:  # type: ignore[type-arg]
    command = probe.create_publisher(Float64, 'gripper/command', qos.COMMAND)
    heard = probe.listen(kind, topic)
    way = f'{{kind: topic, action: {topic}, joint: finger, open: 0.1, closed: 0.9}}'
    node = start('gripper_node', robot='gen3', gripper=f'"{way}"')
    node.wait_for(f'gripper ready: topic at {topic}')
    probe.spin_until(lambda: command.get_subscription_count() > 0 and probe.count_publishers(topic) > 0)
    for opening in (1.0, 1.0, 0.25):
        command.publish(Float64(data=opening))
        probe.spin_for(0.1)
    probe.spin_until(lambda: len(heard) == 2)
    values = [each.data if kind is Float64 else each.data[0] for each in heard]
    assert values == pytest.approx([0.1, 0.7])


def test_without_the_messages_of_the_driver_it_says_so_and_lives(
    start: Callable, probe: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Any  # type: ignore[type-arg]
) -> None:
    (tmp_path / 'franka_msgs').mkdir()
    (tmp_path / 'franka_msgs' / '__init__.py').write_text('raise ImportError("no franka_msgs here")')
    monkeypatch.setenv('PYTHONPATH', f'{tmp_path}:{os.environ.get("PYTHONPATH", "")}')
    node = start('gripper_node', robot='fr3')
    node.wait_for('install the messages of the driver')
    node.wait_for('gripper ready')
    assert node.process.poll() is None and node.end()[0] == 0 and 'Traceback' not in node.text


def test_a_gripper_that_nobody_knows_is_refused(start: Callable) -> None:  # type: ignore[type-arg]
    node = start('gripper_node', robot='ur5e', gripper='"{kind: magnet}"')
    assert node.exit_code() == 1 and 'magnet' in node.text and 'allowed' in node.text


def test_the_simulated_gripper_takes_a_standard_action(start: Callable, probe: Any) -> None:  # type: ignore[type-arg]
    from control_msgs.action import GripperCommand

    joints = probe.listen(JointState, 'joint_states')
    start('sim_node', robot='panda', pace=False, image_rate_hz=1.0)
    client = ActionClient(probe, GripperCommand, 'gripper_controller/gripper_cmd')
    probe.spin_until(client.server_is_ready)
    goal = GripperCommand.Goal()
    goal.command.position = 0.01
    sent = client.send_goal_async(goal)
    probe.spin_until(sent.done)
    result = sent.result().get_result_async()
    probe.spin_until(result.done)
    assert result.result().result.reached_goal and result.result().result.position == pytest.approx(0.01, abs=2e-3)
    found = dict(zip(joints[-1].name, joints[-1].position, strict=True))
    assert found['panda_finger_joint1'] == pytest.approx(0.01, abs=2e-3)


def test_no_driver_is_a_complaint(start: Callable, probe: Any) -> None:  # type: ignore[type-arg]
    command = probe.create_publisher(Float64, 'gripper/command', qos.COMMAND)
    node = start('gripper_node', robot='fr3')
    node.wait_for('gripper ready')
    probe.spin_until(lambda: command.get_subscription_count() > 0)
    command.publish(Float64(data=1.0))
    node.wait_for('no action server for the gripper at franka_gripper', 5.0)


def test_the_opening_is_read_from_the_joint_of_the_driver() -> None:
    for robot, joint, position, opening in (
        ('fr3', 'fr3_finger_joint1', 0.01, 0.25),
        ('ur5e', 'robotiq_85_left_knuckle_joint', 0.7929, 0.0),
        ('ur5e', 'finger_joint_left', 0.0425, 1.0),
        ('panda', 'panda_finger_joint1', 0.04, 1.0),
    ):
        joints = JointStates(RobotProfile.load(robot), 0.1)
        joints.add([joint], [position], 5.0)
        assert joints.gripper_open(5.0) == pytest.approx(opening)
