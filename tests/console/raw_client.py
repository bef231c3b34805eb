# SPDX-License-Identifier: Apache-2.0
"""Bytes to and from a console, without a library that would keep the rules."""

import contextlib
import socket
from collections.abc import Iterator
from itertools import count

from console_rig import Rig


@contextlib.contextmanager
def connected(rig: Rig, data: bytes = b'', receive_bytes: int | None = None) -> Iterator[socket.socket]:
    """Give a connection that has sent `data`; `receive_bytes` makes its buffer small."""
    connection = socket.socket()
    if receive_bytes is not None:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_bytes)
    connection.settimeout(10.0)
    connection.connect(('127.0.0.1', rig.server.port))
    with connection:
        connection.sendall(data)
        yield connection


def head(rig: Rig, method: str, path: str, **headers: str) -> bytes:
    """Return the head of a request of the console's own page."""
    given = {'Host': f'127.0.0.1:{rig.server.port}', 'Origin': rig.origin, **headers}
    lines = [f'{method} {path} HTTP/1.1', *(f'{name.replace("_", "-")}: {value}' for name, value in given.items())]
    return '\r\n'.join([*lines, '', '']).encode('latin-1')


def upgrade(rig: Rig, path: str = '/stream', **headers: str) -> bytes:
    """Return the handshake of a websocket."""
    key = {'Sec_WebSocket_Key': 'dGhlIHNhbXBsZSBub25jZQ==', 'Sec_WebSocket_Version': '13'}
    return head(rig, 'GET', path, Connection='Upgrade', Upgrade='websocket', **key, **headers)


def frame(payload: bytes, opcode: int = 1, last: bool = True) -> bytes:
    """Return a frame as a client sends it, masked with zeros."""
    size = len(payload)
    length = bytes([0x80 | size]) if size < 126 else b'\xfe' + size.to_bytes(2, 'big')
    return bytes([(0x80 if last else 0) | opcode]) + length + bytes(4) + payload


def rest(connection: socket.socket, most: int = 10_000_000) -> bytes:
    """Return what comes until the other side ends the connection."""
    data = b''
    for _ in count():
        try:
            part = connection.recv(65536)
        except ConnectionError:
            return data
        data += part
        if not part or len(data) > most:
            return data
    return data


def status(connection: socket.socket) -> int:
    """Return the status of the answer that begins now; 0 where there is none."""
    try:
        data = connection.recv(65536)
    except ConnectionError:
        return 0
    return int(data.split()[1]) if data.startswith(b'HTTP/1.1 ') else 0
