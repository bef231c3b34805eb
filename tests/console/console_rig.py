# SPDX-License-Identifier: Apache-2.0
"""A console without a robot, and what a browser does."""

import json
import struct
import time
from collections.abc import Callable, Mapping
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import numpy as np
from genima_ros.console.access import Access
from genima_ros.console.server import ConsoleServer
from websockets.sync.client import ClientConnection, connect

PIXELS = np.zeros((24, 32, 3), dtype=np.uint8)


class Rig:
    """A console without a robot."""

    def __init__(self, access: Access, **options: Any) -> None:
        self.asked: list[tuple[str, dict[str, Any]]] = []
        self.troubles: list[tuple[str, str]] = []
        self.answer = {'ok': True, 'text': 'stopped: by service'}
        log, hello = lambda: [{'text': 'armed'}], {'robot': 'panda'}
        complain = lambda kind, text: self.troubles.append((kind, text))  # noqa: E731
        self.server = ConsoleServer(access, 0, self.command, log, hello, complain, **options)
        self.origin = f'http://127.0.0.1:{self.server.port}'
        self.base = f'{self.origin}{access.prefix}'

    async def command(self, name: str, values: Mapping[str, Any]) -> dict[str, Any]:
        self.asked.append((name, dict(values)))
        return self.answer

    def request(self, path: str, method: str = 'GET', data: bytes | None = None, **headers: str) -> tuple[int, bytes, Any]:
        try:
            with urlopen(Request(self.base + path, data, headers, method=method), timeout=5.0) as response:
                return response.status, response.read(), response.headers
        except HTTPError as error:
            return error.code, error.read(), error.headers

    def browser(self, path: str = '', **options: Any) -> ClientConnection:
        address = f'{self.base.replace("http", "ws")}/stream{path}'
        return connect(address, **{'origin': self.origin, 'compression': None, **options})

    def picture(self) -> None:
        """Offer one picture of the front camera, and wait until it is there."""
        before = self.server.frames.encoded
        end_s = time.monotonic() + 5.0
        while self.server.frames.encoded == before:
            assert time.monotonic() < end_s
            self.server.frames.offer('camera/front', time.monotonic(), lambda: PIXELS)
            time.sleep(0.02)


def receive(socket: ClientConnection, wanted: Callable[[Any], Any], timeout_s: float = 5.0) -> Any:
    """Return the first wanted value of the messages: dictionaries, or headers of bundles with their number."""
    end_s = time.monotonic() + timeout_s
    while True:
        message = socket.recv(max(0.0, end_s - time.monotonic()))
        if isinstance(message, bytes):
            (length,) = struct.unpack_from('<I', message)
            values = json.loads(message[4 : 4 + length])
            assert len(message) == 4 + length + sum(picture['bytes'] for picture in values['pictures'])
        else:
            values = json.loads(message)
        if (found := wanted(values)) is not None:
            return found


def say(socket: ClientConnection, **message: Any) -> None:
    socket.send(json.dumps(message))


def until(condition: Callable[[], object], timeout_s: float = 5.0) -> None:
    end_s = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < end_s
        time.sleep(0.01)
