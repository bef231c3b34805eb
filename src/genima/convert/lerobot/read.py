# SPDX-License-Identifier: Apache-2.0
"""The files of a LeRobot v3.0 dataset, ours or not: what it says about itself, rows of an episode, frames of a camera."""

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.dataset as arrow_dataset
import pyarrow.parquet as pq

from genima.cameras.image_file import decode_rgb
from genima.convert.lerobot import layout
from genima.convert.lerobot.video import decode
from genima.errors import DatasetError

_SAFE_NAME = re.compile(r'episode_[A-Za-z0-9_-]+')
_CHECKED = arrow_dataset.ParquetFileFormat(
    default_fragment_scan_options=arrow_dataset.ParquetFragmentScanOptions(page_checksum_verification=True)
)
_READ_ERRORS = (OSError, KeyError, ValueError, TypeError, AttributeError, IndexError, pa.ArrowException)


@dataclass(frozen=True)
class Dataset:
    """A dataset as `meta/info.json` and `meta/tasks.parquet` describe it."""

    folder: Path
    robot: str
    fps: float
    features: dict[str, dict[str, Any]]
    data_path: str
    video_path: str
    tasks: tuple[str, ...]

    @property
    def views(self) -> dict[str, str]:
        """Camera name to the feature that holds its colour pictures."""
        seen = {key: feature for key, feature in self.features.items() if feature['dtype'] in ('image', 'video')}
        keys = [key for key, feature in seen.items() if not _is_depth(feature) and _channels(key, feature) == 3]
        return {key.removeprefix(layout.IMAGES).removeprefix('observation.'): key for key in keys}


def open_dataset(folder: Path) -> Dataset:
    """Read what a dataset says about itself.

    Raises:
        DatasetError: if it is damaged or of another version than 3.
    """
    path = folder / layout.INFO
    try:
        info = json.loads(path.read_text())
        version = str(info['codebase_version'])
        if not version.startswith('v3.'):
            raise DatasetError(
                f'{folder} is a LeRobot dataset {version}, this program reads v3.0; LeRobot converts it: '
                'python -m lerobot.datasets.v30.convert_dataset_v21_to_v30 --repo-id=...'
            )
        return Dataset(
            folder=folder,
            robot=str(info.get('robot_type') or ''),
            fps=float(info['fps']),
            features=dict(info['features']),
            data_path=str(info['data_path']),
            video_path=str(info.get('video_path') or ''),
            tasks=_read_tasks(folder),
        )
    except _READ_ERRORS as error:
        if isinstance(error, DatasetError):
            raise
        raise DatasetError(f'{folder} cannot be read as a LeRobot dataset ({error!r}); copy or download it again') from error


def read_records(folder: Path) -> list[dict[str, Any]]:
    """Return the rows of `meta/episodes` in the order of the episodes, without statistics.

    Raises:
        DatasetError: if there are none, or they are damaged.
    """
    records: list[dict[str, Any]] = []
    try:
        for path in sorted((folder / 'meta' / 'episodes').glob('*/*.parquet')):
            columns = [name for name in pq.read_schema(path).names if not name.startswith('stats/')]
            records += pq.read_table(path, columns=columns, page_checksum_verification=True).to_pylist()
        records.sort(key=lambda record: int(record['episode_index']))
    except _READ_ERRORS as error:
        raise DatasetError(f'{folder}/meta/episodes cannot be read ({error}); copy or download it again') from error
    if not records:
        raise DatasetError(f'{folder}/meta/episodes lists no episode; is this a LeRobot v3.0 dataset, and is it complete?')
    return records


def episode_names(records: Sequence[dict[str, Any]]) -> list[str]:
    """Return the names of the native episodes: those that they had, or their numbers if these are no names."""
    names = [str(record.get(layout.EPISODE_NAME) or '') for record in records]
    if len(set(names)) == len(names) and all(_SAFE_NAME.fullmatch(name) for name in names):
        return names
    return [f'episode_{int(record["episode_index"]):06d}' for record in records]


def read_rows(dataset: Dataset, record: dict[str, Any]) -> dict[str, np.ndarray]:
    """Return all columns of one episode that are numbers, each (T,) or (T, k).

    Raises:
        DatasetError: if the file is missing or damaged, or does not hold every step once and in order.
    """
    path, index, steps = _data_file(dataset, record), int(record['episode_index']), int(record['length'])
    try:
        names = [name for name in pq.read_schema(path).names if _is_number(dataset.features.get(name))]
        own = [('episode_index', '=', index)]
        table = pq.read_table(path, columns=names, filters=own, page_checksum_verification=True)
        columns = {name: _to_numpy(table[name].combine_chunks(), len(table)) for name in names}
        whole = steps > 0 and np.array_equal(columns['frame_index'], np.arange(steps))
    except _READ_ERRORS as error:
        raise DatasetError(f'{path} cannot be read ({error}); copy or download it again') from error
    if not whole:
        raise DatasetError(f'{path} does not hold the {steps} steps of episode {index} in order; copy or download it again')
    return columns


