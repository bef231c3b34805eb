# SPDX-License-Identifier: Apache-2.0
"""The steps of the Docker image, by hand in a fresh folder; which Python and which user, as text.

Needs a ROS 2 and a virtual environment with our dependencies of its Python's version:
`ROS2_SETUP=/opt/ros/jazzy/setup.bash GENIMA_VENV=.venv pytest -m ros2 tests/middleware/test_image_steps.py`.
"""

import os
import shlex
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SETUP, VENV = os.environ.get('ROS2_SETUP', ''), os.environ.get('GENIMA_VENV', '')


def test_the_image_takes_pinned_versions_an_ordinary_user_and_a_signal_that_ends_nodes() -> None:
    text = (ROOT / 'docker' / 'Dockerfile').read_text()
    steps = (ROOT / 'docker' / 'build.sh').read_text()
    assert 'USER genima' in text and 'STOPSIGNAL SIGINT' in text and 'docker/build.sh workspace' in text
    assert '-c constraints-ros.txt' in steps and "'setuptools<80'" in steps and 'rosdep install --from-paths src' in steps
    assert subprocess.run(['bash', '-n', str(ROOT / 'docker' / 'build.sh')], check=False).returncode == 0
    command = ['env', 'ROS_DISTRO=jazzy', ROOT / 'docker' / 'build.sh', 'nothing']
    wrong = subprocess.run(command, capture_output=True, text=True, check=False)
    assert wrong.returncode == 1 and 'there are system, python, workspace' in wrong.stderr


@pytest.mark.ros2
@pytest.mark.slow
@pytest.mark.skipif(not (SETUP and VENV), reason='ROS2_SETUP and GENIMA_VENV do not name a ROS 2 and an environment for it')
def test_the_workspace_builds_and_launches_in_a_fresh_folder(tmp_path: Path) -> None:
    listed = ['git', '-C', str(ROOT), 'ls-files', '-z']
    files = subprocess.run(listed, capture_output=True, check=True).stdout
    subprocess.run(['xargs', '-0', 'cp', '--parents', '-t', str(tmp_path)], input=files, cwd=ROOT, check=True)
    environment = {name: value for name, value in os.environ.items() if name not in ('PYTHONPATH', 'VIRTUAL_ENV')}
    environment['GENIMA_VENV'] = str(Path(VENV).absolute())

    def run(command: str, timeout_s: float) -> str:
        line = f'source {shlex.quote(SETUP)} && {command}'
        where = {'cwd': tmp_path, 'env': environment, 'timeout': timeout_s}
        done = subprocess.run(['bash', '-c', line], capture_output=True, text=True, check=False, **where)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout + done.stderr

    run('docker/build.sh workspace', 900)
    sourced = 'source install/setup.bash && ros2'
    assert 'use_sim_time' in run(f'{sourced} launch genima_bringup franka.launch.py --show-args', 60)
    assert 'guard_node' in run(f'{sourced} pkg executables genima_ros', 60)
