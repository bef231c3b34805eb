# SPDX-License-Identifier: Apache-2.0
"""Where connections wait until the head of their first request is whole: it costs little to come in, and to be sent away."""

import asyncio
import socket
from collections.abc import Callable
from contextlib import suppress

from genima_ros.console.connections import HEAD_S, MAX_HEAD_BYTES, REQUEST
from genima_ros.console.places import Places, Visitor, address_group

ENDS = (b'\n\r\n', b'\n\n')  # of a head
LETTERS = range(ord('A'), ord('Z') + 1)  # with which a method begins


class Lobby:
    """Use it in the thread of the event loop.

    Args:
        places: who may stay.
        serve: is given each connection that has asked for something, its visitor, and what it has sent.
    """

    def __init__(self, places: Places, serve: Callable[[socket.socket, Visitor, bytes], None]) -> None:
        self._places, self._serve = places, serve
        self._loop = asyncio.get_running_loop()

    def welcome(self, connection: socket.socket, address: str) -> None:
        """Take a new connection in, at the cost of another where there is no place."""
        visitor = self._places.enter(address_group(address))
        if visitor is None:
            connection.close()
            return
        visitor.cut = lambda: self._let_go(connection)
        visitor.allow(REQUEST, HEAD_S)
        self._loop.add_reader(connection, self._read, connection, visitor, bytearray())

    def _read(self, connection: socket.socket, visitor: Visitor, head: bytearray) -> None:
        data = b''
        with suppress(OSError):
            data = connection.recv(MAX_HEAD_BYTES)
        if not data:
            visitor.end()
            return
        head += data
        whole = any(end in head for end in ENDS) or len(head) > MAX_HEAD_BYTES
        if whole or head[0] not in LETTERS:
            self._loop.remove_reader(connection)
            visitor.cut = None
            self._serve(connection, visitor, bytes(head))

    def _let_go(self, connection: socket.socket) -> None:
        self._loop.remove_reader(connection)
        connection.close()
