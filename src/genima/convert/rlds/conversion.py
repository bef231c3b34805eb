# SPDX-License-Identifier: Apache-2.0
"""RLDS, the format of Open X-Embodiment: native episodes to and from folders that `tfds.builder_from_directory` opens.

Everything a native episode holds is carried, exactly; docs: rlds_native.py for our own layout, rlds_mapping.py for others'.
"""

import os
import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from genima.borders.files import border
from genima.convert.rlds.dataset import SCHEMA, SCHEMA_VERSION, Dataset, read_dataset, shard_name, write_dataset
from genima.convert.rlds.example import decode_example, encode_example
from genima.convert.rlds.foreign import to_episode
from genima.convert.rlds.mapping import Mapping, read_mapping
from genima.convert.rlds.native import Layout, common_layout, decode, encode, features_of
from genima.convert.rlds.tfrecord import Record, write_record
from genima.episodes.dataset import Card, read_card, write_card
from genima.episodes.index import describe
from genima.episodes.store import SCHEMA_VERSION as EPISODE_VERSION
from genima.episodes.store import list_episodes, write_episode
from genima.errors import DatasetError
from genima.files import atomic_path
from genima.processes import in_processes
from genima.quality.manifest import write_manifest

_SPLIT = 'train'
_EPISODE_NAME = re.compile(r'episode_[\w-]+\.h5')


@dataclass(frozen=True)
class _Part:
    """An episode to export: its file, the digest of its content, and where its record is made."""

    source: Path
    digest: str
    target: Path


@dataclass(frozen=True)
class _Stored:
    """An episode to load: its record, its split, its number in the dataset, and the file that it becomes."""

    record: Record
    split: str
    index: int
    target: Path


def export(source: Path, out: Path, on_done: Callable[[str], None], workers: int = 1) -> None:
    """Write native episodes as `<out>/<version>/`, one shard each; the name of the dataset is that of the folder `out`.

    The version is that of `dataset.yaml`, 1.0.0 before the first release. Records are made in a hidden folder beside it,
    which appears under its name when it is complete; what was finished before an interruption is kept.

    Args:
        source: Folder with native episodes.
        out: Folder of the dataset.
        on_done: Called with the file name of each finished episode.
        workers: Number of processes.

    Raises:
        DatasetError: if an episode is damaged or does not fit the others, or this version exists with other episodes.
    """
    card = read_card(source)
    final = out / _three_numbers(card.version)
    building = out / f'.{final.name}.partial'
    parts = [_part(path, building) for path in list_episodes(source)]
    if final.exists():
        _check_same(final, parts)
    else:
        layout = common_layout(part.source for part in parts)
        building.mkdir(parents=True, exist_ok=True)
    for part in parts:
        if final.exists() or part.target.is_file():
            on_done(part.source.name)
    if final.exists():
        return
    todo = [part for part in parts if not part.target.is_file()]
    for name in in_processes(partial(_write_part, layout), todo, workers):
        on_done(name)
    _assemble(out, final, building, card, layout, parts)


def load(source: Path, out: Path, on_done: Callable[[str], None], workers: int = 1, mapping: Path | None = None) -> None:
    """Write the episodes of an RLDS dataset as native ones; those that `out` has already are left as they are.

    Args:
        source: Folder with `features.json`, or the folder with its versions, of which the newest is taken.
        out: Folder for the native episodes.
        on_done: Called with the file name of each finished episode.
        workers: Number of processes.
        mapping: What the features of a dataset that is no export of ours mean; see rlds_mapping.py.

    Raises:
        DatasetError: if the dataset is damaged, or it is not clear what its features mean.
    """
    dataset = read_dataset(source)
    meaning = None if dataset.is_native else read_mapping(mapping, dataset.features)
    stored = _stored(dataset, out)
    out.mkdir(parents=True, exist_ok=True)
    for each in stored:
        if each.target.is_file():
            on_done(each.target.name)
    todo = [each for each in stored if not each.target.is_file()]
    for name in in_processes(partial(_load_one, dataset, meaning), todo, workers):
        on_done(name)
    if not (out / 'dataset.yaml').is_file():
        write_card(out, Card(dataset.name, dataset.description, dataset.licence))


