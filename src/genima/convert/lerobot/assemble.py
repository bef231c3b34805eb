# SPDX-License-Identifier: Apache-2.0
"""Finished parts become the files of a LeRobot v3.0 dataset: rows and videos of many episodes in each, and the metadata."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from genima import __version__
from genima.convert.lerobot import layout, video
from genima.convert.lerobot.part import ROWS, Recipe, part_folder, read_part
from genima.convert.lerobot.stats import aggregate, to_arrays, to_lists
from genima.convert.lerobot.survey import Job, tasks_of
from genima.errors import DatasetError

_MIB = 1024**2
_EPISODES_PER_FILE = 1000
_COLUMNS = {
    layout.TIME: 'when the step was, s; `timestamp` is only frame_index / fps',
    layout.CAPTURE: 'when the view of a camera was taken, s',
    layout.IGNORE: 'steps that are not to be learned from',
    layout.PLAN_Q: 'joint targets that the demonstrator intended next, rad, step by step; NaN where none are known',
    layout.PLAN_GRIPPER: 'gripper targets that the demonstrator intended next',
}


def assemble(recipe: Recipe, jobs: Sequence[Job], parts: Path, out: Path) -> None:
    """Write a dataset into the empty folder `out`.

    Raises:
        DatasetError: if a part is missing.
    """
    noted = [_finished(recipe, job, parts) for job in jobs]
    rows = _episode_rows(jobs, noted)
    _join_rows(recipe, jobs, parts, out, rows)
    for camera, *_ in recipe.shape.views if recipe.encoder else ():
        _join_videos(recipe, jobs, parts, out, camera, rows)
    _write_episodes(out, rows)
    _write_tasks(out, tasks_of(jobs))
    _write_json(out / layout.INFO, _info(recipe, jobs))
    _write_json(out / layout.STATS, _all_stats(noted))
    _write_json(out / layout.OURS, _our_note(recipe, jobs, noted))


def file_numbers(shares: np.ndarray) -> list[int]:
    """Return the number of the file that each episode goes to, in order.

    Args:
        shares: (E, k) what each episode takes of k limits of a file; one that takes more than 1 gets a file of its own.
    """
    numbers: list[int] = []
    number, filled = 0, np.zeros(shares.shape[1])
    for share in shares:
        if filled.any() and (filled + share > 1).any():
            number, filled = number + 1, np.zeros(shares.shape[1])
        filled = filled + share
        numbers.append(number)
    return numbers


def _finished(recipe: Recipe, job: Job, parts: Path) -> dict[str, Any]:
    noted = read_part(parts, recipe, job)
    if noted is None:
        raise DatasetError(f'the part of {job.source} in {parts} is not finished; run the conversion again')
    return noted


def _episode_rows(jobs: Sequence[Job], noted: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the rows of `meta/episodes` as far as they do not depend on files."""
    rows = []
    for job, part in zip(jobs, noted, strict=True):
        stats = {f'stats/{key}/{name}': value for key, each in part['stats'].items() for name, value in each.items()}
        row = {
            'episode_index': job.episode_index,
            'tasks': [job.task],
            'length': job.steps,
            'dataset_from_index': job.first_row,
            'dataset_to_index': job.first_row + job.steps,
            layout.EPISODE_NAME: job.source.stem,
            layout.METADATA: json.dumps(part['metadata']),
            layout.CAMERAS: json.dumps(part['cameras']),
            layout.SUCCESS: part['metadata'].get('success'),
            layout.FAILURE: part['metadata'].get('failure'),
        }
        rows.append({**row, **stats})
    return rows


def _join_rows(recipe: Recipe, jobs: Sequence[Job], parts: Path, out: Path, rows: list[dict[str, Any]]) -> None:
    files = [part_folder(parts, job) / ROWS for job in jobs]
    shares = np.array([[file.stat().st_size / (layout.DATA_FILE_MB * _MIB)] for file in files])
    schema = layout.table_schema(recipe.features())
    numbers = file_numbers(shares)
    for number in sorted(set(numbers)):
        place = _place(number)
        path = _file(out, layout.DATA_PATH, place)
        with pq.ParquetWriter(path, schema, **layout.CHECKED) as writer:
            for index in np.flatnonzero(np.array(numbers) == number):
                rows[index].update({f'data/{name}': value for name, value in place.items()})
                part = pq.ParquetFile(files[index], page_checksum_verification=True)
                for group in range(part.num_row_groups):
                    writer.write_table(part.read_row_group(group))


