# SPDX-License-Identifier: Apache-2.0
"""HDF5 files of others: nothing in them may lead to another file, and no array may be larger than its file can fill.

Source: HDF5 File Format Specification 3.0; external links, external raw data and virtual datasets each name other files,
which the library would open without a word.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path

import h5py
import numpy as np

from genima.borders.files import border, regular_file
from genima.borders.unpacked import ALWAYS_BYTES, check_unpacked
from genima.errors import BorderError

MAX_LINKS = 250_000
MAX_CHUNK_BYTES = 2**28
MAX_TEXT_BYTES = 2**24
MAX_ARRAY_BYTES, ALWAYS_ARRAY_BYTES = 2**28, 2**24
"""Of numbers, which are read as a whole; images are read one by one."""
_FILTERS = {
    h5py.h5z.FILTER_DEFLATE,
    h5py.h5z.FILTER_SHUFFLE,
    h5py.h5z.FILTER_FLETCHER32,
    h5py.h5z.FILTER_SZIP,
    h5py.h5z.FILTER_NBIT,
    h5py.h5z.FILTER_SCALEOFFSET,
    h5py.h5z.FILTER_LZF,
}
_ADVICE = 'copy it again, or ask who made it; `genima dataset verify` says more of our own'


@contextmanager
def open_hdf5(path: Path | str, advice: str = _ADVICE) -> Iterator[h5py.File]:
    """Open a file to read whose links all stay in it.

    Args:
        path: Of the file.
        advice: What to do when it cannot be opened, for the message.

    Raises:
        DatasetError: if it is no regular file, no HDF5, or leads out of itself.
    """
    with border(path, advice):
        status = regular_file(path).stat()
        _check_links(str(path), (status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns))
        file = h5py.File(path, 'r')
    with file:
        yield file


def check_file(path: Path | str) -> None:
    """Raise DatasetError for a file that is not whole in itself; `open_hdf5` and `check_arrays` say what that means."""
    with open_hdf5(path) as file, border(path, _ADVICE):
        check_arrays(file)


def check_arrays(group: h5py.Group) -> None:
    """Check every dataset below a group, and all of them together, before anything is read.

    Raises:
        BorderError: if one is in another file, or larger than what is stored can fill.
    """
    sizes = [check_array(each) for each in _arrays(group)]
    unpacked, stored = (sum(each) for each in zip(*sizes, strict=True)) if sizes else (0, 0)
    check_unpacked(unpacked, stored, f'{group.name} with {len(sizes)} arrays')


def check_array(array: h5py.Dataset) -> tuple[int, int]:
    """Check one dataset, before it is read, and return its bytes in memory and in the file.

    Raises:
        BorderError: if its data are in other files, or more than what is stored can be.
    """
    check_own(array)
    name, made = array.name, array.id.get_create_plist()
    filters = {made.get_filter(index)[0] for index in range(made.get_nfilters())}
    if filters - _FILTERS:
        raise BorderError(f'{name} is compressed by HDF5 filter {min(filters - _FILTERS)}, a program of others')
    item = array.dtype.itemsize
    if item > MAX_TEXT_BYTES:
        raise BorderError(f'{name} has values of {item} bytes each, allowed {MAX_TEXT_BYTES}')
    if array.chunks is not None and item * int(np.prod(array.chunks, dtype=object)) > MAX_CHUNK_BYTES:
        raise BorderError(f'{name} has chunks {array.chunks} of {array.dtype}, allowed {MAX_CHUNK_BYTES} bytes')
    total = item * int(np.prod(array.shape or (), dtype=object))
    stored, pixels = int(array.id.get_storage_size()), array.dtype == np.uint8
    check_unpacked(total, stored, f'{name} {array.shape}', ALWAYS_BYTES if pixels else ALWAYS_ARRAY_BYTES)
    if total > MAX_ARRAY_BYTES and not pixels:
        raise BorderError(f'{name} {array.shape} has {total} bytes; numbers have at most {MAX_ARRAY_BYTES}')
    return total, stored


def check_all_own(group: h5py.Group) -> None:
    """Raise BorderError if the values of a dataset below a group lie in other files."""
    for each in _arrays(group):
        check_own(each)


def check_own(array: h5py.Dataset) -> None:
    """Raise BorderError if the values of a dataset lie in other files."""
    made = array.id.get_create_plist()
    if made.get_layout() == h5py.h5d.VIRTUAL:
        raise BorderError(f'{array.name} is a virtual dataset, of values in other files; they are not opened: copy them')
    if made.get_external_count():
        raise BorderError(f'{array.name} has its values in other files; they are not opened: copy them into this one')


def _arrays(group: h5py.Group) -> list[h5py.Dataset]:
    found: list[h5py.Dataset] = []
    group.visititems(lambda name, item: found.append(item) if isinstance(item, h5py.Dataset) else None)
    return found


@lru_cache(maxsize=1024)
def _check_links(path: str, signature: tuple[int, ...]) -> None:
    """Check all links of a file as it is now, by `signature`; following one is what opens another file."""
    count = 0

    def fault(name: bytes, info: h5py.h5l.LinkInfo) -> str | None:
        nonlocal count
        count += 1
        if info.type not in (h5py.h5l.TYPE_HARD, h5py.h5l.TYPE_SOFT):
            return f'{name.decode(errors="replace")} leads to another file, which is not opened'
        return f'more than {MAX_LINKS} groups and arrays' if count > MAX_LINKS else None

    with h5py.File(path, 'r') as file:
        found = file.id.links.visit(fault, info=True)  # it ends with the first that is not None
    if found is not None:
        raise BorderError(found)
