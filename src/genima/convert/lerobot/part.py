# SPDX-License-Identifier: Apache-2.0
"""One native episode as a finished part of a LeRobot dataset: its rows, its videos, its statistics."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import cv2
import h5py
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from genima.borders.texts import read_json
from genima.convert.lerobot import layout, video
from genima.convert.lerobot.layout import Shape
from genima.convert.lerobot.stats import Stats, color_counts, image_stats, number_stats, sampled_frames, to_lists
from genima.convert.lerobot.survey import Job
from genima.episodes.episode import Episode
from genima.episodes.frames import open_views
from genima.episodes.store import read_episode
from genima.errors import DatasetError
from genima.files import write_atomic

ROWS, DONE = 'rows.parquet', 'part.json'
_GROUP_ROWS = 100  # as Hugging Face `datasets` writes pictures: a group fits into memory


@dataclass(frozen=True)
class Recipe:
    """How parts are made.

    Attributes:
        shape: What all episodes have in common.
        images: 'png', or a key of `lerobot_video.ENCODERS`.
        threads: Of a video encoder; 0 lets it choose.
    """

    shape: Shape
    images: str
    threads: int = 0

    @property
    def encoder(self) -> video.Encoder | None:
        """What makes the videos; None if pictures are stored one by one."""
        return video.ENCODERS.get(self.images)

    def features(self) -> dict[str, dict[str, Any]]:
        """Return the features of the dataset as `info.json` lists them."""
        info = video.video_info(self.encoder, self.shape.fps) if self.encoder else None
        return {**layout.image_features(self.shape, info), **layout.number_features(self.shape)}


def part_folder(parts: Path, job: Job) -> Path:
    """Return where the part of an episode is made."""
    return parts / f'{job.episode_index:06d}'


def read_part(parts: Path, recipe: Recipe, job: Job) -> dict[str, Any] | None:
    """Return what was noted about a finished part; None if it is missing, or was made from something else."""
    try:
        noted: dict[str, Any] = read_json(part_folder(parts, job) / DONE)
    except (OSError, ValueError):
        return None
    return noted if noted.get('made_from') == _made_from(recipe, job) else None


def write_part(recipe: Recipe, parts: Path, job: Job) -> str:
    """Make the part of one episode and return the episode's name; `part.json` is written last.

    Raises:
        DatasetError: if the episode cannot be read to its end, or the part cannot be written.
    """
    folder = part_folder(parts, job)
    folder.mkdir(parents=True, exist_ok=True)
    try:
        noted = _write(recipe, folder, job)
    except (OSError, KeyError, ValueError, RuntimeError) as error:
        if isinstance(error, DatasetError):
            raise
        raise DatasetError(f'{job.source} cannot be exported: {error}') from error
    write_atomic(folder / DONE, json.dumps(noted))
    return job.source.stem


def _made_from(recipe: Recipe, job: Job) -> dict[str, Any]:
    return {**job.to_dict(), 'images': recipe.images, 'features': recipe.features()}


def _write(recipe: Recipe, folder: Path, job: Job) -> dict[str, Any]:
    episode, features = read_episode(job.source, images=False), recipe.features()
    numbers = _numbers(episode, recipe.shape, job)
    stats = {key: number_stats(values) for key, values in numbers.items() if not key.startswith('genima.')}
    columns = {key: _column(values, features[key]) for key, values in numbers.items()}
    with open_views(job.source) as views:
        counted = {camera: _Counted(frames, recipe.encoder is not None) for camera, frames in views.items()}
        pictures = counted if recipe.encoder is None else {}
        _write_rows(folder / ROWS, layout.table_schema(features), columns, pictures, len(episode))
        errors = {camera: _write_video(recipe, folder, camera, frames) for camera, frames in counted.items()}
    stats.update({layout.IMAGES + camera: frames.stats() for camera, frames in counted.items()})
    return {
        'made_from': _made_from(recipe, job),
        'metadata': episode.metadata,
        'cameras': {name: camera.to_dict() for name, camera in episode.cameras.items()},
        'stats': to_lists(stats),
        'mean_squared_error': errors,
    }


class _Counted:
    """The pictures of one camera, to be gone through once: the colours of a sample are counted, and it may be kept."""

    def __init__(self, frames: h5py.Dataset, keep: bool) -> None:
        self._frames, self._keep = frames, keep
        self._sampled = frozenset(sampled_frames(len(frames)).tolist())
        self._counts = np.zeros((3, 256), dtype=np.int64)
        self.kept: dict[int, np.ndarray] = {}

    def __len__(self) -> int:
        return len(self._frames)

    def __iter__(self) -> Iterator[np.ndarray]:
        for index, frame in enumerate(self._frames):
            if index in self._sampled:
                self._counts += color_counts(frame)
                if self._keep:
                    self.kept[index] = frame
            yield frame

    def stats(self) -> Stats:
        return image_stats(self._counts, len(self._sampled))


def _numbers(episode: Episode, shape: Shape, job: Job) -> dict[str, np.ndarray]:
    """Return all columns that are numbers, each (T,) or (T, k)."""
    rows = np.arange(job.steps)
    numbers = {
        layout.STATE: np.column_stack([episode.q_rad, episode.gripper_open]),
        layout.ACTION: np.column_stack([episode.q_command_rad, episode.gripper_command_open]),
        layout.TIME: episode.timestamps_s,
        **{layout.CAPTURE + camera: episode.capture_s[camera] for camera in shape.clocks},
        layout.IGNORE: episode.ignore,
        'timestamp': rows / shape.fps,
        'frame_index': rows,
        'episode_index': np.full(job.steps, job.episode_index),
        'index': job.first_row + rows,
        'task_index': np.full(job.steps, job.task_index),
    }
    if shape.plan_steps:
        q_rad = np.full((job.steps, shape.plan_steps, len(shape.joint_names)), np.nan)
        gripper_open = np.zeros((job.steps, shape.plan_steps))
        if episode.plan_q_rad is not None and episode.plan_gripper_open is not None:
            q_rad[:, : episode.plan_q_rad.shape[1]] = episode.plan_q_rad
            gripper_open[:, : episode.plan_gripper_open.shape[1]] = episode.plan_gripper_open
        numbers[layout.PLAN_Q] = q_rad.reshape(job.steps, -1)
        numbers[layout.PLAN_GRIPPER] = gripper_open > 0.5
    return numbers


def _column(values: np.ndarray, feature: dict[str, Any]) -> pa.Array:
    flat = pa.array(np.ascontiguousarray(values, dtype=feature['dtype']).reshape(-1))
    kind = layout.arrow_type(feature)
    return pa.FixedSizeListArray.from_arrays(flat, kind.list_size) if pa.types.is_fixed_size_list(kind) else flat


def _write_rows(
    path: Path, schema: pa.Schema, columns: dict[str, pa.Array], pictures: Mapping[str, _Counted], steps: int
) -> None:
    streams = {layout.IMAGES + camera: iter(frames) for camera, frames in pictures.items()}
    with pq.ParquetWriter(path, schema, **layout.CHECKED) as writer:
        for start in range(0, steps, _GROUP_ROWS):
            group = {key: column.slice(start, _GROUP_ROWS) for key, column in columns.items()}
            for key, frames in streams.items():
                files = [_png(frame, start + row) for row, frame in enumerate(islice(frames, _GROUP_ROWS))]
                group[key] = pa.array(files, layout.IMAGE_TYPE)
            writer.write_table(pa.table([group[name] for name in schema.names], schema=schema))


def _png(frame: np.ndarray, index: int) -> dict[str, Any]:
    # without options OpenCV takes its fast filter: twice as fast as its levels of compression, no larger
    return {'bytes': cv2.imencode('.png', frame[..., ::-1])[1].tobytes(), 'path': f'frame-{index:06d}.png'}


def _write_video(recipe: Recipe, folder: Path, camera: str, frames: _Counted) -> float:
    """Write the video of one camera and return the error of its sampled pictures; nothing if they are stored one by one."""
    if recipe.encoder is None:
        return 0.0
    path = folder / f'{camera}.mp4'
    video.encode(recipe.encoder, frames, path, recipe.shape.fps, recipe.threads)
    error = video.mean_squared_error(frames.kept, path, len(frames), recipe.shape.fps)
    frames.kept.clear()
    return error
