# SPDX-License-Identifier: Apache-2.0
"""Are two datasets the same? Numbers and stamps to the bit, calibration, metadata, and how far pictures are apart."""

from dataclasses import dataclass
from pathlib import Path

import h5py
import numpy as np

from genima.borders.files import border
from genima.borders.hdf5 import check_arrays, open_hdf5
from genima.episodes.frames import open_views
from genima.episodes.store import list_episodes
from genima.errors import DatasetError

_VIEW = 'observations/rgb_'


@dataclass(frozen=True)
class Comparison:
    """One episode in two datasets.

    Attributes:
        file: Its name.
        different: Names of the arrays and texts that differ or that only one of them has, pictures left out.
        psnr_db: Camera to the peak signal to noise ratio of its pictures; infinite where they are equal, NaN where
            their number or size differs or only one dataset has them.
    """

    file: str
    different: tuple[str, ...]
    psnr_db: dict[str, float]

    @property
    def same_numbers(self) -> bool:
        """Whether everything but the pictures is equal to the bit."""
        return not self.different


def compare_episodes(first: Path, second: Path) -> Comparison:
    """Compare two episode files, whatever their names.

    Raises:
        DatasetError: if one cannot be read.
    """
    with border(f'{first} and {second}', 'verify them first'):
        with open_hdf5(first) as one, open_hdf5(second) as other:
            check_arrays(one)
            check_arrays(other)
            names = sorted(_names(one) | _names(other))
            rest = [name for name in names if not name.startswith(_VIEW)]
            different = tuple(name for name in rest if not _same(one, other, name))
        with open_views(first) as ours, open_views(second) as theirs:
            cameras = sorted({*ours, *theirs})
            losses = {name: _psnr_db(ours.get(name), theirs.get(name)) for name in cameras}
    return Comparison(first.name, different, losses)


def paired(first: Path | str, second: Path | str) -> list[tuple[Path, Path]]:
    """Return the episodes of two datasets in pairs of equal names.

    Raises:
        DatasetError: if one has an episode that the other lacks; names them.
    """
    ours, theirs = ({path.name: path for path in list_episodes(folder)} for folder in (first, second))
    lonely = sorted(ours.keys() ^ theirs.keys())
    if lonely:
        words = ', '.join(lonely[:5]) + (f' and {len(lonely) - 5} more' if len(lonely) > 5 else '')
        raise DatasetError(f'only one of {first} and {second} has {words}; compare datasets of the same episodes')
    return [(path, theirs[name]) for name, path in ours.items()]


def _names(file: h5py.File) -> set[str]:
    names: list[str] = []
    file.visititems(lambda name, item: names.append(name) if isinstance(item, h5py.Dataset) else None)
    return set(names)


def _same(one: h5py.File, other: h5py.File, name: str) -> bool:
    if name not in one or name not in other:
        return False
    ours, theirs = one[name], other[name]
    if (ours.shape, ours.dtype) != (theirs.shape, theirs.dtype):
        return False
    return bool(ours[()] == theirs[()]) if ours.shape == () else ours[()].tobytes() == theirs[()].tobytes()


def _psnr_db(ours: h5py.Dataset | None, theirs: h5py.Dataset | None) -> float:
    if ours is None or theirs is None or ours.shape != theirs.shape:
        return float('nan')
    error = sum(float(np.square(one.astype(np.int32) - other).sum()) for one, other in zip(ours, theirs, strict=True))
    return float(10 * np.log10(255**2 * ours.size / error)) if error else float('inf')
