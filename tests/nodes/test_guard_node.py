# SPDX-License-Identifier: Apache-2.0
"""guard_node: disarmed it sends nothing; armed it sends what is sound; whatever is lost, it stops."""

import signal
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from genima_ros.messages import stamp
from genima_ros.trajectories import chunk_message, trajectory_arrays
from sensor_msgs.msg import JointState
from std_srvs.srv import Trigger
from trajectory_msgs.msg import JointTrajectory

from genima.chunks.plan import Chunk
from genima.contract.spec import PolicySpec
from genima.robots.profile import RobotProfile
from genima_msgs.msg import GuardStatus
from genima_ros import qos

PANDA = RobotProfile.load('panda')


class Lab:
    """A robot that stands still and a controller that wants a little motion."""

    def __init__(self, probe, spec: PolicySpec) -> None:  # type: ignore[no-untyped-def]
        self._probe = probe
        self._contract = spec.hash()
        self._joints = probe.create_publisher(JointState, 'joint_states', qos.RELIABLE)
        self._chunks = probe.create_publisher(JointTrajectory, 'action_chunk', qos.COMMAND)
        self.plans = probe.listen(JointTrajectory, 'arm_controller/joint_trajectory', qos.COMMAND)
        self.statuses = probe.listen(GuardStatus, 'guard/status', qos.LATCHED)

    @property
    def now_s(self) -> float:
        return 1e-9 * self._probe.get_clock().now().nanoseconds

    @property
    def reasons(self) -> str:
        return '; '.join(self.statuses[-1].reasons) if self.statuses else ''

    def run(self, duration_s: float, joints: bool = True, chunks: bool = True, bad: float = 0.0, **chunk: str) -> None:
        end_s, next_chunk_s = self.now_s + duration_s, 0.0
        while self.now_s < end_s:
            if joints:
                self.send_joints()
            if chunks and self.now_s >= next_chunk_s:
                next_chunk_s = self.now_s + 0.1
                self.send_chunk(bad, **chunk)
            self._probe.spin_for(0.02)

    def send_joints(self) -> None:
        names = [*PANDA.arm_joints, *PANDA.gripper.joints]
        message = JointState(name=names, position=[*PANDA.home_rad.tolist(), 0.04, 0.04])
        message.header.stamp = stamp(self.now_s)
        self._joints.publish(message)

    def send_chunk(self, bad: float, contract: str | None = None, robot: RobotProfile = PANDA) -> None:
        q_rad = PANDA.home_rad + np.linspace(0.002, 0.02, 10)[:, None]
        q_rad[4, 2] += bad
        chunk = Chunk(self.now_s, 0.1, q_rad, np.ones(10))
        self._chunks.publish(chunk_message(chunk, robot, self._contract if contract is None else contract))

    def call(self, name: str) -> Trigger.Response:
        return self._probe.call(Trigger, f'guard_node/{name}', Trigger.Request())


@pytest.fixture
def lab(probe, policy: Path) -> Lab:  # type: ignore[no-untyped-def]
    return Lab(probe, PolicySpec.load(policy))


def test_the_guard_moves_the_arm_only_when_all_is_well(start: Callable, lab: Lab, policy: Path) -> None:  # type: ignore[type-arg]
    node = start('guard_node', policy=policy, controller='arm_controller', max_joint_age_s=0.5)
    node.wait_for('disarmed (shadow mode)')
    lab.run(1.0)
    assert not lab.plans, 'a disarmed guard sent a plan'
    assert lab.statuses[-1].state == 'disarmed'
    assert lab.statuses[-1].chunks > 0, 'shadow mode judges all the same'

    assert lab.call('arm').success
    lab.run(1.0)
    assert len(lab.plans) >= 5
    _, times_s, q_rad, v_rad_s = trajectory_arrays(lab.plans[-1], PANDA.arm_joints)
    assert (np.diff(times_s) > 0).all() and times_s[-1] < 1.0
    assert v_rad_s is not None and not v_rad_s[-1].any()
    np.testing.assert_allclose(q_rad, np.tile(PANDA.home_rad, (len(q_rad), 1)), atol=0.1)

    lab.run(0.5, bad=np.nan)
    assert 'not finite' in lab.reasons or 'no usable chunk' in lab.reasons
    kinds = dict(zip(lab.statuses[-1].violations, lab.statuses[-1].violation_counts, strict=True))
    assert kinds.get('finite', 0) >= 1
    lab.plans.clear()
    lab.run(0.5, bad=np.nan)
    assert not lab.plans

    lab.run(0.5, contract='fedcba9876543210')
    assert 'fedcba9876543210' in lab.reasons
    lab.run(0.5)
    assert lab.statuses[-1].state == 'moving', lab.reasons

    lab.run(1.2, joints=False)
    assert 'joint states are' in lab.reasons
    lab.plans.clear()
    lab.run(0.5, joints=False)
    assert not lab.plans

    lab.run(0.5)
    assert lab.statuses[-1].state == 'moving', lab.reasons
    assert lab.call('stop').success
    lab.plans.clear()
    lab.run(0.5)
    assert not lab.plans
    answer = lab.call('arm')
    assert not answer.success and 'reset' in answer.message
    assert lab.call('reset').success
    assert lab.call('arm').success

    code, took_s = node.end()
    assert code == 0 and took_s < 10.0
    assert 'Traceback' not in node.text


def test_chunks_of_another_robot_move_nothing(start: Callable, lab: Lab, policy: Path) -> None:  # type: ignore[type-arg]
    node = start('guard_node', policy=policy, controller='arm_controller', armed_at_start=True)
    node.wait_for('ARMED')
    lab.run(1.0, robot=RobotProfile.load('fr3'))
    node.wait_for('do robot and policy match?', 2.0)
    assert not lab.plans
    code, took_s = node.end(signal.SIGTERM)
    assert code == 0 and took_s < 10.0


def test_a_robot_that_the_policy_was_not_made_for_is_refused(start: Callable, policy: Path) -> None:  # type: ignore[type-arg]
    node = start('guard_node', policy=policy, robot='fr3', controller='arm_controller')
    assert node.exit_code() == 1
    assert 'got robot fr3' in node.text
    assert 'Traceback' not in node.text
