# SPDX-License-Identifier: Apache-2.0
"""Single keys from a terminal. Ctrl-C still ends the program that the terminal belongs to."""

import contextlib
import os
import select
import sys
import termios
import threading
import time
import tty
from collections import deque

from genima.errors import GenimaError

POLL_S = 0.1


class Terminal:
    """Reads keys in a thread of its own; `close` puts the terminal back as it was.

    Args:
        path: Device, for example /dev/pts/3; empty: the one that this program was started in.

    Raises:
        GenimaError: if there is none.
    """

    def __init__(self, path: str) -> None:
        try:
            self._handle = os.open(path, os.O_RDWR | os.O_NOCTTY) if path else os.dup(sys.stdin.fileno())
            self._saved = termios.tcgetattr(self._handle)
            tty.setcbreak(self._handle)
        except (OSError, ValueError, termios.error) as error:
            raise GenimaError(
                f'no terminal to read keys from ({path or "standard input"}: {error}); run this node in a terminal of '
                'its own: python -m genima_ros.teleop_node, or ros2 run genima_ros teleop_node'
            ) from error
        self._keys: deque[tuple[str, float]] = deque()
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._read, name='keys', daemon=True)
        self._thread.start()

    def pressed(self) -> list[tuple[str, float]]:
        """Return the keys since the last call, each with the time at which it was pressed (monotonic) [s].

        Raises:
            GenimaError: if the terminal was closed.
        """
        if self._ended.is_set():
            raise GenimaError('the terminal was closed')
        return [self._keys.popleft() for _ in range(len(self._keys))]

    def write(self, text: str) -> None:
        """Show a text, if the terminal is still there."""
        with contextlib.suppress(OSError):
            os.write(self._handle, text.encode())

    def close(self) -> None:
        """Put the terminal back."""
        self._ended.set()
        self._thread.join()
        with contextlib.suppress(OSError, termios.error):
            termios.tcsetattr(self._handle, termios.TCSADRAIN, self._saved)
        os.close(self._handle)

    def _read(self) -> None:
        while not self._ended.is_set():
            if not select.select([self._handle], [], [], POLL_S)[0]:
                continue
            try:
                data = os.read(self._handle, 256)
            except OSError:
                data = b''
            if not data:
                self._ended.set()
            self._keys.extend((key, time.monotonic()) for key in data.decode(errors='ignore'))
