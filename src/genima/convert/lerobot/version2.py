# SPDX-License-Identifier: Apache-2.0
"""LeRobot v2.0 and v2.1: one file an episode, and lists of episodes and tasks as JSON lines.

Source: huggingface/lerobot 0.3.3, `datasets/utils.py`; the two versions differ in their statistics only.
"""

from pathlib import Path
from typing import Any

from genima.borders.files import inside
from genima.borders.texts import parse_json, read_text
from genima.errors import DatasetError

EPISODES, TASKS = 'meta/episodes.jsonl', 'meta/tasks.jsonl'


def read_records(folder: Path) -> list[dict[str, Any]]:
    """Return one row an episode, in their order: `episode_index`, `length`.

    Raises:
        DatasetError: if the list is missing or damaged.
    """
    rows = _lines(folder / EPISODES)
    try:
        records = [{'episode_index': int(row['episode_index']), 'length': int(row['length'])} for row in rows]
    except (KeyError, TypeError, ValueError) as error:
        raise DatasetError(f'{folder / EPISODES} is damaged ({error!r}); copy or download it again') from error
    return sorted(records, key=lambda record: record['episode_index'])


def read_tasks(folder: Path) -> tuple[str, ...]:
    """Return the tasks by their index."""
    rows = _lines(folder / TASKS)
    try:
        tasks = {int(row['task_index']): str(row['task']) for row in rows}
        return tuple(tasks[index] for index in range(len(tasks)))
    except (KeyError, TypeError, ValueError) as error:
        raise DatasetError(f'{folder / TASKS} is damaged ({error!r}); copy or download it again') from error


def place(record: dict[str, Any], episodes_per_chunk: int) -> dict[str, int]:
    """Return what the path of an episode's file is made of."""
    index = int(record['episode_index'])
    return {'episode_chunk': index // episodes_per_chunk, 'episode_index': index}


def _lines(path: Path) -> list[dict[str, Any]]:
    try:
        return [parse_json(line) for line in read_text(inside(path.parents[1], path)).splitlines() if line.strip()]
    except ValueError as error:
        raise DatasetError(
            f'{path} cannot be read ({error}); a LeRobot v2 dataset has it: copy or download it again'
        ) from error
