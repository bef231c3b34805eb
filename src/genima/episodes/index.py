# SPDX-License-Identifier: Apache-2.0
"""`index.json`: what is in the episode files of a folder. A cache: entries of files that changed are made anew."""

import contextlib
import hashlib
import json
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from genima.borders.files import border, inside
from genima.borders.hdf5 import open_hdf5
from genima.borders.texts import read_json
from genima.episodes.diversity import clutter, conditions, level, materials
from genima.episodes.page import camera_names
from genima.episodes.store import content_digest, list_episodes, read_episode
from genima.errors import DatasetError, GenimaError
from genima.files import write_atomic

FILE_NAME = 'index.json'
SCHEMA = 'genima-index'
SCHEMA_VERSION = 2  # 1 knew neither materials nor clutter


@dataclass(frozen=True)
class Entry:
    """One episode file.

    Attributes:
        file: Name in the folder; with `bytes` and `mtime_ns` it tells whether the entry is still true.
        error: Why it cannot be read; then nothing of the following is known.
        content_sha256: Digest stored in the file, computed where an old file has none.
        steps: Number of steps, `seconds` from the first to the last.
        rate_hz: As in the metadata, like `robot`, `task`, `success` (None: not judged), `failure`, `recorded_at`, `licence`.
        conditions: Visual conditions, and the level of `diversity` that their number makes.
        materials: Of the objects; `clutter` is what else lies about.
        cameras: Whose pictures it holds.
    """

    file: str
    bytes: int
    mtime_ns: int
    error: str = ''
    content_sha256: str = ''
    steps: int = 0
    seconds: float = 0.0
    rate_hz: float | None = None
    robot: str = ''
    task: str = ''
    success: bool | None = None
    failure: str = ''
    conditions: tuple[str, ...] = ()
    materials: tuple[str, ...] = ()
    clutter: str = ''
    diversity: str = 'unknown'
    recorded_at: str = ''
    licence: str = ''
    cameras: tuple[str, ...] = ()

    def describes(self, path: Path) -> bool:
        """Return whether the file has not been written since."""
        status = path.stat()
        return (self.bytes, self.mtime_ns) == (status.st_size, status.st_mtime_ns)


def describe(path: Path) -> Entry:
    """Read what the index says about one file."""
    status = path.stat()
    try:
        with border(path, 'copy it again'):
            inside(path.parent, path)
            return _entry(path, status.st_size, status.st_mtime_ns)
    except GenimaError as error:
        return Entry(path.name, status.st_size, status.st_mtime_ns, error=str(error))


def read_index(folder: Path | str) -> dict[str, Entry]:
    """Return the entries of `index.json` as it stands, by file name; none if there is no index, or an old one.

    Raises:
        DatasetError: if the file is damaged or of another schema.
    """
    path = Path(folder) / FILE_NAME
    if not path.is_file():
        return {}
    try:
        values = read_json(path)
        if values['schema'] == SCHEMA and values['schema_version'] == 1:
            return {}  # a cache of an earlier program is not damaged, but made anew
        if (values['schema'], values['schema_version']) != (SCHEMA, SCHEMA_VERSION):
            raise ValueError(f'schema {values["schema"]!r} version {values["schema_version"]}')
        return {entry.file: entry for entry in map(_from_dict, values['episodes'])}
    except (ValueError, KeyError, TypeError) as error:
        raise DatasetError(f'{path} is damaged ({error}); `genima dataset repair {folder}` makes it anew') from error


def refresh_index(folder: Path | str, on_done: Callable[[str], None] = lambda name: None) -> list[Entry]:
    """Return true entries of all episode files in the order of their names, and write them if anything changed.

    Args:
        folder: The dataset; where it may not be written to, only the entries are returned.
        on_done: Called with the name of each file.
    """
    try:
        known = read_index(folder)
    except DatasetError:
        known = {}
    entries = []
    for path in sorted(Path(folder).glob('episode_*.h5')):
        old = known.get(path.name)
        entries.append(old if old is not None and old.describes(path) else describe(path))
        on_done(path.name)
    if entries != list(known.values()):
        with contextlib.suppress(OSError):
            write_index(folder, entries)
    return entries


def list_demonstrations(folder: Path | str) -> list[Path]:
    """Return the episodes of a dataset that may be learned from: all but those that were judged a failure.

    Raises:
        DatasetError: if there is none.
    """
    entries = refresh_index(folder)
    good = [Path(folder) / entry.file for entry in entries if entry.success is not False]
    if entries and not good:
        raise DatasetError(f'{folder}: all {len(entries)} episodes were judged failures; record some that succeed')
    return good or list_episodes(folder)


def write_index(folder: Path | str, entries: Iterable[Entry]) -> None:
    """Write `index.json` atomically."""
    episodes = [asdict(entry) for entry in entries]
    values = {'schema': SCHEMA, 'schema_version': SCHEMA_VERSION, 'episodes': episodes}
    write_atomic(Path(folder) / FILE_NAME, json.dumps(values, indent=1) + '\n')


def index_digest(contents: dict[str, str]) -> str:
    """Return the SHA-256 of a whole dataset: of its file names and their content digests, times do not count."""
    lines = ''.join(f'{name} {digest}\n' for name, digest in sorted(contents.items()))
    return hashlib.sha256(lines.encode()).hexdigest()


def _entry(path: Path, size: int, mtime_ns: int) -> Entry:
    episode = read_episode(path, images=False)
    with open_hdf5(path) as file:
        cameras = tuple(camera_names(file))
        digest = file.attrs.get('content_sha256') or content_digest(file)
    metadata = episode.metadata
    rate_hz, success, names = metadata.get('rate_hz'), metadata.get('success'), conditions(metadata)
    return Entry(
        file=path.name,
        bytes=size,
        mtime_ns=mtime_ns,
        content_sha256=str(digest),
        steps=len(episode),
        seconds=float(episode.timestamps_s[-1] - episode.timestamps_s[0]) if len(episode) else 0.0,
        rate_hz=float(rate_hz) if isinstance(rate_hz, (int, float)) else None,
        success=success if isinstance(success, bool) else None,
        conditions=names,
        materials=materials(metadata),
        clutter=clutter(metadata),
        diversity=level(names),
        robot=str(metadata.get('robot') or ''),
        task=str(metadata.get('task') or ''),
        failure=str(metadata.get('failure') or ''),
        recorded_at=str(metadata.get('recorded_at') or ''),
        licence=str(metadata.get('licence') or ''),
        cameras=cameras,
    )


def _from_dict(values: dict[str, Any]) -> Entry:
    known = {each.name for each in fields(Entry)}
    if set(values) != known:
        raise ValueError(f'an entry has keys {sorted(values)}')
    plain: dict[str, Any] = {name: tuple(value) if isinstance(value, list) else value for name, value in values.items()}
    return Entry(**plain)
