# SPDX-License-Identifier: Apache-2.0
"""Single frames of an episode file: whoever looks at a minute of pictures need not hold it in memory."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import h5py

from genima.errors import DatasetError

_PREFIX = 'rgb_'


def camera_names(file: h5py.File) -> list[str]:
    """Return the cameras whose pictures an open episode file holds, sorted."""
    return sorted(name.removeprefix(_PREFIX) for name in file['observations'] if name.startswith(_PREFIX))


@contextmanager
def open_views(path: Path | str) -> Iterator[dict[str, h5py.Dataset]]:
    """Open an episode and yield camera name to its pictures (T, H, W, 3) uint8; an index reads only what it names.

    Raises:
        DatasetError: if the file cannot be opened or holds no observations.
    """
    try:
        file = h5py.File(path, 'r')
    except OSError as error:
        raise DatasetError(f'{path} cannot be opened ({error}); `genima dataset verify` says what is wrong') from error
    with file:
        if 'observations' not in file:
            raise DatasetError(f'{path} has no observations: it is not an episode')
        yield {name: file[f'observations/{_PREFIX}{name}'] for name in camera_names(file)}
