# SPDX-License-Identifier: Apache-2.0
"""rosless is a package of its own: it needs nothing of GENIMA, and what it says of itself is what it imports."""

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest
from setuptools import find_packages
from setuptools.config.pyprojecttoml import read_configuration

ROSLESS = Path(__file__).resolve().parents[2] / 'src' / 'rosless'
PIP = {'cv2': 'opencv-python-headless', 'yaml': 'pyyaml'}
MADE_BY_ROSLESS = re.compile(r'rclpy|rosless|rcl_interfaces|system|.*_msgs|.*_interfaces')
NODE = """
import sys
import rosless
rosless.ensure()
import rclpy
from std_msgs.msg import String
rclpy.init()
node = rclpy.create_node('alone')
heard = []
node.create_subscription(String, 'word', heard.append, 1)
publisher = node.create_publisher(String, 'word', 1)
for _ in range(100):
    publisher.publish(String(data='hello'))
    rclpy.spin_once(node, timeout_sec=0.1)
    if heard:
        break
assert heard and rclpy.__file__.startswith(sys.argv[1]), (heard, rclpy.__file__)
assert not [name for name in sys.modules if name.split('.')[0] == 'genima']
node.destroy_node()
rclpy.shutdown()
"""


@pytest.fixture(scope='module')
def tool() -> dict:  # type: ignore[type-arg]
    return dict(read_configuration(ROSLESS / 'pyproject.toml', expand=False))


def test_the_dependencies_are_what_the_files_import(tool: dict) -> None:  # type: ignore[type-arg]
    imported = set()
    for path in ROSLESS.rglob('*.py'):
        for node in ast.walk(ast.parse(path.read_text())):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ''] if isinstance(node, ast.ImportFrom) and not node.level else []
            imported |= {name.split('.')[0] for name in names}
    others = {name for name in imported - set(sys.stdlib_module_names) if not MADE_BY_ROSLESS.fullmatch(name)}
    named = {re.split('[<>=]', each)[0] for each in tool['project']['dependencies']}
    assert named == {PIP.get(name, name) for name in others} | {'cyclonedds'}, 'cyclonedds is loaded as a library'


def test_all_its_packages_are_listed(tool: dict) -> None:  # type: ignore[type-arg]
    found = {'rosless', *(f'rosless.{name}' for name in find_packages(str(ROSLESS)))}
    assert found == set(tool['tool']['setuptools']['packages'])


def test_a_node_runs_where_only_rosless_is_installed(tmp_path: Path) -> None:
    place = tmp_path / 'site'
    options = ['--quiet', '--no-deps', '--no-build-isolation', '--disable-pip-version-check', '--target', str(place)]
    source = tmp_path / 'source'
    for path in ROSLESS.rglob('*'):
        if path.is_file() and '__pycache__' not in path.parts:
            (source / path.relative_to(ROSLESS)).parent.mkdir(parents=True, exist_ok=True)
            (source / path.relative_to(ROSLESS)).write_bytes(path.read_bytes())
    subprocess.run([sys.executable, '-m', 'pip', 'install', *options, str(source)], check=True, timeout=120)
    (tmp_path / 'node.py').write_text(NODE)
    environment = {'PATH': '/usr/bin:/bin', 'HOME': str(tmp_path), 'PYTHONPATH': str(place)}
    environment['ROS_AUTOMATIC_DISCOVERY_RANGE'] = 'LOCALHOST'
    command = [sys.executable, 'node.py', str(place)]
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
