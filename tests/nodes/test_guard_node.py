# SPDX-License-Identifier: Apache-2.0
"""guard_node: disarmed it sends nothing; armed it sends what is sound; whatever is lost, it stops."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from copy import deepcopy
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rclpy
from control_msgs.msg import JointTrajectoryControllerState
from diagnostic_msgs.msg import DiagnosticArray
from genima_ros.conversions.messages import stamp
from genima_ros.conversions.trajectories import chunk_message, trajectory_arrays
from genima_ros.core import qos
from sensor_msgs.msg import JointState
from std_msgs.msg import Bool, Float64, Header
from std_srvs.srv import Trigger
from trajectory_msgs.msg import JointTrajectory, JointTrajectoryPoint

from genima.chunks.plan import Chunk
from genima.contract.spec import PolicySpec
from genima.errors import LimitError
from genima.files import config_dir
from genima.robots.profile import RobotProfile
from genima.sim.trajectory_controller import TrajectoryController
from genima_msgs.msg import ActionChunk, GuardStatus, TargetImage

PANDA = RobotProfile.load('panda')
ARMED = {'simulated': True, 'controller': 'arm_controller', 'armed_at_start': True, 'max_joint_age_s': 0.5}


class Lab:
    """A robot that stands still, its controller, a painter, and a policy that wants a little motion."""

    def __init__(self, probe, spec: PolicySpec) -> None:  # type: ignore[no-untyped-def]
        self._probe = probe
        self.contract = spec.hash()
        self._joints = probe.create_publisher(JointState, 'joint_states', qos.RELIABLE)
        self._chunks = probe.create_publisher(ActionChunk, 'action_chunk', qos.COMMAND)
        self._state = probe.create_publisher(JointTrajectoryControllerState, 'arm_controller/controller_state', qos.RELIABLE)
        self._targets = probe.create_publisher(TargetImage, 'target_image', qos.COMMAND)
        self._bools = {name: probe.create_publisher(Bool, name, qos.RELIABLE) for name in ('e_stop', 'deadman', 'program')}
        self._arm, self._taken = TrajectoryController(PANDA.n_joints, PANDA.home_rad), 0
        self.controller_alive, self.targets_alive, self.frozen_s = True, True, 0.0
        self.plans = probe.listen(JointTrajectory, 'arm_controller/joint_trajectory', qos.COMMAND)
        self.statuses = probe.listen(GuardStatus, 'guard/status', qos.LATCHED)

    @property
    def now_s(self) -> float:
        return 1e-9 * self._probe.get_clock().now().nanoseconds

    def run_until_moving(self) -> None:
        """Let all be well until the arm moves; a busy machine needs more than one try."""
        for _ in range(20):
            self.run(0.25)
            if self.statuses and self.statuses[-1].state == 'moving':
                return
        raise AssertionError(f'the arm does not move: {self.reasons}')

    def send(self, chunk: ActionChunk) -> None:
        self._chunks.publish(chunk)

    @property
    def reasons(self) -> str:
        return '; '.join(self.statuses[-1].reasons) if self.statuses else ''

    def run(self, duration_s: float, joints: bool = True, chunks: bool = True, bad: float = 0.0, **chunk: str) -> None:
        end_s, next_chunk_s = self.now_s + duration_s, 0.0
        while self.now_s < end_s:
            if joints:
                self.send_joints()
            if self.controller_alive:
                self.send_controller()
            if chunks and self.now_s >= next_chunk_s:
                next_chunk_s = self.now_s + 0.1
                if self.targets_alive:
                    self.send_target()
                self.send_chunk(bad, **chunk)
            self._probe.spin_for(0.02)

    def forget_plans(self) -> None:
        self.plans.clear()
        self._taken = 0

    def say(self, name: str, value: bool) -> None:
        self._bools[name].publish(Bool(data=value))

    def send_controller(self) -> None:
        for plan in self.plans[self._taken :]:
            stamp_s, times_s, q_rad, v_rad_s = trajectory_arrays(plan, PANDA.arm_joints)
            with suppress(LimitError):  # like the real one, it refuses what comes too late, and goes on
                self._arm.set_trajectory(self.now_s, stamp_s, times_s, q_rad, v_rad_s)
        self._taken = len(self.plans)
        now_s = self.now_s
        names = list(reversed(PANDA.arm_joints))
        reference = self._arm.sample(now_s)[0][::-1].tolist()
        message = JointTrajectoryControllerState(joint_names=names, reference=JointTrajectoryPoint(positions=reference))
        message.header.stamp = stamp(now_s)
        self._state.publish(message)

    def send_target(self) -> None:
        message = TargetImage(contract=self.contract, cameras=['front'], unchanged_s=[self.frozen_s], horizon_s=1.0)
        message.header.stamp = stamp(self.now_s - 0.1)
        self._targets.publish(message)

    def send_joints(self) -> None:
        names = [*PANDA.arm_joints, *PANDA.gripper.joints]
        message = JointState(name=names, position=[*PANDA.home_rad.tolist(), 0.04, 0.04])
        message.header.stamp = stamp(self.now_s)
        self._joints.publish(message)

    def send_chunk(self, bad: float, contract: str | None = None, robot: RobotProfile = PANDA) -> None:
        q_rad = PANDA.home_rad + np.linspace(0.002, 0.02, 10)[:, None]
        q_rad[4, 2] += bad
        chunk = Chunk(self.now_s, 0.1, q_rad, np.ones(10))
        self._chunks.publish(chunk_message(chunk, robot, self.contract if contract is None else contract))

    def call(self, name: str) -> Trigger.Response:
        return self._probe.call(Trigger, f'guard_node/{name}', Trigger.Request())


@pytest.fixture
def lab(probe, policy: Path) -> Lab:  # type: ignore[no-untyped-def]
    return Lab(probe, PolicySpec.load(policy))


def test_the_guard_moves_the_arm_only_when_all_is_well(start: Callable, lab: Lab, policy: Path) -> None:  # type: ignore[type-arg]
    node = start('guard_node', simulated=True, policy=policy, controller='arm_controller', max_joint_age_s=0.5)
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
    lab.forget_plans()
    lab.run(0.5, bad=np.nan)
    assert not lab.plans

    lab.run(0.5, contract='fedcba9876543210')
    assert 'fedcba9876543210' in lab.reasons
    lab.run_until_moving()

    lab.run(1.2, joints=False)
    assert 'joint states are' in lab.reasons
    lab.forget_plans()
    lab.run(0.5, joints=False)
    assert not lab.plans

    lab.run_until_moving()
    assert lab.call('stop').success
    lab.run(0.1)  # the stop is said more than once
    lab.forget_plans()
    lab.run(0.5)
    assert not lab.plans
    answer = lab.call('arm')
    assert not answer.success and 'reset' in answer.message
    assert lab.call('reset').success
    assert lab.call('arm').success

    code, took_s = node.end()
    assert code == 0 and took_s < 10.0
    assert 'Traceback' not in node.text


def test_what_the_robot_controller_and_the_painter_do_counts(start: Callable, lab: Lab, policy: Path) -> None:  # type: ignore[type-arg]
    given = {'controller': 'arm_controller', 'armed_at_start': True, 'max_joint_age_s': 0.5}
    node = start('guard_node', simulated=True, policy=policy, **given)
    node.wait_for('ARMED')
    lab.controller_alive = lab.targets_alive = False
    lab.run(0.7)
    assert not lab.plans and 'no fresh target image' in lab.reasons
    lab.targets_alive = True
    lab.run(0.7)
    assert not lab.plans and 'no state of the robot controller yet' in lab.reasons
    lab.controller_alive = True
    lab.run_until_moving()
    lab.targets_alive = False
    lab.run(1.5)
    assert 'no fresh target image' in lab.reasons and 'allowed are 0.80 s' in lab.reasons


def test_emergency_stop_deadman_and_driver(start: Callable, lab: Lab, probe, policy: Path, tmp_path: Path) -> None:  # type: ignore[no-untyped-def, type-arg]
    profile = tmp_path / 'panda.yaml'
    condition = "{topic: program, type: std_msgs/msg/Bool, field: data, allowed: [true], text: press play, source: here}"
    profile.write_text((config_dir() / 'robots' / 'panda.yaml').read_text() + f'\ndriver:\n  - {condition}\n')
    beats, diagnostics = probe.listen(Header, 'guard/heartbeat', qos.COMMAND), probe.listen(
        DiagnosticArray, '/diagnostics', qos.RELIABLE
    )
    node = start(
        'guard_node', simulated=True, policy=policy, robot=profile, controller='arm_controller', armed_at_start=True,
        max_joint_age_s=0.5, check_driver=True, deadman_timeout_s=0.5,
    )  # fmt: skip
    node.wait_for('ARMED')

    def run(seconds: float, *, held: bool, program: bool) -> None:
        for _ in range(round(seconds / 0.2)):
            lab.say('deadman', held)
            lab.say('program', program)
            lab.run(0.2)

    lab.run(0.5)
    assert 'hold the deadman switch' in lab.reasons and not lab.plans
    run(0.6, held=True, program=False)
    assert 'press play (program: False)' in lab.reasons and not lab.plans
    run(1.4, held=True, program=True)
    assert lab.statuses[-1].state == 'moving', lab.reasons
    run(0.6, held=False, program=True)
    assert 'let go' in lab.reasons
    run(1.4, held=True, program=True)
    assert lab.statuses[-1].state == 'moving', lab.reasons
    lab.say('e_stop', True)
    lab.run(0.3)
    assert lab.statuses[-1].state == 'stopped' and 'emergency stop is pressed; reset to go on' in lab.reasons
    assert lab.call('reset').success and lab.call('arm').success
    run(0.6, held=True, program=True)
    assert 'emergency stop is pressed' in lab.reasons, 'as long as it is pressed'
    lab.say('e_stop', False)
    run(1.4, held=True, program=True)
    assert lab.statuses[-1].state == 'moving', lab.reasons
    assert len(beats) > 100
    status = [each for message in diagnostics for each in message.status if each.name == 'guard_node: guard'][-1]
    assert status.hardware_id == 'panda' and 'violations: e_stop' in str(status)


def test_chunks_of_another_robot_move_nothing(start: Callable, lab: Lab, policy: Path) -> None:  # type: ignore[type-arg]
    node = start('guard_node', simulated=True, policy=policy, controller='arm_controller', armed_at_start=True)
    node.wait_for('ARMED')
    lab.run(1.0, robot=RobotProfile.load('fr3'))
    node.wait_for('do robot and policy match?', 2.0)
    assert not lab.plans
    code, took_s = node.end(signal.SIGTERM)
    assert code == 0 and took_s < 10.0


def test_a_robot_that_the_policy_was_not_made_for_is_refused(start: Callable, policy: Path) -> None:  # type: ignore[type-arg]
    node = start('guard_node', simulated=True, policy=policy, robot='ur5e', controller='arm_controller')
    assert node.exit_code() == 1
    assert 'got robot ur5e' in node.text
    assert 'Traceback' not in node.text


def test_a_second_publisher_latches_a_stop_that_names_it(start: Callable, lab: Lab, policy: Path) -> None:  # type: ignore[type-arg]
    node = start('guard_node', **ARMED, policy=policy)
    node.wait_for('ARMED')
    lab.run_until_moving()
    rogue = rclpy.create_node('rogue')
    rogue.create_publisher(JointTrajectory, 'arm_controller/joint_trajectory', qos.COMMAND)
    lab.run(1.5)
    assert lab.statuses[-1].state == 'stopped' and '/rogue' in lab.reasons and '2 publishers' in lab.reasons
    rogue.destroy_node()
    assert lab.call('reset').success
    lab.run(1.0)
    assert lab.call('arm').success


def test_chunks_of_another_shape_are_refused_and_the_guard_goes_on(start: Callable, lab: Lab, policy: Path) -> None:  # type: ignore[type-arg]
    node = start('guard_node', **ARMED, policy=policy)
    node.wait_for('ARMED')
    good = chunk_message(Chunk(lab.now_s, 0.1, np.tile(PANDA.home_rad, (10, 1)), np.ones(10)), PANDA, lab.contract)
    for spoil in (
        lambda message: message.points[3].positions.pop(),
        lambda message: message.points.extend(message.points * 1000),
        lambda message: message.joint_names.extend(f'joint{index}' for index in range(1000)),
        lambda message: message.points.clear(),
        lambda message: message.points[0].positions.__setitem__(0, 1e308),
    ):
        message = deepcopy(good)
        message.header.stamp = stamp(lab.now_s)
        spoil(message)
        lab.send(message)
    lab.run(1.0)
    assert node.process.poll() is None and lab.statuses[-1].state == 'moving', lab.reasons


def test_an_orphaned_guard_stops_the_arm_and_ends(lab: Lab, policy: Path, node_environment: None) -> None:
    launcher = (
        'import subprocess, sys, time\n'
        "guard = subprocess.Popen([sys.executable, '-m', 'genima_ros.guard_node', *sys.argv[1:]], start_new_session=True,\n"
        '    stdout=subprocess.PIPE, stderr=subprocess.STDOUT)\n'
        'print(guard.pid, flush=True)\n'
        'for line in guard.stdout: pass\n'
    )
    parameters = {'policy': policy, **ARMED}
    texts = {name: str(value).lower() if value is True else value for name, value in parameters.items()}
    arguments = [each for name, text in texts.items() for each in ('-p', f'{name}:={text}')]
    command = [sys.executable, '-c', launcher, '--ros-args', *arguments]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as top:
        assert top.stdout is not None
        guard = int(top.stdout.readline())
        try:
            for _ in range(40):
                lab.run(0.5)
                if lab.statuses and lab.statuses[-1].state == 'moving':
                    break
            assert lab.statuses[-1].state == 'moving', lab.reasons
            top.kill()
            lab.run(0.5)
            assert lab.statuses[-1].state == 'stopped' and 'launcher' in lab.reasons and not lab.statuses[-1].armed
            lab.forget_plans()
            lab.run(1.0)
            assert not lab.plans
            with suppress(FileNotFoundError):  # a zombie where nobody collects it
                assert not Path(f'/proc/{guard}/cmdline').read_bytes(), 'it lives on'
        finally:
            top.kill()
            with suppress(ProcessLookupError):
                os.kill(guard, signal.SIGKILL)


def test_the_gripper_command_is_there_for_who_comes_late(start: Callable, lab: Lab, probe, policy: Path) -> None:  # type: ignore[no-untyped-def, type-arg]
    node = start('guard_node', **ARMED, policy=policy)
    node.wait_for('ARMED')
    lab.run(1.5)
    late, repeated = probe.listen(Float64, 'gripper/command', qos.LATCHED), []
    probe.create_subscription(Float64, 'gripper/command', repeated.append, qos.COMMAND)
    lab.run(2.5)
    assert late and late[0].data == 1.0
    assert len(repeated) >= 1
    lab.call('disarm')
    repeated.clear()
    lab.run(1.5)
    assert not repeated, 'a disarmed guard commands the gripper'


@pytest.mark.parametrize('key', ['guard_node', '/**/guard_node'])
def test_a_guard_whose_parameter_file_misses_it_does_not_start(
    start: Callable[..., Any], policy: Path, tmp_path: Path, key: str
) -> None:
    text = (config_dir() / 'stacks' / 'hardware.yaml').read_text()
    (tmp_path / 'parameters.yaml').write_text(text.replace('/**/guard_node:', f'{key}:'))
    arguments = ['--params-file', str(tmp_path / 'parameters.yaml'), '-r', '__ns:=/cell1']
    node = start('guard_node', arguments, policy=policy, controller='arm_controller')
    if key == '/**/guard_node':
        node.wait_for('guard ready')
    else:
        assert node.exit_code() == 1
        assert 'nobody gave speed_limit' in node.text and 'no parameter file reached /cell1/guard_node' in node.text
