# SPDX-License-Identifier: Apache-2.0
"""A folder as tensorflow_datasets keeps a version of a dataset: `dataset_info.json`, `features.json`, TFRecord shards.

`metadata.json`, which tensorflow_datasets passes through, says whether the dataset is an export of native episodes.
Source: tensorflow_datasets 4.9.10, core/dataset_info.py, core/splits.py, core/naming.py (DEFAULT_FILENAME_TEMPLATE).
"""

import json
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from genima.borders.files import inside
from genima.borders.texts import read_json
from genima.convert.rlds.features import Feature, from_json, to_json
from genima.convert.rlds.tfrecord import Record, list_records
from genima.errors import DatasetError

SCHEMA, SCHEMA_VERSION = 'genima-rlds', 1
_TEMPLATE = '{DATASET}-{SPLIT}.{FILEFORMAT}-{SHARD_X_OF_Y}'
_INFO, _FEATURES, _METADATA = 'dataset_info.json', 'features.json', 'metadata.json'


@dataclass(frozen=True)
class Dataset:
    """One version of a dataset.

    Attributes:
        folder: Where its files are.
        name: Name, as in the names of the shards, and `version` as X.Y.Z.
        features: By name; empty where only the shards matter.
        description: For people; `licence` and `changes` likewise.
        shards: File name and number of records, in order, of each split.
        metadata: Content of `metadata.json`.
    """

    folder: Path
    name: str
    version: str
    features: dict[str, Feature]
    description: str = ''
    licence: str = ''
    changes: str = ''
    shards: dict[str, list[tuple[str, int]]] = field(default_factory=dict)
    metadata: dict[str, Any] = field(default_factory=dict)

    @property
    def is_native(self) -> bool:
        """Whether it was exported from native episodes.

        Raises:
            DatasetError: if it was, by a newer version of this program.
        """
        if self.metadata.get('schema') != SCHEMA:
            return False
        version = self.metadata.get('schema_version')
        if version != SCHEMA_VERSION:
            raise DatasetError(f'{self.folder} has schema {SCHEMA!r} version {version}, this program reads {SCHEMA_VERSION}')
        return True

    def count(self) -> int:
        """Return the number of episodes."""
        return sum(records for shards in self.shards.values() for _, records in shards)

    def records(self) -> list[tuple[str, Record]]:
        """Return split and place of every record.

        Raises:
            DatasetError: if a shard is missing, damaged, or has another number of records than `dataset_info.json` says.
        """
        found = []
        for split, shards in self.shards.items():
            for name, expected in shards:
                path = inside(self.folder, name)
                if not path.is_file():
                    raise DatasetError(f'{path} is missing; copy the dataset again')
                records = list_records(path)
                if len(records) != expected:
                    raise DatasetError(f'{path} has {len(records)} records, {_INFO} says {expected}; copy the dataset again')
                found += [(split, record) for record in records]
        return found


def shard_name(dataset: str, split: str, number: int, shards: int) -> str:
    """Return the file name of a shard."""
    return _fill(_TEMPLATE, dataset, split, number, shards)


def read_dataset(source: Path) -> Dataset:
    """Read the description of a dataset: a folder with `features.json`, or one above it with versions.

    Raises:
        DatasetError: if there is none, it cannot be understood, or its records are in another format than TFRecord.
    """
    folder = _version_folder(source)
    info, features, metadata = (_read_json(folder / name) for name in (_INFO, _FEATURES, _METADATA))
    if info.get('fileFormat') not in (None, '', 'tfrecord'):
        raise DatasetError(f'{folder} stores {info["fileFormat"]!r}; only tfrecord is read: convert it with tfds')
    try:
        name = str(info['name'])
        shards = {split['name']: _shards(name, split) for split in info.get('splits', [])}
        licence = str(info.get('redistributionInfo', {}).get('license', ''))
        version, description = str(info['version']), str(info.get('description', ''))
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise DatasetError(f'{folder / _INFO} cannot be read ({error!r}); copy the dataset again') from error
    known = from_json(features)
    return Dataset(folder, name, version, known, description, licence, shards=shards, metadata=metadata)


def write_dataset(dataset: Dataset) -> None:
    """Write the three JSON files beside shards that are there already."""
    splits = [
        {
            'name': split,
            'filepathTemplate': _TEMPLATE,
            'shardLengths': [str(records) for _, records in shards],
            'numBytes': str(sum((dataset.folder / name).stat().st_size for name, _ in shards)),
        }
        for split, shards in dataset.shards.items()
    ]
    info = {
        'name': dataset.name,
        'version': dataset.version,
        'description': dataset.description,
        'releaseNotes': {dataset.version: dataset.changes},
        'redistributionInfo': {'license': dataset.licence},
        'fileFormat': 'tfrecord',
        'splits': splits,
    }
    for name, content in ((_FEATURES, to_json(dataset.features)), (_METADATA, dataset.metadata), (_INFO, info)):
        (dataset.folder / name).write_text(json.dumps(content, indent=2) + '\n')


def _version_folder(source: Path) -> Path:
    candidates = [source, *(path.parent for path in source.glob(f'*/{_FEATURES}') if not path.parent.name.startswith('.'))]
    versions = [folder for folder in candidates if (folder / _FEATURES).is_file() and (folder / _INFO).is_file()]
    if not versions:
        raise DatasetError(f'{source} has no {_INFO} and {_FEATURES}, nor has a folder in it: it is no dataset of tfds')
    return versions[0] if versions[0] == source else max(versions, key=lambda folder: _numbers(folder.name))


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r'\d+', version))


def _read_json(path: Path) -> dict[str, Any]:
    if path.name == _METADATA and not path.is_file():
        return {}
    try:
        content = read_json(inside(path.parent, path))
    except ValueError as error:
        raise DatasetError(f'{path} cannot be read ({error}); copy the dataset again') from error
    if not isinstance(content, dict):
        raise DatasetError(f'{path} holds a {type(content).__name__} instead of an object; copy the dataset again')
    return content


def _shards(name: str, split: dict[str, Any]) -> list[tuple[str, int]]:
    lengths = [int(length) for length in split.get('shardLengths', [])]
    template = split.get('filepathTemplate') or _TEMPLATE
    names = [_fill(template, name, split['name'], number, len(lengths)) for number in range(len(lengths))]
    if any('/' in shard or shard.startswith('.') for shard in names):
        raise ValueError(f'shards {template!r} outside of the folder')
    return list(zip(names, lengths, strict=True))


def _fill(template: str, dataset: str, split: str, number: int, shards: int) -> str:
    digits = max(5, len(str(shards)))
    index, total = f'{number:0{digits}d}', f'{shards:0{digits}d}'
    values = {'DATASET': dataset, 'SPLIT': split, 'FILEFORMAT': 'tfrecord', 'SHARD_INDEX': index, 'NUM_SHARDS': total}
    for key, value in {**values, 'SHARD_X_OF_Y': f'{index}-of-{total}'}.items():
        template = template.replace(f'{{{key}}}', value)
    return template
