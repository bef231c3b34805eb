# SPDX-License-Identifier: Apache-2.0
"""The files of a LeRobot dataset, ours or not: what it says about itself, rows of an episode, frames of a camera."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.dataset as arrow_dataset
import pyarrow.parquet as pq

from genima.borders.files import border, inside
from genima.borders.texts import read_json
from genima.cameras.image_file import decode_rgb
from genima.convert.lerobot import layout, version2
from genima.convert.lerobot.pattern import fill
from genima.convert.lerobot.table import MAX_ROWS, check_table, holds_numbers, read_batches
from genima.convert.lerobot.video import decode
from genima.episodes.episode import MAX_RATE_HZ
from genima.errors import DatasetError

_SAFE_NAME = re.compile(r'episode_[A-Za-z0-9_-]+')
_CHECKED = arrow_dataset.ParquetFileFormat(
    default_fragment_scan_options=arrow_dataset.ParquetFragmentScanOptions(page_checksum_verification=True)
)
_READ_ERRORS = (
    OSError,
    KeyError,
    ValueError,
    TypeError,
    AttributeError,
    IndexError,
    MemoryError,
    OverflowError,
    pa.ArrowException,
)


@dataclass(frozen=True)
class Dataset:
    """A dataset as `meta/info.json` and its list of tasks describe it; `episodes_per_chunk` is 0 from v3.0 on."""

    folder: Path
    robot: str
    fps: float
    features: dict[str, dict[str, Any]]
    data_path: str
    video_path: str
    tasks: tuple[str, ...]
    episodes_per_chunk: int = 0

    @property
    def views(self) -> dict[str, str]:
        """Camera name to the feature that holds its colour pictures."""
        seen = {key: feature for key, feature in self.features.items() if feature['dtype'] in ('image', 'video')}
        keys = [key for key, feature in seen.items() if not _is_depth(feature) and _channels(key, feature) == 3]
        return {key.removeprefix(layout.IMAGES).removeprefix('observation.'): key for key in keys}


def open_dataset(folder: Path) -> Dataset:
    """Read what a dataset says about itself.

    Raises:
        DatasetError: if it is damaged, or of another version than 2.0, 2.1 and 3.
    """
    with border(folder, 'it is no LeRobot dataset, or damaged: copy or download it again'):
        info = _info(folder)
        old = _is_version2(folder, info)
        return Dataset(
            folder=folder,
            robot=str(info.get('robot_type') or ''),
            fps=_fps(info['fps']),
            features=dict(info['features']),
            data_path=str(info['data_path']),
            video_path=str(info.get('video_path') or ''),
            tasks=version2.read_tasks(folder) if old else _read_tasks(folder),
            episodes_per_chunk=int(info.get('chunks_size') or layout.CHUNK_FILES) if old else 0,
        )


def read_records(folder: Path) -> list[dict[str, Any]]:
    """Return the rows of the list of episodes in their order, without statistics.

    Raises:
        DatasetError: if there are none, or they are damaged.
    """
    records: list[dict[str, Any]] = []
    with border(folder / 'meta' / 'episodes', 'copy or download it again'):
        if _is_version2(folder, _info(folder)):
            return version2.read_records(folder)
        for path in sorted((folder / 'meta' / 'episodes').glob('*/*.parquet')):
            names = check_table(inside(folder, path)).names
            columns = [name for name in names if not name.startswith('stats/')]
            records += [row for rows in read_batches(path, columns) for row in rows.to_pylist()]
        records.sort(key=lambda record: int(record['episode_index']))
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
        schema = check_table(path)
        if steps > MAX_ROWS:
            raise ValueError(f'an episode of {steps} steps; at most {MAX_ROWS}')
        names = [
            name for name in schema.names if _is_number(dataset.features.get(name)) and holds_numbers(schema.field(name))
        ]
        own = [('episode_index', '=', index)]
        table = pq.read_table(path, columns=names, filters=own, page_checksum_verification=True)
        columns = {name: _to_numpy(table[name].combine_chunks(), len(table)) for name in names}
        whole = 0 < steps == len(table) and np.array_equal(columns['frame_index'], np.arange(steps))
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
    path = _file(dataset, dataset.video_path, record, f'videos/{key}/', video_key=key)
    yield from decode(path, float(record.get(f'videos/{key}/from_timestamp', 0.0)), steps, dataset.fps)


def _read_pictures(path: Path, record: dict[str, Any], key: str) -> Iterator[np.ndarray]:
    index, steps, found = int(record['episode_index']), int(record['length']), 0
    try:
        check_table(path)
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
    path = inside(folder, layout.TASKS)
    schema = check_table(path)
    table = pa.Table.from_batches(read_batches(path, schema.names), schema)
    (column,) = (name for name in table.column_names if name != 'task_index')
    tasks = dict(zip(table['task_index'].to_pylist(), table[column].to_pylist(), strict=True))
    return tuple(str(tasks[index]) for index in range(len(tasks)))


def _data_file(dataset: Dataset, record: dict[str, Any]) -> Path:
    return _file(dataset, dataset.data_path, record, 'data/')


def _file(dataset: Dataset, pattern: str, record: dict[str, Any], prefix: str, **known: str) -> Path:
    """Return where a file of an episode is; what `pattern` needs stands in its record, from v3.0 on under `prefix`."""
    try:
        if dataset.episodes_per_chunk:
            place = version2.place(record, dataset.episodes_per_chunk)
        else:
            place = {name: int(record[f'{prefix}{name}']) for name in ('chunk_index', 'file_index')}
        relative = fill(pattern, {**known, **place})
    except (KeyError, IndexError, ValueError, TypeError) as error:
        raise DatasetError(
            f'{dataset.folder}: episode {record["episode_index"]} has no place in {pattern!r} (missing: {error}); is '
            'meta/info.json of this version of LeRobot? Copy or download the dataset again'
        ) from error
    return inside(dataset.folder, relative).resolve()


def _info(folder: Path) -> dict[str, Any]:
    info: dict[str, Any] = read_json(inside(folder, layout.INFO))
    return info


def _fps(value: Any) -> float:
    fps = float(value)
    if not 0 < fps <= MAX_RATE_HZ:
        raise ValueError(f'fps is {fps}; above 0, at most {MAX_RATE_HZ:g}')
    return fps


def _is_version2(folder: Path, info: dict[str, Any]) -> bool:
    """Return whether a dataset is of v2.0 or v2.1.

    Raises:
        DatasetError: if it is neither of these nor of v3.
    """
    version = str(info['codebase_version'])
    if version in ('v2.0', 'v2.1') or version.startswith('v3.'):
        return version.startswith('v2.')
    advice = 'LeRobot up to 0.3 has convert_dataset_v1_to_v2' if version.startswith('v1') else 'update this program'
    raise DatasetError(f'{folder} is a LeRobot dataset {version}; v2.0, v2.1 and v3.0 are read: {advice}')


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
