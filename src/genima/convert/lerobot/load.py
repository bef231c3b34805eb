# SPDX-License-Identifier: Apache-2.0
"""One episode of a LeRobot dataset as a native file."""

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from genima.borders.files import border
from genima.borders.texts import parse_json
from genima.cameras.model import MountedCamera
from genima.convert.lerobot import layout
from genima.convert.lerobot.foreign import Told, understand
from genima.convert.lerobot.read import Dataset, read_frames, read_rows
from genima.episodes.episode import Episode
from genima.episodes.store import write_episode
from genima.errors import DatasetError, GenimaError

RESERVE_BYTES = 2**28


def load_episode(dataset: Dataset, told: Told, out: Path, named: tuple[str, dict[str, Any]]) -> str:
    """Write one episode into a native folder.

    Args:
        dataset: Where it comes from.
        told: What the user said about the dataset.
        out: The native folder.
        named: The episode's name, which is returned, and its row of `meta/episodes`.

    Raises:
        DatasetError: if files are damaged, or something about a foreign dataset must be told.
    """
    name, record = named
    with border(f'{dataset.folder}, {name}', 'copy or download it again'):
        _load(dataset, told, out, name, record)
    return name


def _load(dataset: Dataset, told: Told, out: Path, name: str, record: dict[str, Any]) -> None:
    columns = read_rows(dataset, record)
    motion = _ours(record, columns) if layout.METADATA in record else understand(dataset, told, record, columns)
    with tempfile.TemporaryDirectory(prefix='.frames-', dir=out) as scratch:
        views = {
            camera: _gather(read_frames(dataset, record, key), int(record['length']), Path(scratch) / f'{number}.raw')
            for number, (camera, key) in enumerate(dataset.views.items())
        }
        episode = Episode(views=views, **motion, **_times(dataset, columns), **_plans(columns))
        try:
            write_episode(out / f'{name}.h5', episode)
        except DatasetError as error:
            raise DatasetError(f'{dataset.folder}, {name}: {error}') from error


def _ours(record: dict[str, Any], columns: dict[str, np.ndarray]) -> dict[str, Any]:
    """Return what `lerobot.export` wrote, exactly."""
    try:
        cameras = parse_json(record[layout.CAMERAS])
        return {
            'q_rad': columns[layout.STATE][:, :-1],
            'gripper_open': columns[layout.STATE][:, -1],
            'q_command_rad': columns[layout.ACTION][:, :-1],
            'gripper_command_open': columns[layout.ACTION][:, -1],
            'cameras': {name: MountedCamera.from_dict(values) for name, values in cameras.items()},
            'metadata': parse_json(record[layout.METADATA]),
        }
    except (ValueError, KeyError, TypeError, AttributeError, IndexError) as error:
        if isinstance(error, GenimaError):
            raise
        raise DatasetError(f'episode {record["episode_index"]}: {error!r}; copy or download the dataset again') from error


def _times(dataset: Dataset, columns: dict[str, np.ndarray]) -> dict[str, Any]:
    """Return time stamps, capture times and steps to ignore; a foreign dataset only counts frames."""
    times_s = columns.get(layout.TIME)
    captures = {key.removeprefix(layout.CAPTURE): each for key, each in columns.items() if key.startswith(layout.CAPTURE)}
    return {
        'timestamps_s': columns['frame_index'] / dataset.fps if times_s is None else times_s,
        'capture_s': captures,
        'ignore': columns.get(layout.IGNORE, np.zeros(len(columns['frame_index']), dtype=bool)).astype(bool),
    }


def _plans(columns: dict[str, np.ndarray]) -> dict[str, Any]:
    """Return the plans without what they were padded with."""
    if layout.PLAN_Q not in columns:
        return {}
    q_rad, steps = columns[layout.PLAN_Q], len(columns['frame_index'])
    n_joints = columns[layout.STATE].shape[1] - 1
    q_rad = q_rad.reshape(steps, -1, n_joints)
    known = int(np.isfinite(q_rad).all(axis=(0, 2)).sum())
    if not known:
        return {}
    gripper_open = columns[layout.PLAN_GRIPPER].reshape(steps, -1)
    return {'plan_q_rad': q_rad[:, :known], 'plan_gripper_open': gripper_open[:, :known].astype(np.float64)}


def _gather(frames: Iterator[np.ndarray], steps: int, path: Path) -> np.ndarray:
    """Return pictures as an array (T, H, W, 3) that lies in a file: a minute of four cameras is more than memory holds."""
    first = next(frames)
    if steps * first.nbytes > shutil.disk_usage(path.parent).free - RESERVE_BYTES:
        raise DatasetError(f'{steps} images of {first.shape} do not fit on the disk of {path.parent.parent}; make room')
    gathered = np.memmap(path, dtype=np.uint8, mode='w+', shape=(steps, *first.shape))
    gathered[0] = first
    for index, frame in enumerate(frames, start=1):
        if frame.shape != first.shape:
            raise DatasetError(f'picture {index} has shape {frame.shape}, the first one {first.shape}')
        gathered[index] = frame
    return gathered
