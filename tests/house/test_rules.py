# SPDX-License-Identifier: Apache-2.0
"""The rules of the house: who may import whom, and what no file may do."""

import ast
import re
from collections.abc import Iterator
from graphlib import TopologicalSorter
from pathlib import Path

from setuptools import find_packages
from setuptools.config.pyprojecttoml import read_configuration

ROOT = Path(__file__).resolve().parents[2]
LIBRARY = ROOT / 'src' / 'genima'
ROOMS = [
    'errors', 'plugins', 'files', 'borders', 'compiled', 'precision', 'processes', 'stamps', 'svg', 'robots', 'rig',
    'cameras', 'calibration', 'spheres', 'contract', 'backends', 'collision', 'chunks', 'painter', 'controller', 'policy',
    'guard', 'align', 'recording', 'episodes', 'camera_checks', 'quality', 'convert', 'failures', 'randomize', 'tasks',
    'sim', 'fci', 'train', 'evaluate', 'bench', 'view', 'cli',
]  # fmt: skip
ROS = {'rclpy', 'launch', 'launch_ros', 'sensor_msgs', 'std_msgs', 'trajectory_msgs', 'rosless', 'genima_msgs'}
# commands start and watch the graph; everything else in the library knows no node
MAY_KNOW_THE_GRAPH = {'cli'}
# `pip install src/genima_client` leaves a folder build there
PYTHON = sorted(path for path in (ROOT / 'src').rglob('*.py') if 'build' not in path.parts)
LICENCE = '# SPDX-License-Identifier: Apache-2.0'


def _imports(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f'{node.module}.{alias.name}' for alias in node.names)


def _module(path: Path) -> str:
    """Return the name under which a file is imported; ROS packages lie one folder deeper."""
    parts = path.relative_to(ROOT / 'src').with_suffix('').parts
    parts = parts[1:] if parts[0] in ('genima_ros', 'genima_bringup') else parts
    return '.'.join(parts[:-1] if parts[-1] == '__init__' else parts)


def _imported_at_start(path: Path, module: str) -> Iterator[str]:
    """Yield what a module imports while it is imported itself: not in functions, and not for the type checker."""
    package = module.split('.') if path.name == '__init__.py' else module.split('.')[:-1]
    for node in ast.parse(path.read_text()).body:
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = package[: len(package) - node.level + 1] if node.level else []
            base = '.'.join([*above, *([node.module] if node.module else [])])
            yield from (f'{base}.{alias.name}' for alias in node.names)
            if node.module:
                yield base


def _room(path: Path) -> str:
    relative = path.relative_to(LIBRARY)
    return relative.parts[0].removesuffix('.py')


LIBRARY_FILES = [path for path in PYTHON if LIBRARY in path.parents and path != LIBRARY / '__init__.py']


def test_rooms_import_only_rooms_before_them() -> None:
    order, wrong = {room: index for index, room in enumerate(ROOMS)}, []
    for path in LIBRARY_FILES:
        for name in _imports(path):
            parts = name.split('.')
            if parts[0] in ROS | {'genima_ros', 'genima_bringup'} and _room(path) not in MAY_KNOW_THE_GRAPH:
                wrong.append(f'{path.relative_to(ROOT)} imports {name}: the library knows no ROS')
            if parts[0] == 'genima' and len(parts) > 1 and order.get(parts[1], 0) > order[_room(path)]:
                wrong.append(f'{path.relative_to(ROOT)} imports {name}, a room behind its own')
    assert not wrong


def test_no_module_imports_itself_through_others() -> None:
    modules = {_module(path): path for path in PYTHON}
    graph = {name: set(modules) & set(_imported_at_start(path, name)) - {name} for name, path in modules.items()}
    TopologicalSorter(graph).prepare()  # raises a CycleError that names the circle


def test_files_have_their_licence() -> None:
    wrong = [path for path in PYTHON if (text := path.read_text()) and not text.startswith(LICENCE)]
    assert not wrong, f'{wrong} do not begin with {LICENCE!r}'


def test_nothing_unpickles_or_needs_torchvision() -> None:
    wrong = [path for path in PYTHON if {'pickle', 'torchvision'} & {name.split('.')[0] for name in _imports(path)}]
    assert not wrong


def test_yaml_is_read_safely_and_nothing_is_left_to_do() -> None:
    assert not [path for path in PYTHON if 'yaml.load(' in (text := path.read_text()) or 'TODO' in text]


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
