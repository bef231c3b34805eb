# SPDX-License-Identifier: Apache-2.0
"""The stack that records, and recording beside a policy."""

import json
import os
import sys
from pathlib import Path

import numpy as np
import pytest
from genima_bringup.processes import LaunchError, StackProcesses

from genima.calibration.file import CameraCalibration, write_calibration
from genima.cameras.model import CameraModel, MountedCamera
from genima.contract.spec import PolicySpec
from genima.errors import GenimaError, TaskError
from genima_bringup import graph


def _nodes(name: str = 'record', **arguments: str) -> dict[str, graph.NodeEntry]:
    return {entry.name: entry for entry in graph.stack(name, arguments).nodes}


def test_the_scripted_operator_moves_a_simulated_arm_and_ends_the_stack(tmp_path: Path) -> None:
    nodes = _nodes(operator='scripted', episodes='3', seed='7', out=str(tmp_path), image_size='640x480', image_rate='30')
    assert list(nodes) == ['sim_node', 'guard_node', 'recorder_node', 'operator_node']
    assert nodes['operator_node'].ends_stack and not nodes['recorder_node'].ends_stack
    assert nodes['operator_node'].parameters == {'robot': 'panda', 'seed': 7, 'episodes': 3, 'task': 'pick'}
    size = {'width_px': 640, 'height_px': 480, 'image_rate_hz': 30.0}
    assert size.items() <= nodes['sim_node'].parameters.items()
    recorder = nodes['recorder_node'].parameters
    assert recorder['out'] == str(tmp_path) and recorder['cameras'] == ['wrist', 'front', 'right_shoulder', 'left_shoulder']
    assert (recorder['task'], recorder['source']) == ('pick', 'simulation, scripted expert')


def test_a_guard_without_a_policy_waits_for_no_target() -> None:
    guard = _nodes(operator='none')['guard_node'].parameters
    assert 'policy' not in guard and guard['max_target_age_s'] == 0.0 and guard['check_targets'] is False


def test_the_keyboard_is_the_default_and_moves_real_arms_too_but_never_at_once() -> None:
    assert 'teleop_node' in _nodes()
    nodes = _nodes(robot='fr3', robot_ip='172.16.0.3', launch_driver='false', instruction='fold the towel')
    assert list(nodes) == ['gripper_node', 'camera_check_node', 'guard_node', 'recorder_node', 'teleop_node']
    assert nodes['guard_node'].parameters['check_cameras'] and nodes['guard_node'].parameters['cameras']
    assert nodes['guard_node'].parameters['armed_at_start'] is False
    recorder = nodes['recorder_node'].parameters
    assert recorder['instruction'] == 'fold the towel' and 'task' not in recorder
    assert recorder['source'] == 'teleoperation by keyboard'


def test_calibration_files_go_into_what_is_recorded(tmp_path: Path) -> None:
    dates = {'front': '2026-05-01T12:00:00Z', 'wrist': '2026-06-01T12:00:00Z', 'side': '2020-01-01T12:00:00Z'}
    for name, date in dates.items():
        camera = MountedCamera(CameraModel(name, 640, 480, np.diag([600.0, 600.0, 1.0])), 'base', np.eye(4))
        write_calibration(tmp_path / f'{name}.yaml', CameraCalibration(camera, date, serial='42' if name == 'front' else ''))
    recorder = _nodes(calibration=str(tmp_path), cameras='front,wrist')['recorder_node'].parameters
    calibration = json.loads(recorder['calibration'])
    assert calibration['date'] == '2026-05-01' and 'wrist' in calibration['id'] and 'side' not in calibration['id']
    assert json.loads(recorder['camera_hardware'])['front']['serial'] == '42'
    assert 'calibration' not in _nodes()['recorder_node'].parameters


def test_a_policy_is_recorded_when_asked_for(tmp_path: Path, small_spec: PolicySpec) -> None:
    small_spec.save(tmp_path)
    assert 'recorder_node' not in _nodes('franka', policy=str(tmp_path))
    nodes = _nodes('franka', policy=str(tmp_path), record='true')
    assert nodes['recorder_node'].parameters['source'] == f'simulation, policy {tmp_path.name}'
    assert not {'teleop_node', 'operator_node'} & set(nodes)


@pytest.mark.parametrize(
    ('arguments', 'message'),
    [
        ({'operator': 'robot'}, 'allowed: keyboard, scripted, retrace, none'),
        ({'operator': 'scripted', 'robot_ip': '1.2.3.4', 'launch_driver': 'false'}, 'objects of the simulation only'),
        ({'image_size': '640'}, 'the form is image_size:=640x480'),
        ({'image_rate': 'fast'}, 'the form is'),
        ({'record': 'perhaps'}, 'allowed: true, false'),
        ({'episodes': 'all', 'operator': 'scripted'}, "episodes: 'all' is not a whole number"),
    ],
)
def test_wrong_arguments_are_named(arguments: dict[str, str], message: str) -> None:
    with pytest.raises(GenimaError, match=message):
        _nodes(**arguments)


@pytest.mark.parametrize('arm', [{}, {'mock': 'true'}, {'robot_ip': '127.0.0.1', 'driver': 'fci', 'robot': 'fr3'}])
def test_a_task_that_cannot_be_simulated_is_not_recorded_under_its_name(arm: dict[str, str]) -> None:
    with pytest.raises(TaskError, match="no simulated task 'fold'; known are pick"):
        _nodes(task='fold', operator='none', **arm)
    real = _nodes(robot='fr3', robot_ip='172.16.0.3', launch_driver='false', task='fold', operator='none')
    assert real['recorder_node'].parameters['task'] == 'fold'


def test_a_policy_and_an_operator_do_not_share_an_arm(tmp_path: Path, small_spec: PolicySpec) -> None:
    small_spec.save(tmp_path)
    with pytest.raises(GenimaError, match='which moves the arm'):
        _nodes('franka', policy=str(tmp_path), operator='scripted')


@pytest.mark.parametrize(('name', 'code', 'done'), [('ends', 0, True), ('ends', 1, False), ('sleeps', 0, False)])
def test_only_the_clean_end_of_the_operator_is_the_end_of_the_work(
    monkeypatch: pytest.MonkeyPatch, name: str, code: int, done: bool
) -> None:
    programs = {'sleeps': 'import time; time.sleep(60)', 'ends': 'import time; time.sleep(60)'}
    programs[name] = f'raise SystemExit({code})'
    monkeypatch.setattr('genima_bringup.processes.command', lambda entry, *_: [sys.executable, '-c', programs[entry.name]])
    entries = (graph.NodeEntry('sleeps'), graph.NodeEntry('ends', ends_stack=True))
    with StackProcesses(graph.Stack('test', Path('none.yaml'), entries)) as processes:
        os.waitid(os.P_PID, processes.pids()[name], os.WEXITED | os.WNOWAIT)
        assert processes.done == done
        if done:
            processes.check()
        else:
            with pytest.raises(LaunchError, match=f'{name} ended with exit code {code}'):
                processes.check()
