# SPDX-License-Identifier: Apache-2.0
"""Episodes as HDF5 files.

Layout: `observations/rgb_<camera>` (T, H, W, 3) uint8, `observations/capture_time_<camera>` (T,) float64 s,
`observations/joint_positions` (T, n) float32 rad, `observations/gripper` (T, 1) float32; `actions/joint_positions` (T, n),
`actions/gripper` (T, 1) bool, and where known `actions/plan_joint_positions` (T, C, n), `actions/plan_gripper` (T, C) bool;
`annotations/ignore` (T,) bool; `timestamps` (T, 1) float64 Unix s; `metadata/camera_params` and `metadata/episode` as JSON
text. The attribute `content_sha256` is the digest of all of these. The links of page.py are not counted.
"""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from genima.borders.files import border, inside
from genima.borders.hdf5 import check_arrays, open_hdf5
from genima.borders.texts import parse_json
from genima.cameras.model import MountedCamera
from genima.episodes.episode import Episode
from genima.episodes.page import VIEW, add_page, camera_names, clock_start_s, steps_s
from genima.errors import DatasetError
from genima.files import atomic_path

SCHEMA = 'genima-episode'
SCHEMA_VERSION = 3
# 1 knew neither capture times, nor steps to ignore, nor the digest; 2 had times (T,) and no names of the page
READABLE_VERSIONS = (1, 2, 3)
_CAPTURE = 'capture_time_'


def write_episode(path: Path | str, episode: Episode) -> None:
    """Write one episode atomically: what is not per step first, the pictures step by step.

    A file that was copied only in part so keeps whole steps, which `genima dataset repair` saves.

    Raises:
        DatasetError: if its arrays do not fit each other.
    """
    episode.check()
    contents = _contents(episode)
    views = {f'observations/{VIEW}{name}': images for name, images in episode.views.items()}
    # no cache: a picture is written once, and is in the file before the next one
    with atomic_path(path) as temporary, h5py.File(temporary, 'w', rdcc_nbytes=0) as file:
        file.attrs['schema'], file.attrs['schema_version'] = SCHEMA, SCHEMA_VERSION
        file.attrs['content_sha256'] = _digest({**contents, **views})
        for name, values in contents.items():
            file[name] = values
        stored = {
            # one frame per chunk: training reads single frames; lzf halves rendered pictures and costs little
            name: file.create_dataset(name, images.shape, np.uint8, chunks=(1, *images.shape[1:]), compression='lzf')
            for name, images in views.items()
        }
        add_page(file, episode.metadata)  # before the images: it is in a file that ends early, too
        for step in range(len(episode)):
            for name, images in views.items():
                stored[name][step] = images[step]


def read_episode(path: Path | str, images: bool = True) -> Episode:
    """Read one episode; with `images=False` its `views` stay empty.

    Raises:
        DatasetError: if the file is missing, damaged, not an episode, or of another schema version.
    """
    advice = 'no episode can be read from it: collect or copy it again'
    with border(path, advice), open_hdf5(path, advice) as file:
        _check_schema(file, path)
        check_arrays(file)
        return _read(file, images)


def list_episodes(directory: Path | str) -> list[Path]:
    """Return the episode files of a folder in the order of their names.

    Raises:
        DatasetError: if there is none.
        BorderError: if one is a link to a file outside of the folder.
    """
    paths = [inside(directory, path) for path in sorted(Path(directory).glob('episode_*.h5'))]
    if not paths:
        raise DatasetError(f'no episode_*.h5 in {directory}; make some with `genima collect --out {directory}`')
    return paths


def content_digest(file: h5py.File) -> str:
    """Return the SHA-256 of every dataset of an open file: names, types, shapes and values, in the order of the names."""
    names: list[str] = []
    file.visititems(lambda name, item: names.append(name) if isinstance(item, h5py.Dataset) else None)
    return _digest({name: file[name] if file[name].shape else file[name].asstr()[()] for name in names})


