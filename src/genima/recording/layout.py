# SPDX-License-Identifier: Apache-2.0
"""What a folder of recordings looks like.

`<directory>/episode_000012/` is a rosbag2 bag: `episode_000012_0.mcap` and `metadata.yaml`. `episode.json` says how the
episode ended and what is in it; it is written last, so a folder without it was not finished.
"""

import os
import re
from pathlib import Path
from typing import Any

from genima.borders.files import inside, regular_file
from genima.borders.texts import read_json
from genima.errors import BorderError, DatasetError
from genima.files import atomic_path
from genima.recording.numbered import list_numbered

EPISODE = 'episode'
METADATA, SUMMARY = 'metadata.yaml', 'episode.json'
SCHEMA, SCHEMA_VERSION = 'genima-recording', 1
PACKED = '.zstd'
SUFFIXES = tuple(kind + end for kind in ('.mcap', '.db3') for end in ('', PACKED))
"""Of the files of a bag: MCAP and SQLite, and what rosbag2 makes of them with file compression."""
OUTCOMES = ('success', 'failure', 'unfinished')
"""How an episode ended; a discarded one is not kept."""


def list_recordings(directory: Path | str) -> list[Path]:
    """Return the folders of all episodes in the order of their numbers, finished or not.

    Raises:
        DatasetError: if there is none.
    """
    paths = list(list_numbered(directory, EPISODE).values())
    if not paths:
        raise DatasetError(f'no recording episode_*/ in {directory}; record some with `genima up record out:={directory}`')
    return paths


def bag_files(folder: Path | str) -> list[Path]:
    """Return the files of a bag in their order, all MCAP or all SQLite; a path of one such file is that file.

    Raises:
        DatasetError: if there is none.
    """
    path = Path(folder)
    files = [path] if path.is_file() else [regular_file(inside(path, file)) for file in find_bag_files(path)]
    if not files or not files[0].name.endswith(SUFFIXES):
        endings = ', '.join(SUFFIXES)
        raise DatasetError(f'no *.mcap in {path}, nor *.db3; a recording is a rosbag2 folder, or one file of it ({endings})')
    return files


def find_bag_files(folder: Path) -> list[Path]:
    """Return the files of the bag in a folder, none where it has none; a file beside its compressed self is that one."""
    for suffix in SUFFIXES[::2]:
        named = [file for file in folder.glob(f'*{suffix}*') if not file.name.startswith('.')]
        plain = {file.name for file in named if file.name.endswith(suffix)}
        packed = [file for file in named if file.name.endswith(suffix + PACKED) and file.stem not in plain]
        files = [file for file in named if file.name in plain] + packed
        if files:
            return sorted(files, key=lambda file: [int(part) for part in re.findall(r'\d+', file.name.partition('.')[0])])
    return []


def is_finished(folder: Path | str) -> bool:
    """Return whether an episode was finished: a power cut leaves one that was not."""
    return (Path(folder) / SUMMARY).is_file()


def read_summary(folder: Path | str) -> dict[str, Any]:
    """Return what `episode.json` says: outcome, failure, note, file, bytes, sha256, topics, provenance.

    Raises:
        DatasetError: if the episode was not finished, or the file is damaged or of another version.
    """
    path = Path(folder) / SUMMARY
    if not path.exists():
        raise DatasetError(f'{folder} was not finished (no {SUMMARY}): repair it, or record the episode again')
    try:
        summary: dict[str, Any] = read_json(inside(folder, path))
        if not isinstance(summary, dict) or not isinstance(summary.get('provenance', {}), dict):
            raise BorderError('it is no table with a provenance')
    except BorderError as error:
        raise DatasetError(f'{path} cannot be read ({error}): repair the recording') from error
    if (summary.get('schema'), summary.get('schema_version')) != (SCHEMA, SCHEMA_VERSION):
        got = f'schema {summary.get("schema")!r} version {summary.get("schema_version")}'
        raise DatasetError(f'{path} has {got}, this program reads {SCHEMA!r} version {SCHEMA_VERSION}')
    return summary


def write_durable(path: Path, text: str) -> None:
    """Write a file so that it is whole or absent, also after a power cut."""
    with atomic_path(path) as temporary:
        temporary.write_text(text, encoding='utf-8')
        with temporary.open('rb') as file:
            os.fsync(file.fileno())
    sync_directory(path.parent)


def sync_directory(directory: Path) -> None:
    """Make the names of new files in a folder survive a power cut."""
    handle = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
