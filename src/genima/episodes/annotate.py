# SPDX-License-Identifier: Apache-2.0
"""Change what an episode file says about itself without reading its images into memory: metadata, steps to ignore."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from genima.borders.files import regular_file
from genima.borders.hdf5 import check_file
from genima.borders.texts import parse_json
from genima.episodes.page import camera_names, steps_s
from genima.episodes.store import content_digest
from genima.errors import DatasetError
from genima.files import atomic_path


def write_ignored(source: Path | str, target: Path | str, ignore: np.ndarray, note: dict[str, Any]) -> None:
    """Copy an episode and mark steps in the copy, atomically; a file of version 1 becomes one of version 2.

    Args:
        source: The episode.
        target: The copy.
        ignore: (T,) bool; these steps are marked besides those that are already.
        note: Metadata to add, so that the file tells what was done to it.

    Raises:
        DatasetError: if the number of steps differs, or the file is not an episode.
    """
    with atomic_path(target) as temporary:
        shutil.copyfile(regular_file(source), temporary)
        try:
            check_file(temporary)
            with h5py.File(temporary, 'r+') as file:
                _mark(file, ignore, note)
        except (OSError, KeyError, ValueError) as error:
            raise DatasetError(f'{source} cannot be marked ({error}); see `genima dataset verify`') from error


def write_metadata(path: Path | str, change: Callable[[dict[str, Any]], dict[str, Any]]) -> None:
    """Change the metadata of an episode in its place, atomically; a hard link elsewhere keeps the old contents.

    Args:
        path: The episode.
        change: Gets the metadata, and returns the new ones.

    Raises:
        DatasetError: if the file is not an episode, or its contents are not those that were written: a new digest would
            hide that.
    """
    with atomic_path(path) as temporary:
        try:
            shutil.copyfile(regular_file(path), temporary)
            check_file(temporary)
            with h5py.File(temporary, 'r+') as file:
                digest = file.attrs.get('content_sha256')
                if digest is not None and digest != content_digest(file):
                    raise DatasetError(f'{path} changed after it was written; see `genima dataset verify`')
                _put_metadata(file, change)
                if digest is not None:
                    file.attrs['content_sha256'] = content_digest(file)
        except (OSError, KeyError, ValueError, RuntimeError) as error:
            if isinstance(error, DatasetError):
                raise
            raise DatasetError(f'{path} cannot be changed ({error}); see `genima dataset verify`') from error


def _mark(file: h5py.File, ignore: np.ndarray, note: dict[str, Any]) -> None:
    times_s = steps_s(file)
    if ignore.shape != times_s.shape:
        raise DatasetError(f'{len(ignore)} marks for {len(times_s)} steps')
    if 'annotations/ignore' in file:
        file['annotations/ignore'][:] = file['annotations/ignore'][:] | ignore
    else:
        file['annotations/ignore'] = ignore.astype(bool)
    for camera in camera_names(file):
        if f'observations/capture_time_{camera}' not in file:  # what `read_episode` takes for version 1
            file[f'observations/capture_time_{camera}'] = times_s
    _put_metadata(file, lambda metadata: metadata | note)
    file.attrs['schema_version'] = max(2, int(file.attrs['schema_version']))
    file.attrs['content_sha256'] = content_digest(file)


def _put_metadata(file: h5py.File, change: Callable[[dict[str, Any]], dict[str, Any]]) -> None:
    metadata = change(parse_json(file['metadata/episode'].asstr()[()]))
    del file['metadata/episode']
    file['metadata/episode'] = json.dumps(metadata)
