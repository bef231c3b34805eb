# SPDX-License-Identifier: Apache-2.0
"""Tasks by name: ours, and those of other packages."""

from functools import cache
from importlib import import_module
from importlib.metadata import entry_points

from genima.errors import TaskError
from genima.tasks.base import Task

GROUP = 'genima.tasks'
"""Entry points of other packages: the name of a task, and a callable without arguments that returns it."""
OURS = {'pick': 'genima.tasks.pick.task:Pick'}
"""Modules and classes, by the name of the task; the first is what a simulation has by default."""


def tasks() -> tuple[str, ...]:
    """Return the names of all tasks, the default first."""
    return (*OURS, *(each.name for each in entry_points(group=GROUP) if each.name not in OURS))


@cache
def find_task(name: str = '') -> Task:
    """Return a task by its name; the default for an empty one.

    Raises:
        TaskError: if there is none.
    """
    name = name or next(iter(OURS))
    if name in OURS:
        module, _, kind = OURS[name].partition(':')
        ours: Task = getattr(import_module(module), kind)()
        return ours
    found = {each.name: each for each in entry_points(group=GROUP)}
    if name not in found:
        raise TaskError(f'no task {name!r} can be simulated; known are {", ".join(tasks())}')
    task: Task = found[name].load()()
    return task
