# SPDX-License-Identifier: Apache-2.0
"""The whole steps at the beginning of an episode file that ends early, or is damaged further on."""

import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timezone
from itertools import product
from pathlib import Path

import h5py
import numpy as np

from genima.borders.files import regular_file
from genima.borders.hdf5 import check_arrays, open_hdf5
from genima.borders.texts import parse_json
from genima.borders.unpacked import check_unpacked
from genima.episodes.page import add_page
from genima.episodes.store import content_digest, read_episode
from genima.errors import DatasetError
from genima.files import atomic_path
from genima.quality.structure import TEXTS, stored_end

_UNREADABLE = (OSError, KeyError, RuntimeError, ValueError, TypeError)


def whole_steps(path: Path) -> tuple[int, int]:
    """Return how many steps at the beginning are whole, and how many there were.

    Raises:
        DatasetError: if none is, or what is not per step (metadata, calibration) is lost.
    """
    with _opened(path) as (file, size):
        return _count(file, size)


def salvage(path: Path, target: Path) -> None:
    """Write the whole steps at the beginning of a damaged episode as a new file, atomically.

    The metadata key 'repaired' tells what was lost.

    Raises:
        DatasetError: as `whole_steps` does.
    """
    with _opened(path) as (source, size):
        steps, before = _count(source, size)
        with atomic_path(target) as temporary:
            with h5py.File(temporary, 'w') as file:
                for name, value in source.attrs.items():
                    file.attrs[name] = value
                for name, array in _arrays(source):
                    _copy(array, file, name, steps)
                now = datetime.now(timezone.utc).isoformat(timespec='seconds')
                metadata = parse_json(_text(source, 'metadata/episode'))
                metadata['repaired'] = {'steps': steps, 'steps_before': before, 'at': now}
                file['metadata/episode'] = json.dumps(metadata)
                file['metadata/camera_params'] = _text(source, 'metadata/camera_params')
                file.attrs['content_sha256'] = content_digest(file)
                if file['timestamps'].ndim == 2:  # since version 3
                    add_page(file, metadata)
            read_episode(temporary, images=False).check()


@contextmanager
def _opened(path: Path) -> Iterator[tuple[h5py.File, int]]:
    """Open a copy that is filled up with zeros to its stored end, and yield it with the bytes that are really there."""
    size = regular_file(path).stat().st_size
    with path.open('rb') as begun:
        end = stored_end(begun.read(64))
    check_unpacked(end, size, f'{path.name} filled up')
    with tempfile.TemporaryDirectory(prefix=f'.{path.name}.', dir=path.parent) as folder:
        filled = Path(folder) / path.name
        shutil.copyfile(path, filled)
        os.truncate(filled, max(end, size))
        try:
            with open_hdf5(filled) as file:
                check_arrays(file)
                yield file, size
        except DatasetError:
            raise
        except _UNREADABLE as error:
            text = f'{path.name}: its layout is lost ({error}); copy the file again, or take the episode out'
            raise DatasetError(text) from error


def _count(file: h5py.File, size: int) -> tuple[int, int]:
    for name in TEXTS:
        parse_json(_text(file, name))
    before = len(file['timestamps'])
    steps = min(_whole_rows(array, size) for _, array in _arrays(file))
    if not steps:
        raise DatasetError(f'{file.filename}: none of its {before} steps is whole; copy the file again')
    return steps, before


def _arrays(file: h5py.File) -> Iterator[tuple[str, h5py.Dataset]]:
    """Yield all arrays by name; every one of an episode has a row per step."""
    names: list[str] = []
    file.visit(names.append)
    for name in names:
        if isinstance(file[name], h5py.Dataset) and name not in TEXTS:
            yield name, file[name]


def _whole_rows(array: h5py.Dataset, size: int) -> int:
    """Return how many rows at the beginning lie inside the first `size` bytes of the file and can be read."""
    if array.chunks is None:
        offset, row_bytes = array.id.get_offset(), array.dtype.itemsize * int(np.prod(array.shape[1:]))
        return 0 if offset is None else int(np.clip((size - offset) // row_bytes, 0, len(array)))
    corners = list(product(*(range(0, n, step) for n, step in zip(array.shape[1:], array.chunks[1:], strict=True))))
    for row in range(len(array)):
        try:
            pieces = [array.id.get_chunk_info_by_coord((row - row % array.chunks[0], *corner)) for corner in corners]
            if any(not piece.byte_offset or piece.byte_offset + piece.size > size for piece in pieces):
                return row
            array[row]
        except _UNREADABLE:
            return row
    return len(array)


def _copy(array: h5py.Dataset, file: h5py.File, name: str, steps: int) -> None:
    shape = (steps, *array.shape[1:])
    chunks = None if array.chunks is None else (min(array.chunks[0], steps), *array.chunks[1:])
    copy = file.create_dataset(name, shape, array.dtype, chunks=chunks, compression=array.compression)
    for row in range(steps):
        copy[row] = array[row]


def _text(file: h5py.File, name: str) -> str:
    return str(file[name].asstr()[()])
