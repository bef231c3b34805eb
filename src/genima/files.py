# SPDX-License-Identifier: Apache-2.0
"""Atomic writes and the places where shipped files are found."""

import errno
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from genima.errors import GenimaError

FULL_BYTES = 2**20
"""A file that cannot be written where less is free cannot be written for want of space, whatever the library says."""


@contextmanager
def atomic_path(path: Path | str) -> Iterator[Path]:
    """Yield a temporary path beside `path` that replaces it when the block ends without an error.

    Raises:
        GenimaError: if the disk is full; the old file is as it was.
    """
    target = Path(path)
    target.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(prefix=f'.{target.name}.', suffix=target.suffix, dir=target.parent)
    os.close(handle)
    temporary = Path(name)
    try:
        yield temporary
        temporary.chmod(0o644)
        os.replace(temporary, target)
    except Exception as error:
        if isinstance(error, GenimaError) or not _is_full(target.parent, error):
            raise
        raise GenimaError(f'{target} cannot be written: the disk is full; make room, and start the same again') from error
    finally:
        temporary.unlink(missing_ok=True)


def _is_full(folder: Path, error: Exception) -> bool:
    """Return whether writing failed for want of space; HDF5, torch and safetensors each have errors of their own."""
    wanting = isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT)
    return wanting or shutil.disk_usage(folder).free < FULL_BYTES


def write_atomic(path: Path | str, data: bytes | str) -> None:
    """Write `data` (text as UTF-8) so that readers see the old file or the new one, never a part."""
    with atomic_path(path) as temporary:
        temporary.write_bytes(data.encode() if isinstance(data, str) else data)


def config_dir() -> Path:
    """Return the folder `config/` with robots, stacks and calibration.

    `GENIMA_CONFIG` wins, then the source checkout, then what pip installed, then the share folder that colcon installs.

    Raises:
        GenimaError: if no such folder exists.
    """
    candidates = [Path(os.environ['GENIMA_CONFIG'])] if 'GENIMA_CONFIG' in os.environ else []
    candidates.append(Path(__file__).resolve().parents[2] / 'config')
    candidates.append(Path(sys.prefix) / 'share' / 'genima' / 'config')
    prefixes = os.environ.get('AMENT_PREFIX_PATH', '').split(':')
    candidates += [Path(prefix) / 'share' / 'genima_bringup' / 'config' for prefix in prefixes if prefix]
    for candidate in candidates:
        if (candidate / 'robots').is_dir():
            return candidate
    looked = ', '.join(str(candidate) for candidate in candidates)
    raise GenimaError(f'no config folder with robots/ in it; looked in {looked}; set GENIMA_CONFIG to yours')