def _digest(contents: Mapping[str, Any]) -> str:
    """Return the digest of texts and of arrays, also of those in a file."""
    digest = hashlib.sha256()
    for name in sorted(contents):
        item = contents[name]
        if isinstance(item, str):
            digest.update(f'{name} text\n'.encode() + item.encode())
            continue
        digest.update(f'{name} {item.dtype.str} {item.shape}\n'.encode())
        for row in item:  # frame by frame: a long episode need not fit into memory twice
            digest.update(np.ascontiguousarray(row).data)
    return digest.hexdigest()


def _contents(episode: Episode) -> dict[str, NDArray[Any] | str]:
    """Return everything but the pictures, by its name in the file; times in Unix seconds where these are known."""
    start_s = clock_start_s(episode.metadata)
    contents: dict[str, NDArray[Any] | str] = {
        'metadata/camera_params': json.dumps({name: camera.to_dict() for name, camera in episode.cameras.items()}),
        'metadata/episode': json.dumps(episode.metadata),
        'timestamps': episode.timestamps_s.astype(np.float64)[:, None] + start_s,
        'observations/joint_positions': episode.q_rad.astype(np.float32),
        'observations/gripper': episode.gripper_open.astype(np.float32)[:, None],
        'actions/joint_positions': episode.q_command_rad.astype(np.float32),
        'actions/gripper': episode.gripper_command_open[:, None] > 0.5,
        'annotations/ignore': episode.ignore.astype(bool),
    }
    if episode.plan_q_rad is not None and episode.plan_gripper_open is not None:
        contents['actions/plan_joint_positions'] = episode.plan_q_rad.astype(np.float32)
        contents['actions/plan_gripper'] = episode.plan_gripper_open > 0.5
    for name, times_s in episode.capture_s.items():
        contents[f'observations/{_CAPTURE}{name}'] = times_s.astype(np.float64) + start_s
    return contents


def _check_schema(file: h5py.File, path: Path | str) -> None:
    schema, version = file.attrs.get('schema'), file.attrs.get('schema_version')
    if schema != SCHEMA or version not in READABLE_VERSIONS:
        readable = ', '.join(str(number) for number in READABLE_VERSIONS)
        raise DatasetError(
            f'{path} has schema {schema!r} version {version}, this program reads {SCHEMA!r} versions {readable}; '
            '`genima dataset convert` reads other layouts of HDF5'
        )


def _read(file: h5py.File, images: bool) -> Episode:
    observed, actions = file['observations'], file['actions']
    captured = [name.removeprefix(_CAPTURE) for name in observed if name.startswith(_CAPTURE)]
    cameras = parse_json(file['metadata/camera_params'].asstr()[()])
    metadata = parse_json(file['metadata/episode'].asstr()[()])
    # an episode in memory keeps its own clock, on which its events are
    start_s = clock_start_s(metadata) if file.attrs['schema_version'] >= 3 else 0.0
    planned = 'plan_joint_positions' in actions
    return Episode(
        timestamps_s=steps_s(file) - start_s,
        views={name: observed[f'{VIEW}{name}'][:] for name in camera_names(file)} if images else {},
        q_rad=observed['joint_positions'][:].astype(np.float64),
        gripper_open=observed['gripper'][:, 0].astype(np.float64),
        q_command_rad=actions['joint_positions'][:].astype(np.float64),
        gripper_command_open=actions['gripper'][:, 0].astype(np.float64),
        plan_q_rad=actions['plan_joint_positions'][:].astype(np.float64) if planned else None,
        plan_gripper_open=actions['plan_gripper'][:].astype(np.float64) if planned else None,
        capture_s={name: observed[f'{_CAPTURE}{name}'][:] - start_s for name in captured},
        ignore=file['annotations/ignore'][:] if 'annotations/ignore' in file else np.zeros(0, dtype=bool),
        cameras={name: MountedCamera.from_dict(values) for name, values in cameras.items()},
        metadata=metadata,
    )
