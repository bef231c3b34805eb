# SPDX-License-Identifier: Apache-2.0
"""Regular files only, inside of their folder only, and one clear sentence for whatever a reader trips over."""

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from genima.errors import BorderError, DatasetError, GenimaError

LONGEST_REASON = 300
MAX_FILE_BYTES = 2**28
_KINDS = {
    stat.S_IFIFO: 'a named pipe',
    stat.S_IFSOCK: 'a socket',
    stat.S_IFCHR: 'a device',
    stat.S_IFBLK: 'a device',
    stat.S_IFDIR: 'a folder',
}


def regular_file(path: Path | str) -> Path:
    """Return the path of a file; opening anything else (a pipe, a device) may wait for ever, or do something.

    Raises:
        BorderError: if it is not there, or not a regular file.
    """
    try:
        mode = os.stat(path).st_mode
    except (OSError, ValueError) as error:
        raise BorderError(f'{path} cannot be opened: {getattr(error, "strerror", None) or error}') from error
    if not stat.S_ISREG(mode):
        raise BorderError(f'{path} is {_KINDS.get(stat.S_IFMT(mode), "something else")}, not a file; it is not opened')
    return Path(path)


def read_bytes(path: Path | str, most: int = MAX_FILE_BYTES) -> bytes:
    """Return what is in a regular file of at most `most` bytes.

    Raises:
        BorderError: if it is not regular, too large, or cannot be read.
    """
    size = regular_file(path).stat().st_size
    if size > most:
        raise BorderError(f'{path} has {size} bytes, allowed {most}')
    try:
        with open(path, 'rb') as file:
            return file.read(size)  # not `most`: Python takes that much memory first
    except OSError as error:
        raise BorderError(f'{path}: {error.strerror}') from error


def inside(folder: Path | str, path: Path | str) -> Path:
    """Return the path of something in a folder; `path` is relative to it, or begins with it.

    Raises:
        BorderError: if it leads out of the folder, by its name or by a symbolic link.
    """
    root, joined = Path(folder), Path(folder) / path if not Path(path).is_relative_to(folder) else Path(path)
    try:
        resolved = joined.resolve()
        contained = resolved.is_relative_to(root.resolve())
    except (OSError, ValueError, RuntimeError) as error:  # a loop of links, a zero byte
        raise BorderError(f'{joined} is no usable path ({error})') from error
    if not contained:
        raise BorderError(
            f'{joined} leads out of {root} to {resolved}; it is not opened: copy files instead of links there (cp -rL)'
        )
    return joined


@contextmanager
def border(what: object, advice: str, kind: type[GenimaError] = DatasetError) -> Iterator[None]:
    """Turn whatever a reader trips over in a file into one clear line; errors that are clear already stay as they are.

    Args:
        what: The file.
        advice: What to do.
        kind: Of the error that is raised instead.
    """
    try:
        yield
    except GenimaError as error:
        if not isinstance(error, BorderError):
            raise
        raise kind(f'{named(what, error)}; {advice}') from error
    except Exception as error:
        raise kind(f'{what} cannot be read ({reason(error)}); {advice}') from error


def named(what: object, error: BorderError) -> str:
    """Return the sentence of an error, with the file that it is about in front where it is not named already."""
    text = reason(error)
    return text if str(what) in text else f'{what}: {text}'


def reason(error: BaseException) -> str:
    """Return the beginning of what an error says, on one line; some libraries repeat half of the file in theirs."""
    text = ' '.join(str(error).split()) or type(error).__name__
    if isinstance(error, (KeyError, RecursionError, MemoryError)):
        text = f'{type(error).__name__}: {text}'
    return text if len(text) <= LONGEST_REASON else f'{text[:LONGEST_REASON]}...'
