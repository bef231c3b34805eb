# SPDX-License-Identifier: Apache-2.0
"""Folders that are numbered as they come: `episode_000012`, `failure_000003`."""

import re
from pathlib import Path


def numbered_name(kind: str, number: int) -> str:
    """Return the name of the folder with a number."""
    return f'{kind}_{number:06d}'


def list_numbered(directory: Path | str, kind: str) -> dict[int, Path]:
    """Return the folders of a kind by number, lowest first; other names are passed over."""
    name = re.compile(rf'{kind}_(\d{{6,}})')
    paths = [path for path in Path(directory).glob(f'{kind}_*') if path.is_dir()]
    found = {int(match[1]): path for path in paths if (match := name.fullmatch(path.name))}
    return dict(sorted(found.items()))


def next_number(directory: Path | str, kind: str) -> int:
    """Return the number after the highest one in a folder; 0 where there is none yet."""
    return max(list_numbered(directory, kind), default=-1) + 1
