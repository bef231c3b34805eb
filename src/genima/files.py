# SPDX-License-Identifier: Apache-2.0
"""Atomic writes and the places where shipped files are found."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from genima.errors import GenimaError


@contextmanager
def atomic_path(path: Path | str) -> Iterator[Path]:
    """Yield a temporary path beside `path` that replaces it when the block ends without an error."""
    target = Path(path)
    target.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(prefix=f'.{target.name}.', suffix=target.suffix, dir=target.parent)
    os.close(handle)
    temporary = Path(name)
    try:
        yield temporary
        temporary.chmod(0o644)
        os.replace(temporary, target)
    finally:
        temporary.unlink(missing_ok=True)


def write_atomic(path: Path | str, data: bytes | str) -> None:
    """Write `data` (text as UTF-8) so that readers see the old file or the new one, never a part."""
    with atomic_path(path) as temporary:
        temporary.write_bytes(data.encode() if isinstance(data, str) else data)


def config_dir() -> Path:
    """Return the folder `config/` with robots, stacks and calibration.

    `GENIMA_CONFIG` wins, then the source checkout, then the share folder that colcon installs.

    Raises:
        GenimaError: if no such folder exists.
    """
    candidates = [Path(os.environ['GENIMA_CONFIG'])] if 'GENIMA_CONFIG' in os.environ else []
    candidates.append(Path(__file__).resolve().parents[2] / 'config')
    prefixes = os.environ.get('AMENT_PREFIX_PATH', '').split(':')
    candidates += [Path(prefix) / 'share' / 'genima_bringup' / 'config' for prefix in prefixes if prefix]
    for candidate in candidates:
        if (candidate / 'robots').is_dir():
            return candidate
    looked = ', '.join(str(candidate) for candidate in candidates)
    raise GenimaError(f'no config folder with robots/ in it; looked in {looked}; set GENIMA_CONFIG to yours')
