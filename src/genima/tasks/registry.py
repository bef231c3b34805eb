# SPDX-License-Identifier: Apache-2.0
"""Tasks by name: ours, and those of other packages."""

from functools import cache

from genima.errors import TaskError
from genima.plugins import Plugins
from genima.tasks.base import Task

TASKS = Plugins(
    'genima.tasks',
    'simulated task',
    TaskError,
    {'pick': 'genima.tasks.pick.task:Pick'},
    ('name', 'instructions', 'objects', 'needs_gripper', 'build', 'reset', 'success', 'measures', 'expert'),
    is_made=True,
)
"""Each a callable without arguments that returns a `Task`; the first is what a simulation has by default."""


def tasks() -> tuple[str, ...]:
    """Return the names of all tasks, the default first."""
    return TASKS.names()


@cache
def find_task(name: str = '') -> Task:
    """Return a task by its name; the default for an empty one.

    Raises:
        TaskError: if there is none, or it is broken.
    """
    task: Task = TASKS.make(name or tasks()[0])
    return task
