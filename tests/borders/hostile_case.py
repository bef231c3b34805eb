# SPDX-License-Identifier: Apache-2.0
"""What a hostile file is: how it is made in an empty folder, and the command that is to refuse it."""

import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Good:
    """Folders of what is right, to make the wrong from; and one with a file that nothing may open."""

    native: Path
    lerobot: Path
    rlds: Path
    bag: Path
    policy: Path
    canary: Path

    @property
    def secret(self) -> Path:
        return self.canary / 'secret'


Make = Callable[[Path, Good], list[str]]
CASES: dict[str, Make] = {}


def case(make: Make) -> Make:
    """Take a function as a case; it makes files in a folder and returns the arguments of `genima`."""
    assert make.__name__ not in CASES
    CASES[make.__name__] = make
    return make


def copied(source: Path, target: Path) -> Path:
    """Copy a folder without taking its dates and rights."""
    shutil.copytree(source, target, copy_function=shutil.copyfile)
    return target


def pipe(path: Path) -> Path:
    """Put a named pipe, of which reading never begins, where a file was."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.unlink(missing_ok=True)
    os.mkfifo(path)
    return path


def link(path: Path, target: Path) -> Path:
    """Put a symbolic link where a file was."""
    path.unlink(missing_ok=True)
    path.symlink_to(target)
    return path


def verify(folder: Path) -> list[str]:
    return ['dataset', 'verify', str(folder)]


def convert(source: Path, *options: str, to: str = 'hdf5') -> list[str]:
    return ['dataset', 'convert', str(source), str(source.parent / 'converted'), '--to', to, *options]
