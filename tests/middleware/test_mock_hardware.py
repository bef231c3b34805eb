# SPDX-License-Identifier: Apache-2.0
"""The launch files on ros2_control's mock hardware with a real joint_trajectory_controller.

Needs a ROS 2 with ros2_control and with this workspace built on top:
`ROS2_SETUP=install/setup.bash pytest -m ros2 tests/middleware/test_mock_hardware.py`.
"""

import json
import os
import shlex
import signal
import subprocess
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
SETUP = os.environ.get('ROS2_SETUP', '')


def sourced(command: str) -> list[str]:
    """Return a bash command that runs in the environment of ROS 2 and of this workspace, as in any user's shell."""
    return ['bash', '-c', f'source {shlex.quote(SETUP)} && exec {command}']


def python_of_nodes() -> str:
    """Return the Python that the nodes were built for."""
    prefix = subprocess.run(sourced('ros2 pkg prefix genima_ros'), capture_output=True, text=True, check=True).stdout.strip()
    return Path(prefix, 'lib', 'genima_ros', 'guard_node').read_text().partition('\n')[0].removeprefix('#!')


def has_mock_hardware() -> bool:
    """Return whether the ROS 2 of SETUP has ros2_control and our launch files."""
    check = 'ros2 pkg prefix controller_manager && ros2 pkg prefix genima_bringup'
    return bool(SETUP) and subprocess.run(sourced(f'bash -c {shlex.quote(check)}'), capture_output=True).returncode == 0


pytestmark = [pytest.mark.ros2, pytest.mark.skipif(not SETUP, reason='ROS2_SETUP does not name a setup.bash')]


def run_beside(start: str, script: str, robot: str, controller: str, folder: Path) -> dict[str, Any]:
    """Run a script beside a stack and return what it saw."""
    if not has_mock_hardware():
        pytest.skip('this ROS 2 has no controller_manager, or not our packages')
    environment = {**os.environ, 'ROS_DOMAIN_ID': '83', 'ROS_AUTOMATIC_DISCOVERY_RANGE': 'LOCALHOST'}
    log = folder / 'launch.log'
    with log.open('w') as output:
        launch = sourced(f'ros2 launch genima_bringup {start}')
        stack = subprocess.Popen(launch, env=environment, stdout=output, stderr=output, start_new_session=True)
        try:
            observe = f'{python_of_nodes()} {Path(__file__).parent / script} {robot} {controller}'
            run = subprocess.run(sourced(observe), env=environment, capture_output=True, text=True, timeout=400)
        finally:
            os.killpg(stack.pid, signal.SIGINT)
            try:
                stack.wait(30)
            except subprocess.TimeoutExpired:
                os.killpg(stack.pid, signal.SIGKILL)
    assert run.returncode == 0, run.stderr + log.read_text()[-4000:]
    seen: dict[str, Any] = json.loads(run.stdout.splitlines()[-1])
    print(seen)
    return seen


@pytest.mark.parametrize(
    ('launch', 'robot', 'controller'),
    [('franka', 'panda', 'panda_arm_controller'), ('ur5e', 'ur5e', 'genima_trajectory_controller')],
)
def test_the_arm_follows_and_stops(launch: str, robot: str, controller: str, tmp_path: Path) -> None:
    policy = ROOT / 'models' / f'{robot}_pick'
    start = f'{launch}.launch.py mock:=true robot:={robot} policy:={policy} overlay:=false'
    seen = run_beside(start, 'mock_observer.py', robot, controller, tmp_path)
    assert seen['moved_disarmed_rad'] == 0.0 and seen['moved_rad'] > 0.05
    assert seen['rest_after_disarm_s'] <= 0.5 and seen['rest_after_kill_s'] <= 0.5
    assert seen['velocity'] <= 1.0 and seen['acceleration'] <= 1.0 and seen['jump_rad'] < 1e-4


def test_a_clock_that_is_off_breaks_no_limit_and_a_rogue_is_named(tmp_path: Path) -> None:
    parameters = tmp_path / 'guard.yaml'
    guard = {'use_sim_time': True, 'check_cameras': False, 'speed_limit': 1.0}
    parameters.write_text(json.dumps({'/**/guard_node': {'ros__parameters': guard}}))
    given = f'params_file:={parameters} out:={tmp_path}'
    start = f'record.launch.py robot:=panda mock:=true operator:=none cameras:=front {given}'
    seen = run_beside(start, 'mock_commander.py', 'panda', 'panda_arm_controller', tmp_path)
    for case in (*seen['offsets'], *seen['steps']):
        assert max(case['velocity'], case['acceleration'], case['jerk']) <= 1.0 and case['jump_rad'] < 1e-3, case
    for case in seen['offsets']:
        if abs(case['offset_s']) > 0.03:
            assert 'the clock here is' in case['refused'] and case['moved_rad'] == 0.0, case
    right = seen['offsets'][0]
    assert right['offset_s'] == 0.0 and not right['refused'] and right['moved_rad'] > 0.1
    rogue = seen['rogue']
    assert rogue['state'] == 'stopped' and any('has 2 publishers' in reason for reason in rogue['reasons'])
    if rogue['limited']:
        assert rogue['measured_velocity'] <= 1.1, 'the second line: ros2_control limits every sender'
