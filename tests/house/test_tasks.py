# SPDX-License-Identifier: Apache-2.0
"""A task is known in its own folder only."""

from pathlib import Path

from genima.tasks.registry import TASKS, find_task

SOURCE = Path(__file__).resolve().parents[2] / 'src'
KINDS = ('.py', '.js', '.html', '.msg', '.srv', '.txt', '.yaml')
VOCABULARY = 'genima/painter/vocabulary.txt'  # of the shipped painters, which were trained with it


def test_the_objects_of_a_task_are_named_in_its_folder_only() -> None:
    for task in TASKS.ours:
        for each in find_task(task).objects:
            texts = [path for path in SOURCE.rglob('*') if path.suffix in KINDS]
            found = [path.relative_to(SOURCE).as_posix() for path in texts if each.name in path.read_text().lower()]
            assert [path for path in found if not path.startswith(f'genima/tasks/{task}/')] == [VOCABULARY]
