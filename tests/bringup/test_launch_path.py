# SPDX-License-Identifier: Apache-2.0
"""`ros2 launch` of a distribution: its Python has ROS's own packages only, and the nodes' Python has ours."""

import json
import os
import runpy
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from genima_bringup.arguments import ARGUMENTS

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = [str(ROOT / 'src' / name) for name in ('genima_bringup', 'genima_ros')]
PLAIN = {'_yaml', 'cython_runtime', 'ament_index_python', 'genima_bringup', 'genima_ros', 'launch', 'launch_ros', 'yaml'}


@pytest.fixture
def ros(tmp_path: Path) -> dict[str, Any]:
    """A ROS that has yaml, our packages as colcon installs them, and the scripts of our nodes."""
    site = tmp_path / 'site'
    site.mkdir()
    (site / 'yaml').symlink_to(Path(yaml.__file__).parent)
    script = tmp_path / 'lib' / 'genima_ros' / 'guard_node'
    script.parent.mkdir(parents=True)
    script.write_text(f'#!{sys.executable}\nfrom genima_ros.guard_node import main\n')
    return {'path': [*PACKAGES, str(site)], 'prefix': str(tmp_path)}


def _launch(ros: dict[str, Any], name: str = 'franka', *command: str, **arguments: str) -> dict[str, Any]:
    file = ROOT / 'src' / 'genima_bringup' / 'launch' / f'{name}.launch.py'
    argv = ['/opt/ros/jazzy/bin/ros2', 'launch', 'genima_bringup', file.name, *command]
    case = {**ros, 'file': str(file), 'argv': argv, 'arguments': arguments}
    line = [sys.executable, '-I', '-S', str(Path(__file__).parent / 'plain_ros.py'), json.dumps(case)]
    environment = {**os.environ, 'PYTHONPATH': os.pathsep.join([*PACKAGES, str(ROOT / 'src')])}
    done = subprocess.run(line, env=environment, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


@pytest.mark.parametrize('name', ['franka', 'ur5e', 'record'])
def test_launch_files_import_nothing_beyond_a_plain_ros(ros: dict[str, Any], name: str) -> None:
    answer = _launch(ros, name, overlay='false')
    assert {name for name in answer['imported'] if not name.startswith('_cython')} <= PLAIN  # yaml's C part
    assert {'sim_node', 'guard_node'} <= set(answer['nodes'])
    assert answer['arguments'] == sorted(each.name for each in ARGUMENTS)


def test_nodes_of_a_simulated_arm_are_told_to_stay_on_this_computer(
    ros: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv('ROS_AUTOMATIC_DISCOVERY_RANGE')
    assert _launch(ros, overlay='false')['ranges'] == ['LOCALHOST']
    assert _launch(ros, overlay='false', network='lan')['ranges'] == ['SUBNET']


def test_what_is_wrong_is_one_line(ros: dict[str, Any], tmp_path: Path) -> None:
    assert _launch(ros, seed='x')['error'] == "seed: 'x' is not a whole number"
    unknown = _launch(ros, 'franka', 'polcy:=runs/mine')['error']
    assert unknown.startswith('unknown launch arguments polcy (did you mean policy?); allowed: policy')
    script = tmp_path / 'lib' / 'genima_ros' / 'guard_node'
    script.write_text('#!/gone/bin/python\n')
    assert 'the nodes were built for /gone/bin/python, which is not there: install GENIMA' in _launch(ros)['error']
    bare = tmp_path / 'python'  # a Python that has none of our dependencies
    bare.write_text(f'#!/bin/sh\nPYTHONPATH={os.pathsep.join(PACKAGES)} exec {sys.executable} -S "$@"\n')
    bare.chmod(0o755)
    script.write_text(f'#!{bare}\n')
    assert 'has no module' in _launch(ros)['error'] and 'GENIMA_PYTHON' in _launch(ros)['error']
    script.unlink()
    assert 'the nodes are not built' in _launch(ros)['error']


def test_the_python_of_the_nodes_is_found_where_they_are_built(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr('setuptools.setup', lambda **given: None)
    monkeypatch.setattr(sys, 'executable', '/usr/bin/python3')

    def found() -> str:
        runpy.run_path(str(ROOT / 'src' / 'genima_ros' / 'setup.py'))
        return sys.executable

    for name in ('active', 'named'):
        (tmp_path / name / 'bin').mkdir(parents=True)
        (tmp_path / name / 'bin' / 'python').symlink_to('/bin/true')
    monkeypatch.setenv('VIRTUAL_ENV', str(tmp_path / 'active'))
    monkeypatch.delenv('GENIMA_PYTHON', raising=False)
    assert found() == str(tmp_path / 'active' / 'bin' / 'python')
    monkeypatch.setenv('GENIMA_PYTHON', str(tmp_path / 'named' / 'bin' / 'python'))
    assert found() == str(tmp_path / 'named' / 'bin' / 'python')
    monkeypatch.setenv('GENIMA_PYTHON', str(tmp_path / 'nothing'))
    with pytest.raises(SystemExit, match='is no program'):
        found()