def count(source: Path) -> int:
    """Return the number of episodes of a native folder or of an RLDS dataset."""
    return len(list_episodes(source)) if any(source.glob('episode_*.h5')) else read_dataset(source).count()


def _three_numbers(version: str) -> str:
    """Return a version as tensorflow_datasets wants it: MAJOR.MINOR.PATCH."""
    numbers = version.split('.') if version else ['1']
    return '.'.join([*numbers, '0', '0'][:3])


def _part(path: Path, building: Path) -> _Part:
    entry = describe(path)
    if entry.error:
        raise DatasetError(entry.error)
    return _Part(path, entry.content_sha256, building / f'{path.stem}.{entry.content_sha256[:16]}.tfrecord')


def _contents(parts: list[_Part]) -> list[dict[str, str]]:
    return [{'file': part.source.name, 'content_sha256': part.digest} for part in parts]


def _check_same(final: Path, parts: list[_Part]) -> None:
    if read_dataset(final).metadata.get('episodes') != _contents(parts):
        raise DatasetError(
            f'{final} holds other episodes than the dataset has now: release a new version (`genima dataset release`), '
            'or delete that folder'
        )


def _write_part(layout: Layout, part: _Part) -> str:
    with atomic_path(part.target) as temporary:
        write_record(temporary, encode_example(encode(part.source, layout)))
    return part.source.name


def _assemble(out: Path, final: Path, building: Path, card: Card, layout: Layout, parts: list[_Part]) -> None:
    """Give the finished records their names as shards, describe them, and let the folder appear."""
    wanted = {part.target for part in parts}
    for path in building.iterdir():
        if path not in wanted:
            path.unlink()
    name = re.sub(r'\W', '_', out.resolve().name)
    shards = [shard_name(name, _SPLIT, number, len(parts)) for number in range(len(parts))]
    for part, shard in zip(parts, shards, strict=True):
        os.replace(part.target, building / shard)
    changes = '; '.join(card.changelog[-1].changes) if card.changelog else ''
    metadata = {'schema': SCHEMA, 'schema_version': SCHEMA_VERSION, 'episode_schema_version': EPISODE_VERSION}
    write_dataset(
        Dataset(
            folder=building,
            name=name,
            version=final.name,
            features=features_of(layout),
            description=card.description,
            licence=card.licence,
            changes=changes,
            shards={_SPLIT: [(shard, 1) for shard in shards]},
            metadata={**metadata, 'episodes': _contents(parts)},
        )
    )
    write_manifest(building)
    os.replace(building, final)


def _stored(dataset: Dataset, out: Path) -> list[_Stored]:
    """Return all episodes of a dataset; those of an export get the names that they had."""
    records = dataset.records()
    names = [str(each['file']) for each in dataset.metadata['episodes']] if dataset.is_native else []
    if len(names) != len(records) or len(set(names)) != len(names) or not all(map(_EPISODE_NAME.fullmatch, names)):
        names = [f'episode_{index:06d}.h5' for index in range(len(records))]
    return [
        _Stored(record, split, index, out / name)
        for index, ((split, record), name) in enumerate(zip(records, names, strict=True))
    ]


def _load_one(dataset: Dataset, meaning: Mapping | None, stored: _Stored) -> str:
    with border(stored.record.path, 'copy the dataset again'):
        record = decode_example(stored.record.read())
        if meaning is not None:
            write_episode(stored.target, to_episode(dataset, meaning, record, stored.split, stored.index))
            return stored.target.name
        episode, digest = decode(dataset.features, record)
    with atomic_path(stored.target) as temporary:
        write_episode(temporary, episode)
        same_schema = dataset.metadata.get('episode_schema_version') == EPISODE_VERSION
        if digest and same_schema and describe(temporary).content_sha256 != digest:
            raise DatasetError(f'{stored.record.path}: the episode is not what was exported; export it again')
    return stored.target.name
