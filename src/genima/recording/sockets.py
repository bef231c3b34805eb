# SPDX-License-Identifier: Apache-2.0
"""Packets that the kernel dropped because nobody took them in time: what no middleware counts on every system."""

import os
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

_TABLES = ('udp', 'udp6')
_INODE, _DROPS = 9, 12  # columns of /proc/net/udp, see udp(7) and proc(5)


class DroppedPackets:
    """Counts what the UDP sockets of this process lost since `begin`, as their receive buffers were full.

    A best effort message whose packet was dropped never comes; a reliable one is sent again. Packets that were lost
    before they reached this computer are not among them.

    Args:
        process: Folder of the process in /proc.
    """

    def __init__(self, process: Path = Path('/proc/self')) -> None:
        self._process = process
        self.begin()

    def begin(self) -> None:
        """Count from now on."""
        self._count = 0
        self._seen = self._read()

    @property
    def count(self) -> int:
        """Packets since `begin`; 0 where the system does not tell (other than Linux)."""
        now = self._read()
        self._count += sum(max(0, drops - self._seen.get(inode, 0)) for inode, drops in now.items())
        self._seen = now
        return self._count

    def _read(self) -> dict[str, int]:
        """Return the drops of each socket by its inode."""
        own = self._sockets()
        drops: dict[str, int] = {}
        for name in _TABLES:
            with suppress(OSError):
                drops.update(_rows((self._process / 'net' / name).read_text().splitlines()[1:], own))
        return drops

    def _sockets(self) -> set[str]:
        inodes: set[str] = set()
        with suppress(OSError):
            for handle in os.listdir(self._process / 'fd'):
                with suppress(OSError):  # it was closed since
                    target = os.readlink(self._process / 'fd' / handle)
                    inodes.update({target[8:-1]} if target.startswith('socket:[') else ())
        return inodes


def _rows(lines: Iterable[str], own: set[str]) -> dict[str, int]:
    rows = (line.split() for line in lines)
    return {row[_INODE]: int(row[_DROPS]) for row in rows if len(row) > _DROPS and row[_INODE] in own}
