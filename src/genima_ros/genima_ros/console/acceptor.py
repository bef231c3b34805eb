# SPDX-License-Identifier: Apache-2.0
"""Takes connections off a listening socket, a few at a time, and rests where the system has no more to give.

asyncio's own servers take as many at once as wait, before any of them is served, and complain about each that they cannot
have.
"""

import asyncio
import socket
from collections.abc import Callable

BATCH = 64
REST_S = 0.2


class Acceptor:
    """Use it in the thread of the event loop.

    Args:
        listener: does not block.
        welcome: is given each connection and the address that it comes from.
        on_trouble: is told why none can be taken.
    """

    def __init__(
        self,
        listener: socket.socket,
        welcome: Callable[[socket.socket, str], None],
        on_trouble: Callable[[str], None],
    ) -> None:
        self._listener, self._welcome, self._on_trouble = listener, welcome, on_trouble
        self._loop = asyncio.get_running_loop()
        self._rest: asyncio.TimerHandle | None = None
        self._begin()

    def close(self) -> None:
        """Take no more."""
        self._loop.remove_reader(self._listener)
        if self._rest is not None:
            self._rest.cancel()

    def _begin(self) -> None:
        self._rest = None
        self._loop.add_reader(self._listener, self._accept)

    def _accept(self) -> None:
        for _ in range(BATCH):
            try:
                connection, address = self._listener.accept()
            except (BlockingIOError, InterruptedError, ConnectionAbortedError):
                return
            except OSError as error:  # no descriptor or no memory: what waits stays in the system's queue
                self._loop.remove_reader(self._listener)
                self._rest = self._loop.call_later(REST_S, self._begin)
                self._on_trouble(f'no connection can be taken: {error}; raise `ulimit -n`')
                return
            connection.setblocking(False)
            self._welcome(connection, str(address[0]))
