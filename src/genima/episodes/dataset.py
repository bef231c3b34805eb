# SPDX-License-Identifier: Apache-2.0
"""`dataset.yaml`: what a dataset is called, under which licence, and which versions of it were released."""

import datetime
import json
import re
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import yaml

from genima.borders.texts import read_json, read_yaml
from genima.episodes.index import index_digest, refresh_index
from genima.errors import DatasetError
from genima.files import write_atomic

FILE_NAME = 'dataset.yaml'
RELEASES = 'releases'
_VERSION = re.compile(r'\d+\.\d+(\.\d+)?')


@dataclass(frozen=True)
class Release:
    """A version: when, what changed, and the digest over all episodes that `releases/<version>.json` lists one by one."""

    version: str
    date: str
    changes: tuple[str, ...]
    episodes: int = 0
    index_sha256: str = ''


@dataclass(frozen=True)
class Card:
    """What `dataset.yaml` says; `version` is that of the newest release, empty before the first."""

    name: str
    description: str = ''
    licence: str = ''
    version: str = ''
    changelog: tuple[Release, ...] = ()


def read_card(folder: Path | str) -> Card:
    """Return the card of a dataset; one with only the folder's name where no `dataset.yaml` was written.

    Raises:
        DatasetError: if the file cannot be understood.
    """
    path = Path(folder) / FILE_NAME
    if not path.is_file():
        return Card(Path(folder).resolve().name)
    try:
        values = read_yaml(path)
        changelog = tuple(_release(each) for each in values.pop('changelog', None) or ())
        card = Card(changelog=changelog, **{key: _text(value, key) for key, value in values.items()})
    except (AttributeError, TypeError, ValueError) as error:
        keys = 'name, description, licence, version, changelog'
        raise DatasetError(f'{path} is no dataset description ({error}); it has the keys {keys}') from error
    return card


def write_card(folder: Path | str, card: Card) -> None:
    """Write `dataset.yaml` atomically."""
    values = asdict(card)
    values['changelog'] = [{**each, 'changes': list(each['changes'])} for each in values['changelog']]
    write_atomic(Path(folder) / FILE_NAME, yaml.safe_dump(values, sort_keys=False, allow_unicode=True, width=120))


def release(
    folder: Path | str, version: str, changes: Sequence[str], on_done: Callable[[str], None] = lambda name: None
) -> Card:
    """Freeze the episodes of a folder as a version, so that a later change to it can be told.

    Args:
        folder: The dataset.
        version: Such as 1.1, above the last.
        changes: What a user of the last version should know.
        on_done: Called with the name of each file that was indexed.

    Raises:
        DatasetError: if the version does not follow the last, nothing is said about it, or an episode cannot be read.
    """
    card = read_card(folder)
    if not _VERSION.fullmatch(version) or _numbers(version) <= _numbers(card.version):
        raise DatasetError(f'version {version!r} does not follow {card.version or "(none)"}: name a higher one, such as 1.1')
    if not changes:
        raise DatasetError('a version needs at least one note on what changed: --note "..."')
    contents = _contents(folder, on_done)
    today = datetime.datetime.now(datetime.timezone.utc).date().isoformat()
    new = Release(version, today, tuple(changes), len(contents), index_digest(contents))
    write_atomic(frozen_path(folder, version), json.dumps(contents, indent=1) + '\n')
    card = replace(card, version=version, changelog=(*card.changelog, new))
    write_card(folder, card)
    return card


def read_frozen(folder: Path | str, release: Release) -> dict[str, str]:
    """Return file name to content digest as a version froze them.

    Raises:
        DatasetError: if the list is missing, damaged, or not the one that the changelog means.
    """
    path = frozen_path(folder, release.version)
    try:
        contents = {str(name): str(digest) for name, digest in read_json(path).items()}
    except (ValueError, AttributeError) as error:
        raise DatasetError(f'{path} cannot be read ({error}); copy it again, or release a new version') from error
    if index_digest(contents) != release.index_sha256:
        raise DatasetError(f'{path} was changed after version {release.version} was released; copy it again')
    return contents


def frozen_path(folder: Path | str, version: str) -> Path:
    """Return where the episodes of a version are listed."""
    return Path(folder) / RELEASES / f'{version}.json'


def _contents(folder: Path | str, on_done: Callable[[str], None]) -> dict[str, str]:
    entries = refresh_index(folder, on_done)
    broken = [entry.file for entry in entries if entry.error]
    if broken or not entries:
        what = f'{", ".join(broken)} cannot be read' if broken else 'there is no episode_*.h5'
        raise DatasetError(f'{folder} cannot be released: {what}; see `genima dataset verify {folder}`')
    return {entry.file: entry.content_sha256 for entry in entries}


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split('.')) if version else ()


def _release(values: dict[str, Any]) -> Release:
    changes = values.pop('changes', ())
    if not isinstance(changes, list):
        raise ValueError('changes must be a list of sentences')
    episodes = int(values.pop('episodes', 0))
    texts = {key: _text(value, key) for key, value in values.items()}
    return Release(changes=tuple(map(str, changes)), episodes=episodes, **texts)


def _text(value: object, key: str) -> str:
    if isinstance(value, datetime.date):
        return value.isoformat()
    if not isinstance(value, (str, type(None))):
        raise ValueError(f'{key} is {value!r}: put it in quotes, or 1.10 becomes 1.1')
    return value or ''
