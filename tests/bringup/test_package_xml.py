# SPDX-License-Identifier: Apache-2.0
"""What our ROS packages import is what they declare: rosdep keys in package.xml, the rest in requirements.txt."""

import ast
import re
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest
from setuptools.config.pyprojecttoml import read_configuration

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ('genima_msgs', 'genima_ros', 'genima_bringup')
# modules whose package is called otherwise
KEYS = {'numpy': 'python3-numpy', 'cv2': 'python3-opencv', 'scipy': 'python3-scipy', 'yaml': 'python3-yaml'}
KEYS |= {'pytest': 'python3-pytest', 'tf2_ros': 'tf2_ros_py'}
# franka_msgs is of the Franka driver, imported where a profile names it; franka and pylibfranka are the extra `fci`:
# an error says to install them
OPTIONAL = {'franka_msgs', 'franka', 'pylibfranka'}
OURS = {'genima', 'rosless'}  # the library, installed by pip


def _declared(package: str) -> set[str]:
    root = ElementTree.parse(ROOT / 'src' / package / 'package.xml').getroot()
    return {str(each.text) for each in root if each.tag.endswith('depend')}


def _requirements() -> list[str]:
    lines = (ROOT / 'requirements.txt').read_text().splitlines()
    return [line for line in lines if line and not line.startswith('#')]


def _imported(path: Path) -> set[str]:
    names = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names |= {each.name.split('.')[0] for each in node.names}
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            names.add(str(node.module).split('.')[0])
    return names - set(sys.stdlib_module_names)


@pytest.mark.parametrize('package', PACKAGES[1:])
def test_what_is_imported_is_declared(package: str) -> None:
    by_pip = {re.split(r'[<>=;]', line)[0] for line in _requirements()}
    known = _declared(package) | by_pip | OURS | OPTIONAL | {package}
    for path in (ROOT / 'src' / package).rglob('*.py'):
        if path.name != 'setup.py':
            missing = {name for name in _imported(path) if KEYS.get(name, name) not in known}
            assert not missing, f'{path}: {", ".join(missing)} stands neither in package.xml nor in requirements.txt'


@pytest.mark.parametrize('package', PACKAGES)
def test_package_xml_has_keys_of_rosdep_only(package: str) -> None:
    keys = {line for line in (Path(__file__).parent / 'rosdep_keys.txt').read_text().splitlines() if line[0] != '#'}
    assert _declared(package) - keys - set(PACKAGES) == set()


def test_the_pip_list_is_that_of_the_library() -> None:
    project = read_configuration(ROOT / 'pyproject.toml', expand=False)['project']
    assert _requirements() == project['dependencies']


def test_versions_for_ros_fit_the_pip_list() -> None:
    lines = (ROOT / 'constraints-ros.txt').read_text().splitlines()
    pinned = {line.split('==')[0].lower() for line in lines if '==' in line}
    assert {re.split(r'[<>=;]', line)[0].strip().lower() for line in _requirements()} <= pinned
