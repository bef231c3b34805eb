# SPDX-License-Identifier: Apache-2.0
"""Files of labels, as the pages of `genima dataset show` save them, and writing labels into episodes."""

from collections.abc import Callable, Sequence
from datetime import datetime, timezone
from functools import partial
from pathlib import Path
from typing import Any

from genima.borders.texts import parse_json, read_text
from genima.episodes.annotate import write_metadata
from genima.episodes.labels import Interval, Label, with_interval, with_label
from genima.episodes.store import list_episodes, read_episode
from genima.errors import DatasetError

SCHEMA = 'genima-labels'
MOST_BYTES = 20 * 2**20


def now() -> str:
    """Return the time that labels note."""
    return datetime.now(timezone.utc).isoformat(timespec='seconds')


def read_label_file(path: Path | str) -> list[tuple[str, Label | Interval]]:
    """Return (name of the episode file, label or interval) from a file of labels.

    `{"schema": "genima-labels", "labels": [{"episode", "annotator", "success", "failure", "note"}],
    "intervals": [{"episode", "annotator", "from_s", "to_s", "failure"}]}`

    Raises:
        DatasetError: if the file, or one label in it, cannot be understood; then none is returned.
    """
    place = Path(path)
    try:
        values = parse_json(read_text(place, MOST_BYTES))
        if not isinstance(values, dict) or values.get('schema') != SCHEMA:
            raise ValueError(f'its schema is not {SCHEMA!r}')
        kinds: dict[str, Any] = {'labels': Label, 'intervals': Interval}
        return [_read(kind, each) for key, kind in kinds.items() for each in values.get(key, [])]
    except (ValueError, TypeError) as error:
        text = f'{place} is no file of labels ({error}); save one from the pages of `genima dataset show`'
        raise DatasetError(text) from error


def find_episode(folder: Path | str, name: str) -> Path:
    """Return the episode of a folder that is called `name`, with or without its ending, or has this number.

    Raises:
        DatasetError: if there is none.
    """
    paths = list_episodes(folder)
    for path in paths:
        if name in (path.name, path.stem):
            return path
    if name.isdecimal():
        for path in paths:
            number = path.stem.removeprefix('episode_')
            if number.isdecimal() and int(number) == int(name):
                return path
    raise DatasetError(f'{folder} has no episode {name!r}; it has {paths[0].stem} to {paths[-1].stem}')


def apply(
    folder: Path | str,
    labels: Sequence[tuple[str, Label | Interval]],
    on_done: Callable[[str], None] = lambda name: None,
) -> int:
    """Write labels into the episodes of a folder, each file atomically, and return how many files were written.

    Raises:
        DatasetError: if an episode is missing, or an interval is outside of it; then no file is written.
    """
    wanted: dict[Path, list[Label | Interval]] = {}
    for name, label in labels:
        wanted.setdefault(find_episode(folder, name), []).append(label)
    for path, each in wanted.items():
        _check_intervals(path, each)
    for path, each in wanted.items():
        write_metadata(path, partial(_changed, labels=each))
        on_done(path.name)
    return len(wanted)


def _changed(metadata: dict[str, Any], labels: Sequence[Label | Interval]) -> dict[str, Any]:
    for label in labels:
        metadata = with_label(metadata, label) if isinstance(label, Label) else with_interval(metadata, label)
    return metadata


def _check_intervals(path: Path, labels: Sequence[Label | Interval]) -> None:
    intervals = [each for each in labels if isinstance(each, Interval)]
    if not intervals:
        return
    times_s = read_episode(path, images=False).timestamps_s
    seconds = float(times_s[-1] - times_s[0]) if len(times_s) else 0.0
    for each in intervals:
        if each.from_s > seconds:
            raise DatasetError(f'{path.name} lasts {seconds:.1f} s: an interval cannot begin at {each.from_s:g} s')


def _read(kind: Any, values: object) -> tuple[str, Any]:
    if not isinstance(values, dict) or not isinstance(values.get('episode'), str):
        raise ValueError(f'{values!r} names no episode')
    return values['episode'], kind(**{key: value for key, value in values.items() if key != 'episode'})
