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


@pytest.mark.parametrize(
    ('launch', 'robot', 'controller'),
    [('franka', 'panda', 'panda_arm_controller'), ('ur5e', 'ur5e', 'genima_trajectory_controller')],
)
def test_the_arm_follows_and_stops(launch: str, robot: str, controller: str, tmp_path: Path) -> None:
    if not has_mock_hardware():
        pytest.skip('this ROS 2 has no controller_manager, or not our packages')
    policy = ROOT / 'models' / f'{robot}_pick'
    environment = {**os.environ, 'ROS_DOMAIN_ID': '83', 'ROS_AUTOMATIC_DISCOVERY_RANGE': 'LOCALHOST'}
    start = f'ros2 launch genima_bringup {launch}.launch.py mock:=true robot:={robot} policy:={policy} overlay:=false'
    log = tmp_path / 'launch.log'
    with log.open('w') as output:
        stack = subprocess.Popen(sourced(start), env=environment, stdout=output, stderr=output, start_new_session=True)
        try:
            observe = f'{python_of_nodes()} {Path(__file__).parent / "mock_observer.py"} {robot} {controller}'
            run = subprocess.run(sourced(observe), env=environment, capture_output=True, text=True, timeout=400)
        finally:
            os.killpg(stack.pid, signal.SIGINT)
            try:
                stack.wait(30)
            except subprocess.TimeoutExpired:
                os.killpg(stack.pid, signal.SIGKILL)
    assert run.returncode == 0, run.stderr + log.read_text()[-4000:]
    seen = json.loads(run.stdout.splitlines()[-1])
    print(seen)
    assert seen['moved_disarmed_rad'] == 0.0 and seen['moved_rad'] > 0.05
    assert seen['rest_after_disarm_s'] <= 0.5 and seen['rest_after_kill_s'] <= 0.5
    assert seen['velocity'] <= 1.0 and seen['acceleration'] <= 1.0 and seen['jump_rad'] < 1e-4