def _join_videos(
    recipe: Recipe, jobs: Sequence[Job], parts: Path, out: Path, camera: str, rows: list[dict[str, Any]]
) -> None:
    files, fps = [part_folder(parts, job) / f'{camera}.mp4' for job in jobs], recipe.shape.fps
    seconds = np.array([job.steps for job in jobs]) / fps
    mebibytes = np.array([file.stat().st_size for file in files]) / _MIB
    shares = np.column_stack([mebibytes / layout.VIDEO_FILE_MB, seconds / layout.VIDEO_FILE_S])
    numbers = np.array(file_numbers(shares))
    key = layout.IMAGES + camera
    for number in range(numbers[-1] + 1):
        chosen = np.flatnonzero(numbers == number).tolist()
        place, lengths = _place(number), [jobs[index].steps for index in chosen]
        path = _file(out, layout.VIDEO_PATH, {'video_key': key, **place})
        video.join([files[index] for index in chosen], lengths, path, fps)
        ends = np.cumsum(lengths)
        for index, end, length in zip(chosen, ends, lengths, strict=True):
            times = {'from_timestamp': float(end - length) / fps, 'to_timestamp': float(end) / fps}
            rows[index].update({f'videos/{key}/{name}': value for name, value in {**place, **times}.items()})


def _write_episodes(out: Path, rows: list[dict[str, Any]]) -> None:
    for number in range(0, -(-len(rows) // _EPISODES_PER_FILE)):
        place = _place(number)
        own = rows[number * _EPISODES_PER_FILE : (number + 1) * _EPISODES_PER_FILE]
        own = [{**row, **{f'meta/episodes/{name}': value for name, value in place.items()}} for row in own]
        open_types = {layout.SUCCESS: pa.bool_(), layout.FAILURE: pa.string()}  # both may be null everywhere
        schema = pa.schema([(key, open_types.get(key) or pa.infer_type([value])) for key, value in own[0].items()])
        table = pa.Table.from_pylist(own, schema=schema)
        pq.write_table(table, _file(out, layout.EPISODES_PATH, place), **layout.CHECKED)


def _write_tasks(out: Path, tasks: list[str]) -> None:
    """Write the tasks as pandas writes a frame whose index they are: LeRobot asks for `tasks.iloc[i].name`."""
    kinds = {'task_index': ('int64', 'int64'), 'task': ('unicode', 'object')}
    pandas = {
        'index_columns': ['task'],
        'column_indexes': [],
        'columns': [
            {'name': name, 'field_name': name, 'pandas_type': pandas_type, 'numpy_type': numpy_type, 'metadata': None}
            for name, (pandas_type, numpy_type) in kinds.items()
        ],
        'pandas_version': '2.0.0',
    }
    schema = pa.schema([('task_index', pa.int64()), ('task', pa.string())], metadata={'pandas': json.dumps(pandas)})
    table = pa.table([list(range(len(tasks))), tasks], schema=schema)
    pq.write_table(table, out / layout.TASKS, **layout.CHECKED)


def _info(recipe: Recipe, jobs: Sequence[Job]) -> dict[str, Any]:
    return {
        'codebase_version': layout.CODEBASE_VERSION,
        'robot_type': recipe.shape.robot or None,
        'total_episodes': len(jobs),
        'total_frames': sum(job.steps for job in jobs),
        'total_tasks': len(tasks_of(jobs)),
        'chunks_size': layout.CHUNK_FILES,
        'data_files_size_in_mb': layout.DATA_FILE_MB,
        'video_files_size_in_mb': layout.VIDEO_FILE_MB,
        'fps': recipe.shape.fps,
        'splits': {'train': f'0:{len(jobs)}'},
        'data_path': layout.DATA_PATH,
        'video_path': layout.VIDEO_PATH if recipe.encoder else None,
        'features': recipe.features(),
    }


def _all_stats(noted: Sequence[dict[str, Any]]) -> dict[str, Any]:
    parts = [to_arrays(part['stats']) for part in noted]
    return to_lists({key: aggregate([part[key] for part in parts]) for key in parts[0]})


def _psnr_db(recipe: Recipe, jobs: Sequence[Job], noted: Sequence[dict[str, Any]]) -> dict[str, float]:
    if recipe.encoder is None:
        return {}
    steps = [job.steps for job in jobs]
    errors = {
        camera: np.average([part['mean_squared_error'][camera] for part in noted], weights=steps)
        for camera, *_ in recipe.shape.views
    }
    return {camera: video.psnr_db(float(error)) for camera, error in errors.items() if error}


def _our_note(recipe: Recipe, jobs: Sequence[Job], noted: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Return what `meta/genima.json` says: what the dataset was made from, and how much its pictures lost."""
    return {
        'format': 'genima-lerobot',
        'version': 1,
        'software': f'genima {__version__}',
        'images': recipe.images,
        'psnr_db': _psnr_db(recipe, jobs, noted),
        'columns': _COLUMNS,
        'episodes': [job.to_dict() for job in jobs],
    }


def _place(number: int) -> dict[str, int]:
    chunk, file = divmod(number, layout.CHUNK_FILES)
    return {'chunk_index': chunk, 'file_index': file}


def _file(out: Path, pattern: str, place: dict[str, Any]) -> Path:
    path = out / pattern.format(**place)
    path.parent.mkdir(parents=True, exist_ok=True)
    return path


def _write_json(path: Path, values: dict[str, Any]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(values, indent=4) + '\n')
