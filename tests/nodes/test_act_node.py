# SPDX-License-Identifier: Apache-2.0
"""act_node: a steady rate from valid input, and a clear word otherwise."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from genima_ros.conversions.images import image_message
from genima_ros.conversions.messages import seconds, stamp
from genima_ros.conversions.trajectories import chunk_from_message
from genima_ros.core import qos
from sensor_msgs.msg import JointState

from genima.contract.spec import PolicySpec
from genima.robots.profile import RobotProfile
from genima_msgs.msg import ActionChunk, NodeStats, TargetImage

PANDA = RobotProfile.load('panda')
Start = Callable[..., 'NodeProcess']  # noqa: F821


class Robot:
    """Sends joints and target images as fast as a test likes, on the wall clock."""

    def __init__(self, probe, spec: PolicySpec) -> None:  # type: ignore[no-untyped-def]
        self._probe = probe
        self._spec = spec
        self._joints = probe.create_publisher(JointState, 'joint_states', qos.RELIABLE)
        self._target = probe.create_publisher(TargetImage, 'target_image', qos.COMMAND)

    @property
    def now_s(self) -> float:
        return 1e-9 * self._probe.get_clock().now().nanoseconds

    def joints(self, age_s: float = 0.0) -> None:
        names = [*PANDA.gripper.joints, *reversed(PANDA.arm_joints)]
        message = JointState(name=names, position=[0.02, 0.02, *reversed(PANDA.home_rad.tolist())])
        message.header.stamp = stamp(self.now_s - age_s)
        self._joints.publish(message)

    def target(self, age_s: float = 0.0, contract: str | None = None, instruction: str = '') -> None:
        picture = image_message(np.zeros((256, 256, 3), dtype=np.uint8), self.now_s - age_s, '')
        contract = self._spec.hash() if contract is None else contract
        self._target.publish(
            TargetImage(
                header=picture.header,
                contract=contract,
                instruction=instruction,
                cameras=list(self._spec.cameras),
                image=picture,
            )
        )

    def feed(self, duration_s: float, **target: object) -> None:
        """Send joints at 50 Hz and a target now and then."""
        end_s = self.now_s + duration_s
        while self.now_s < end_s:
            self.joints()
            self.target(**target)  # type: ignore[arg-type]
            self._probe.spin_for(0.02)


@pytest.fixture
def robot(probe, policy: Path) -> Robot:  # type: ignore[no-untyped-def]
    return Robot(probe, PolicySpec.load(policy))


def test_chunks_come_at_the_control_rate_with_the_stamp_of_the_observation(
    start: Start, probe, robot: Robot, policy: Path
) -> None:
    chunks = probe.listen(ActionChunk, 'action_chunk', qos.RELIABLE)
    stats = probe.listen(NodeStats, 'node_stats', qos.RELIABLE)
    node = start('act_node', policy=policy, max_joint_age_s=1.0)
    node.wait_for('controller ready')
    robot.feed(0.5)
    chunks.clear()
    robot.feed(2.0)
    assert 15 <= len(chunks) <= 22
    chunk = chunk_from_message(chunks[-1], PANDA)
    assert chunks[-1].contract == PolicySpec.load(policy).hash()
    assert chunks[-1].header.frame_id == PANDA.base_link
    assert 0.0 < robot.now_s - chunk.stamp_s < 0.5
    np.testing.assert_allclose(chunk.q_rad[0], PANDA.home_rad, atol=0.2)
    assert stats[-1].ticks_without_input == 0, node.text
    assert list(stats[-1].stages) == ['act', 'target_age']
    periods_s = np.diff([seconds(message.header.stamp) for message in stats[-15:]])
    assert abs(np.median(periods_s) - 0.1) < 0.02


def test_a_target_of_another_contract_is_refused_with_both_hashes(start: Start, probe, robot: Robot, policy: Path) -> None:
    chunks = probe.listen(ActionChunk, 'action_chunk', qos.RELIABLE)
    node = start('act_node', policy=policy, max_joint_age_s=1.0)
    node.wait_for('controller ready')
    robot.feed(1.0, contract='0123456789abcdef')
    node.wait_for('0123456789abcdef', 2.0)
    assert PolicySpec.load(policy).hash() in node.text
    assert not chunks


def test_without_new_targets_chunks_stop_and_are_missed(start: Start, probe, robot: Robot, policy: Path) -> None:
    chunks = probe.listen(ActionChunk, 'action_chunk', qos.RELIABLE)
    stats = probe.listen(NodeStats, 'node_stats', qos.RELIABLE)
    node = start('act_node', policy=policy, max_joint_age_s=1.0)
    node.wait_for('controller ready')
    robot.feed(0.5)
    for _ in range(100):  # the painter is gone, the robot is not
        robot.joints()
        probe.spin_for(0.05)
        if 'the newest target image is' in node.text:
            break
    node.wait_for('the newest target image is', 0.1)
    chunks.clear()
    for _ in range(10):
        robot.joints()
        probe.spin_for(0.05)
    assert not chunks
    assert stats[-1].ticks_without_input >= 1


def test_stale_joints_give_no_chunk(start: Start, probe, robot: Robot, policy: Path) -> None:
    chunks = probe.listen(ActionChunk, 'action_chunk', qos.RELIABLE)
    node = start('act_node', policy=policy, max_joint_age_s=1.0)
    node.wait_for('controller ready')
    for _ in range(20):
        robot.joints(age_s=3.0)
        robot.target()
        probe.spin_for(0.05)
    node.wait_for('is the driver alive?', 2.0)
    assert not chunks


def test_a_wrong_policy_directory_is_one_clear_line(start: Start, tmp_path: Path) -> None:
    node = start('act_node', policy=tmp_path)
    assert node.exit_code() == 1
    assert f'error: {tmp_path}/policy.yaml is missing' in node.text
    assert 'Traceback' not in node.text


def test_a_robot_that_the_policy_was_not_made_for_is_refused(start: Start, policy: Path) -> None:
    node = start('act_node', policy=policy, robot='ur5e')
    assert node.exit_code() == 1
    assert 'trained for robot panda' in node.text and 'got robot ur5e' in node.text
    assert 'Traceback' not in node.text


def test_a_parameter_outside_its_range_is_refused(start: Start, policy: Path) -> None:
    node = start('act_node', policy=policy, threads=0)
    assert node.exit_code() == 1
    assert 'threads' in node.text
    assert 'Traceback' not in node.text


def test_a_device_that_is_not_there_is_named(start: Start, policy: Path) -> None:
    node = start('act_node', policy=policy, device='warp')
    assert node.exit_code() == 1
    assert "device 'warp' cannot be used" in node.text
    assert 'Traceback' not in node.text


def test_it_obeys_the_instruction_that_was_painted(start: Start, probe, robot: Robot, policy: Path) -> None:  # type: ignore[no-untyped-def]
    chunks = probe.listen(ActionChunk, 'action_chunk', qos.RELIABLE)
    node = start('act_node', policy=policy, max_joint_age_s=1.0)
    node.wait_for('controller ready')
    robot.feed(1.0)
    assert chunks and chunks[-1].instruction == PolicySpec.load(policy).instruction
    robot.feed(0.5, instruction='dance')
    chunks.clear()
    robot.feed(1.0, instruction='dance')
    assert not chunks
    node.wait_for("unknown instruction 'dance'", 5.0)
