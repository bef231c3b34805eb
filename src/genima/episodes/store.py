# SPDX-License-Identifier: Apache-2.0
"""Episodes as HDF5 files.

Layout: `observations/rgb_<camera>` (T, H, W, 3) uint8, `observations/joint_positions` (T, n) float32 rad,
`observations/gripper` (T, 1) float32; `actions/joint_positions` (T, n), `actions/gripper` (T, 1) bool,
`actions/plan_joint_positions` (T, C, n), `actions/plan_gripper` (T, C) bool; `timestamps` (T,) float64 s;
`metadata/camera_params` and `metadata/episode` as JSON text.
"""

import json
from collections.abc import Iterator
from pathlib import Path

import h5py
import numpy as np

from genima.cameras.model import MountedCamera
from genima.episodes.episode import Episode
from genima.errors import DatasetError
from genima.files import atomic_path

SCHEMA = 'genima-episode'
SCHEMA_VERSION = 1
_VIEW = 'rgb_'


def write_episode(path: Path | str, episode: Episode) -> None:
    """Write one episode atomically.

    Raises:
        DatasetError: if its arrays do not fit each other.
    """
    episode.check()
    with atomic_path(path) as temporary, h5py.File(temporary, 'w') as file:
        file.attrs['schema'], file.attrs['schema_version'] = SCHEMA, SCHEMA_VERSION
        file['timestamps'] = episode.timestamps_s.astype(np.float64)
        file['observations/joint_positions'] = episode.q_rad.astype(np.float32)
        file['observations/gripper'] = episode.gripper_open.astype(np.float32)[:, None]
        file['actions/joint_positions'] = episode.q_command_rad.astype(np.float32)
        file['actions/gripper'] = episode.gripper_command_open[:, None] > 0.5
        file['actions/plan_joint_positions'] = episode.plan_q_rad.astype(np.float32)
        file['actions/plan_gripper'] = episode.plan_gripper_open > 0.5
        for name, images in episode.views.items():
            # one frame per chunk: training reads single frames; lzf halves rendered pictures and costs little
            file.create_dataset(
                f'observations/{_VIEW}{name}', data=images, chunks=(1, *images.shape[1:]), compression='lzf'
            )
        cameras = {name: camera.to_dict() for name, camera in episode.cameras.items()}
        file['metadata/camera_params'] = json.dumps(cameras)
        file['metadata/episode'] = json.dumps(episode.metadata)


def read_episode(path: Path | str, images: bool = True) -> Episode:
    """Read one episode; with `images=False` its `views` stay empty.

    Raises:
        DatasetError: if the file is missing, damaged, not an episode, or of another schema version.
    """
    try:
        with h5py.File(path, 'r') as file:
            _check_schema(file, path)
            return _read(file, images)
    except (OSError, KeyError, json.JSONDecodeError) as error:
        raise DatasetError(f'{path} cannot be read as an episode ({error}); collect or copy it again') from error


def list_episodes(directory: Path | str) -> list[Path]:
    """Return the episode files of a folder in the order of their names.

    Raises:
        DatasetError: if there is none.
    """
    paths = sorted(Path(directory).glob('episode_*.h5'))
    if not paths:
        raise DatasetError(f'no episode_*.h5 in {directory}; make some with `genima collect --out {directory}`')
    return paths


def read_all(directory: Path | str, images: bool = True) -> Iterator[Episode]:
    """Yield every episode of a folder."""
    for path in list_episodes(directory):
        yield read_episode(path, images)


def _check_schema(file: h5py.File, path: Path | str) -> None:
    schema, version = file.attrs.get('schema'), file.attrs.get('schema_version')
    if schema != SCHEMA or version != SCHEMA_VERSION:
        raise DatasetError(
            f'{path} has schema {schema!r} version {version}, this program reads {SCHEMA!r} version {SCHEMA_VERSION}'
        )


def _read(file: h5py.File, images: bool) -> Episode:
    names = [name.removeprefix(_VIEW) for name in file['observations'] if name.startswith(_VIEW)]
    cameras = json.loads(file['metadata/camera_params'].asstr()[()])
    return Episode(
        timestamps_s=file['timestamps'][:],
        views={name: file[f'observations/{_VIEW}{name}'][:] for name in names} if images else {},
        q_rad=file['observations/joint_positions'][:].astype(np.float64),
        gripper_open=file['observations/gripper'][:, 0].astype(np.float64),
        q_command_rad=file['actions/joint_positions'][:].astype(np.float64),
        gripper_command_open=file['actions/gripper'][:, 0].astype(np.float64),
        plan_q_rad=file['actions/plan_joint_positions'][:].astype(np.float64),
        plan_gripper_open=file['actions/plan_gripper'][:].astype(np.float64),
        cameras={name: MountedCamera.from_dict(values) for name, values in cameras.items()},
        metadata=json.loads(file['metadata/episode'].asstr()[()]),
    )
