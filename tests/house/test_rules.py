# SPDX-License-Identifier: Apache-2.0
"""The rules of the house: who may import whom, and how large a file may grow."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from setuptools import find_packages
from setuptools.config.pyprojecttoml import read_configuration

ROOT = Path(__file__).resolve().parents[2]
LIBRARY = ROOT / 'src' / 'genima'
ROOMS = [
    'errors', 'files', 'borders', 'compiled', 'precision', 'processes', 'stamps', 'svg', 'robots', 'rig', 'cameras',
    'calibration', 'spheres', 'contract', 'collision', 'chunks', 'painter', 'controller', 'policy', 'guard', 'align',
    'recording', 'episodes', 'camera_checks', 'quality', 'convert', 'failures', 'randomize', 'sim', 'fci', 'train',
    'evaluate', 'bench', 'view', 'cli',
]  # fmt: skip
ROS = {'rclpy', 'launch', 'launch_ros', 'sensor_msgs', 'std_msgs', 'trajectory_msgs', 'rosless', 'genima_msgs'}
# commands start and watch the graph; everything else in the library knows no node
MAY_KNOW_THE_GRAPH = {'cli'}
PYTHON = sorted(path for path in (ROOT / 'src').rglob('*.py') if 'egg-info' not in str(path))
MAX_LINES = 300


def _imports(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f'{node.module}.{alias.name}' for alias in node.names)


def _room(path: Path) -> str:
    relative = path.relative_to(LIBRARY)
    return relative.parts[0].removesuffix('.py')


LIBRARY_FILES = [path for path in PYTHON if LIBRARY in path.parents and path != LIBRARY / '__init__.py']


@pytest.mark.parametrize('path', LIBRARY_FILES, ids=lambda path: str(path.relative_to(LIBRARY)))
def test_rooms_import_only_rooms_before_them(path: Path) -> None:
    order = {room: index for index, room in enumerate(ROOMS)}
    for name in _imports(path):
        parts = name.split('.')
        if parts[0] in ROS or parts[0] in {'genima_ros', 'genima_bringup'}:
            assert _room(path) in MAY_KNOW_THE_GRAPH, f'{path.name} imports {name}: the library knows no ROS'
        if parts[0] == 'genima' and len(parts) > 1 and parts[1] in order:
            assert order[parts[1]] <= order[_room(path)], f'{path.name} imports {name}, a room behind its own'


@pytest.mark.parametrize('path', PYTHON, ids=lambda path: str(path.relative_to(ROOT / 'src')))
def test_file_keeps_the_rules(path: Path) -> None:
    text = path.read_text()
    names = set(_imports(path))
    assert not text or text.startswith('# SPDX-License-Identifier: Apache-2.0'), 'the licence line is missing'
    assert text.count('\n') <= MAX_LINES, f'over {MAX_LINES} lines: more than one idea?'
    assert not {'pickle', 'torchvision'} & {name.split('.')[0] for name in names}
    assert 'yaml.load(' not in text and 'TODO' not in text


def test_every_room_is_listed() -> None:
    rooms = {_room(path) for path in LIBRARY_FILES}
    assert rooms <= set(ROOMS), f'not in the dependency order: {rooms - set(ROOMS)}'


def test_commands_and_nodes_never_unpickle() -> None:
    for path in PYTHON:
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and ast.unparse(node.func) == 'torch.load':
                arguments = {keyword.arg: ast.unparse(keyword.value) for keyword in node.keywords}
                assert arguments.get('weights_only') == 'True', f'{path}: torch.load without weights_only=True'


def test_every_package_is_installed() -> None:
    find = read_configuration(ROOT / 'pyproject.toml', expand=False)['tool']['setuptools']['packages']['find']
    found = {name for where in find['where'] for name in find_packages(str(ROOT / where), include=find['include'])}
    folders = ['.'.join(path.parent.relative_to(ROOT / 'src').parts) for path in PYTHON if path.name == '__init__.py']
    # the colcon packages lie one folder deeper
    assert found == {re.sub(r'^(genima_\w+)\.\1', r'\1', name) for name in folders}
