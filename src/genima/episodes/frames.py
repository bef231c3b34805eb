# SPDX-License-Identifier: Apache-2.0
"""Single frames of an episode file: whoever looks at a minute of pictures need not hold it in memory."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import h5py

from genima.borders.files import border
from genima.borders.hdf5 import check_arrays, open_hdf5
from genima.episodes.page import VIEW, camera_names
from genima.errors import DatasetError


@contextmanager
def open_views(path: Path | str) -> Iterator[dict[str, h5py.Dataset]]:
    """Open an episode and yield camera name to its pictures (T, H, W, 3) uint8; an index reads only what it names.

    Raises:
        DatasetError: if the file cannot be opened or holds no observations.
    """
    advice = '`genima dataset verify` says what is wrong'
    with open_hdf5(path, advice) as file:
        with border(path, advice):
            if 'observations' not in file:
                raise DatasetError(f'{path} has no observations: it is not an episode')
            check_arrays(file)
            views = {name: file[f'observations/{VIEW}{name}'] for name in camera_names(file)}
        yield views
