# SPDX-License-Identifier: Apache-2.0
"""MuJoCo stands behind the door of simulators: who else imports it says why."""

import ast
from pathlib import Path

SOURCE = Path(__file__).resolve().parents[2] / 'src'
EXCEPTIONS = {
    'genima/tasks/base.py': 'the type of the world that a task builds its objects in',
    'genima/tasks/pick/task.py': 'builds its object in that world',
    'genima/fci/sim_server.py': "runs in the Python of franka-sim, which is MuJoCo's",
    'genima/bench/contacts.py': 'the judge of our own distances, so it must not be ours',
}


def _imports_mujoco(path: Path) -> bool:
    for node in ast.walk(ast.parse(path.read_text())):
        names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        names += [node.module or ''] if isinstance(node, ast.ImportFrom) else []
        if any(name.split('.')[0] == 'mujoco' for name in names):
            return True
    return False


def test_only_the_room_of_the_simulator_imports_mujoco() -> None:
    found = {path.relative_to(SOURCE).as_posix() for path in SOURCE.rglob('*.py') if _imports_mujoco(path)}
    assert {path for path in found if not path.startswith('genima/sim/')} == set(EXCEPTIONS)


def test_evaluation_knows_no_simulator() -> None:
    for path in (SOURCE / 'genima' / 'evaluate').glob('*.py'):
        assert 'genima.sim.simulation' not in path.read_text(), f'{path.name}: ask genima.sim.registry'
