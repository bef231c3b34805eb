# SPDX-License-Identifier: Apache-2.0
"""What `auto` measured on a machine: kept beside the exports, or in the user's cache where those cannot be written to."""

import json
import os
import platform
from pathlib import Path
from typing import Any

from genima.backends.exported import MANIFEST, Exports, sha256, versions
from genima.backends.runners import BACK_ENDS, TORCH
from genima.borders.files import inside
from genima.borders.texts import read_json
from genima.errors import BorderError
from genima.files import write_atomic

FILE_NAME = 'auto.json'
_MOST_MACHINES = 64


def recall(exports: Exports, threads: int) -> str | None:
    """Return the back end that was the fastest on this machine, None if that was never measured.

    Args:
        exports: They count as others once they are exported again.
        threads: CPU threads that it was measured with.
    """
    key = _machine(threads)
    for path in _places(exports):
        entry = _read(path).get(key)
        name = entry.get('back_end') if isinstance(entry, dict) else None
        if name == TORCH or (isinstance(name, str) and name in BACK_ENDS):
            return name
    return None


def remember(exports: Exports, threads: int, name: str, milliseconds: dict[str, float]) -> Path | str:
    """Keep which back end was the fastest; return where, or that it could not be kept."""
    for path in _places(exports):
        values = dict(list(_read(path).items())[1 - _MOST_MACHINES :])
        values[_machine(threads)] = {'back_end': name, 'milliseconds': milliseconds}
        try:
            write_atomic(path, json.dumps(values, indent=1) + '\n')
        except OSError:
            continue
        return path
    return 'no file (nothing here can be written to)'


def _places(exports: Exports) -> list[Path]:
    """Return the file beside the exports and the one in the user's cache, in the order in which they are tried."""
    cache = Path(os.environ.get('XDG_CACHE_HOME') or Path(os.path.expanduser('~')) / '.cache')
    manifest = sha256(exports.directory / MANIFEST)
    return [exports.directory / FILE_NAME, cache / 'genima' / 'backends' / f'{manifest[:32]}.json']


def _read(path: Path) -> dict[str, Any]:
    """Return what was kept; a file that is damaged counts as none: it is measured again."""
    try:
        values = read_json(inside(path.parent, path))
    except BorderError:
        return {}
    return values if isinstance(values, dict) else {}


def _machine(threads: int) -> str:
    """Return what a measurement holds for: processor, threads, versions."""
    packages = ' '.join(f'{name} {text}' for name, text in versions().items())
    return f'{_processor()}, {os.cpu_count()} CPUs, {threads} threads, {packages}'


def _processor() -> str:
    try:
        lines = Path('/proc/cpuinfo').read_text().splitlines()
    except OSError:
        lines = []
    names = [line.partition(':')[2].strip() for line in lines if line.startswith('model name')]
    return names[0] if names else platform.processor() or platform.machine()