def read_frames(dataset: Dataset, record: dict[str, Any], key: str) -> Iterator[np.ndarray]:
    """Yield the pictures (H, W, 3) uint8 of one camera during one episode.

    Raises:
        DatasetError: if one is missing or damaged.
    """
    steps = int(record['length'])
    if dataset.features[key]['dtype'] == 'image':
        yield from _read_pictures(_data_file(dataset, record), record, key)
        return
    place = {name: record.get(f'videos/{key}/{name}') for name in ('chunk_index', 'file_index', 'from_timestamp')}
    if None in place.values():
        raise DatasetError(f'{dataset.folder}/meta/episodes does not say where the video of {key} is; download it again')
    start_s = float(place.pop('from_timestamp'))  # type: ignore[arg-type]
    path = dataset.folder / dataset.video_path.format(video_key=key, **place)
    yield from decode(path, start_s, steps, dataset.fps)


def _read_pictures(path: Path, record: dict[str, Any], key: str) -> Iterator[np.ndarray]:
    index, steps, found = int(record['episode_index']), int(record['length']), 0
    try:
        rows = arrow_dataset.dataset(path, format=_CHECKED)
        own = arrow_dataset.field('episode_index') == index
        for batch in rows.to_batches(columns=[key], filter=own, batch_size=32, batch_readahead=2):
            for picture in batch.column(key).to_pylist():
                yield _decode_picture(picture['bytes'])
                found += 1
    except _READ_ERRORS as error:
        raise DatasetError(f'{path}: picture {found} of {key} in episode {index} cannot be read ({error})') from error
    if found != steps:
        raise DatasetError(f'{path} has {found} pictures of {key} in episode {index}, {steps} are needed; download it again')


def _decode_picture(data: bytes | None) -> np.ndarray:
    if not data:
        raise ValueError('only its file name is stored')
    image = decode_rgb(data)
    if image is None:
        raise ValueError('it is neither PNG nor JPEG, or damaged')
    return image


def _read_tasks(folder: Path) -> tuple[str, ...]:
    """Return the tasks by their index; pandas stored them as the index of a frame, under one name or another."""
    table = pq.read_table(folder / layout.TASKS, page_checksum_verification=True)
    (column,) = (name for name in table.column_names if name != 'task_index')
    tasks = dict(zip(table['task_index'].to_pylist(), table[column].to_pylist(), strict=True))
    return tuple(str(tasks[index]) for index in range(len(tasks)))


def _data_file(dataset: Dataset, record: dict[str, Any]) -> Path:
    try:
        place = {name: record[f'data/{name}'] for name in ('chunk_index', 'file_index')}
    except KeyError as error:
        raise DatasetError(f'{dataset.folder}/meta/episodes has no column {error}; download it again') from error
    return dataset.folder / dataset.data_path.format(**place)


def _is_number(feature: dict[str, Any] | None) -> bool:
    return feature is not None and feature['dtype'] not in ('image', 'video', 'string') and len(feature['shape']) == 1


def _is_depth(feature: dict[str, Any]) -> bool:
    info = feature.get('info') or {}
    return bool(info.get('is_depth_map') or info.get('video.is_depth_map'))


def _channels(key: str, feature: dict[str, Any]) -> int:
    """Return how many channels images have, which stand last or first: `names` tells, or else the shape."""
    shape, names = list(feature['shape']), feature.get('names') or []
    names = [str(name) for name in (names if isinstance(names, list) else [])]
    named = [axis for axis, name in enumerate(names) if name.lower() in ('c', 'channel', 'channels', 'rgb')]
    axes = named or [axis for axis in (-1, 0) if len(shape) == 3 and shape[axis] in (1, 3, 4)]
    if len(shape) != 3 or not axes or shape[axes[0]] not in (1, 3, 4):
        raise DatasetError(
            f'feature {key} has shape {shape} with the names {names}: (height, width, channels) or (channels, height, '
            'width) of a colour image is needed; correct it in meta/info.json'
        )
    return int(shape[axes[0]])


def _to_numpy(column: pa.Array, rows: int) -> np.ndarray:
    if not pa.types.is_list(column.type) and not pa.types.is_fixed_size_list(column.type):
        return column.to_numpy(zero_copy_only=False)
    return column.flatten().to_numpy(zero_copy_only=False).reshape(rows, -1)
