# SPDX-License-Identifier: Apache-2.0
"""Asks the Python that has our dependencies which nodes make a stack, and takes its answer.

This module is imported by the Python of `ros2`, which has ROS's own packages only.
"""

import json
import re
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from ament_index_python.packages import PackageNotFoundError, get_package_prefix

from genima_bringup.arguments import unknown_arguments
from genima_bringup.table import Stack

REMEDY = (
    'install GENIMA into a Python (in its checkout: pip install -r requirements.txt -e .), and build the workspace again'
    ' with that one active, or with GENIMA_PYTHON=/its/bin/python'
)


class PlanError(Exception):
    """The stack cannot be started as asked for."""


def refuse_unknown(command_line: Sequence[str]) -> None:
    """Refuse launch arguments on the command line of `ros2 launch` that no launch file of ours has; launch ignores them.

    Other launch files that include ours have arguments of their own, so only our own command lines are read.

    Raises:
        PlanError: naming what is allowed.
    """
    words = list(command_line[1:])
    if words[:1] != ['launch']:
        return
    operands = [word for word in words[1:] if not word.startswith('-') and ':=' not in word]
    ours = operands[:1] == ['genima_bringup'] or any('genima_bringup' in Path(word).parts for word in operands[:1])
    named = [word.partition(':=')[0] for word in words if ':=' in word and not word.startswith('-')]
    if trouble := unknown_arguments(named if ours else ()):
        raise PlanError(trouble)


def python_of_nodes() -> str:
    """Return the Python that the nodes were built for: it is in the first line of each of their scripts.

    Raises:
        PlanError: if they are not built, or it is not there any more.
    """
    try:
        script = Path(get_package_prefix('genima_ros')) / 'lib' / 'genima_ros' / 'guard_node'
        first = script.read_text(encoding='utf-8').partition('\n')[0]
    except (PackageNotFoundError, OSError) as error:
        raise PlanError(f'the nodes are not built ({error}): colcon build --base-paths src, then source install') from error
    python = first.removeprefix('#!').strip()
    if not Path(python).is_file():
        raise PlanError(f'the nodes were built for {python}, which is not there: {REMEDY}')
    return python


def plan(stack: str, values: Mapping[str, str]) -> Stack:
    """Return what is to be started.

    Args:
        stack: One of `genima_bringup.arguments.STACKS`.
        values: Launch arguments by name.

    Raises:
        PlanError: with the one line that says why not.
    """
    python = python_of_nodes()
    command = [python, '-m', 'genima_bringup.plan', stack, json.dumps(dict(values))]
    try:  # its standard input stays the terminal: the operator's keys come from there
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    except OSError as error:
        raise PlanError(f'{python} cannot be started ({error}): {REMEDY}') from error
    if done.returncode == 0 and done.stdout.strip():
        return Stack.from_dict(json.loads(done.stdout.splitlines()[-1]))
    raise PlanError(_reason(python, done.stderr, done.returncode))


def _reason(python: str, said: str, code: int) -> str:
    lines = [line for line in said.splitlines() if line.strip()] or [f'exit code {code}, without a word']
    ours = [line for line in lines if line.startswith('error: ')]
    if ours:
        return ours[-1].removeprefix('error: ')
    missing = re.search(r"No module named '?([\w.]+)", lines[-1])
    if missing:
        return f'{python}, for which the nodes were built, has no module {missing[1]}: {REMEDY}'
    return f'{python} could not work out the stack: {lines[-1]}'
