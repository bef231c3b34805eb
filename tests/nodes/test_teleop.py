# SPDX-License-Identifier: Apache-2.0
"""Somebody at the keyboard, and the scripted operator, from the keys and the plans to recordings."""

import os
import termios
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from genima_bringup.graph import stack
from genima_bringup.processes import LaunchError, StackProcesses
from genima_ros.conversions.messages import stamp
from genima_ros.conversions.trajectories import chunk_from_message
from genima_ros.core import qos
from sensor_msgs.msg import JointState

from genima.recording.layout import list_recordings, read_summary
from genima.recording.reader import read_bag
from genima.robots.kinematics import tcp_pose
from genima.robots.profile import RobotProfile
from genima_msgs.msg import ActionChunk, GuardStatus, RecorderStatus

PANDA = RobotProfile.load('panda')


@pytest.fixture
def terminal() -> Iterator[tuple[int, str]]:
    """Our end of a terminal, and the name of the other."""
    ours, theirs = os.openpty()
    os.set_blocking(ours, False)
    yield ours, os.ttyname(theirs)
    os.close(ours)
    os.close(theirs)


def _shown(handle: int) -> str:
    try:
        return os.read(handle, 65536).decode()
    except BlockingIOError:
        return ''


def test_keys_move_the_arm_through_chunks(start: Callable[..., Any], probe: Any, terminal: tuple[int, str]) -> None:
    ours, path = terminal
    before = termios.tcgetattr(ours)
    joints = probe.create_publisher(JointState, 'joint_states', qos.RELIABLE)
    chunks = probe.listen(ActionChunk, 'action_chunk', qos.COMMAND)
    recorder = probe.create_publisher(RecorderStatus, 'recorder/status', qos.LATCHED)
    node = start('teleop_node', terminal=path)

    def say(duration_s: float, keys: str = '') -> None:
        end_s, next_s = time.monotonic() + duration_s, 0.0
        while time.monotonic() < end_s:
            message = JointState(name=[*PANDA.arm_joints, *PANDA.gripper.joints], position=[*PANDA.home_rad, 0.04, 0.04])
            message.header.stamp = stamp(1e-9 * probe.get_clock().now().nanoseconds)
            joints.publish(message)
            if keys and time.monotonic() > next_s:
                os.write(ours, keys.encode())
                next_s = time.monotonic() + 0.05
            probe.spin_for(0.01)

    end_s = time.monotonic() + 20.0
    while not chunks and time.monotonic() < end_s:
        say(0.2)
    say(0.5)
    shown = _shown(ours)
    assert 'begin   y success' in shown, shown
    resting = chunk_from_message(chunks[-1], PANDA)
    assert chunks[-1].contract == 'teleoperation'
    np.testing.assert_allclose(resting.q_rad, np.tile(PANDA.home_rad, (20, 1)), atol=1e-9)
    assert resting.gripper_open[0] == 1.0, 'the gripper stays as it is'
    say(0.6, 'e')
    moving = chunk_from_message(chunks[-1], PANDA)
    ahead = tcp_pose(PANDA, moving.q_rad)[:, :3, 3] - tcp_pose(PANDA, PANDA.home_rad)[:3, 3]
    assert ahead[-1, 2] > 0.03 and np.abs(ahead[:, :2]).max() < 0.005
    recorder.publish(RecorderStatus(state='recording', episode='episode_000007', dropped=3, warnings=['the disk is slow']))
    os.write(ours, b' +b')
    say(0.8)
    resting = chunk_from_message(chunks[-1], PANDA)
    assert np.ptp(resting.q_rad, axis=0).max() == 0.0, 'the keys were let go'
    assert resting.gripper_open[0] == 0.0
    shown = _shown(ours)
    assert 'episode_000007: 0 s, 0 MB, 3 dropped; the disk is slow' in shown
    assert 'speed 0.15 m/s' in shown and 'NO: recorder_node/start_episode does not answer' in shown
    code, _ = node.end()
    assert code == 0 and 'Traceback' not in node.text, node.text
    assert termios.tcgetattr(ours) == before, 'the terminal is as it was'


def test_without_a_terminal_there_is_one_clear_line(start: Callable[..., Any]) -> None:
    node = start('teleop_node', terminal='/dev/null')
    assert node.exit_code() == 1 and 'no terminal to read keys from' in node.text and 'Traceback' not in node.text


def _finished(processes: StackProcesses, output: list[str], timeout_s: float) -> None:
    end_s = time.monotonic() + timeout_s
    while not processes.done:
        assert time.monotonic() < end_s, '\n'.join(output[-40:])
        try:
            processes.check()
        except LaunchError as error:
            raise AssertionError('\n'.join(output[-40:])) from error
        time.sleep(0.1)


def test_the_scripted_operator_fills_a_folder_with_demonstrations(probe: Any, tmp_path: Path) -> None:
    statuses = probe.listen(GuardStatus, 'guard/status', qos.LATCHED)
    arguments = {'operator': 'scripted', 'episodes': '2', 'seed': '11', 'out': str(tmp_path)}
    arguments |= {'image_size': '64x48', 'image_rate': '20'}
    output: list[str] = []
    overrides = {'recorder_node': {'reserve_gb': 0.1}, 'operator_node': {'diversion': 0.2}}
    with StackProcesses(stack('record', arguments), overrides, write=lambda name, line: output.append(line)) as processes:
        _finished(processes, output, 150.0)
    text = '\n'.join(output)
    assert 'done: 2 of 2 episodes succeeded' in text and 'Traceback' not in text, text
    assert not any(status.violations and 'contract' in status.violations for status in statuses)
    folders = list_recordings(tmp_path)
    assert [folder.name for folder in folders] == ['episode_000000', 'episode_000001']
    for index, folder in enumerate(folders):
        summary = read_summary(folder)
        assert (summary['outcome'], summary['dropped']) == ('success', 0)
        provenance = summary['provenance']
        assert provenance['seed'] == 11 + index and provenance['simulated']
        assert (provenance['task'], provenance['instruction']) == ('pick', 'pick up the red cube')
        topics = summary['topics']
        images = [topics[f'/cameras/{name}/image_raw'] for name in provenance['cameras']]
        assert len(images) == 4 and all(image['rate_hz'] == 20.0 and image['missing'] == 0 for image in images)
        assert topics['/joint_states']['rate_hz'] == 100.0 and topics['/action_chunk']['count'] > 20
        joints = [item.message for item in read_bag(folder, ['/joint_states'])]
        stamps_s = [message.header.stamp.sec + 1e-9 * message.header.stamp.nanosec for message in joints]
        assert len(joints) == topics['/joint_states']['count'] and np.diff(stamps_s) == pytest.approx(0.01, abs=1e-6)
        assert topics['/tf_static']['count'] >= 1 and topics['/episode']['count'] > 10 and topics['/clock']['count'] > 100
