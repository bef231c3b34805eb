# SPDX-License-Identifier: Apache-2.0
"""The web server in a thread beside the node: its socket, its connections and their end."""

import asyncio
import contextlib
import socket
import threading
from collections.abc import Callable, Mapping
from typing import Any

import uvicorn

from genima.errors import GenimaError
from genima_ros.console.acceptor import Acceptor
from genima_ros.console.access import Access, Gate
from genima_ros.console.application import Application
from genima_ros.console.browser import Shared, status_text
from genima_ros.console.calls import Calls, Command
from genima_ros.console.connections import HEAD_S, MAX_HEAD_BYTES, Stream, Visit, protocol
from genima_ros.console.descriptors import affordable
from genima_ros.console.frames import FrameHub
from genima_ros.console.lobby import Lobby
from genima_ros.console.places import Places, Visitor
from genima_ros.console.trouble import TroubleHandler
from genima_ros.console.watch import Watch

MAX_CONNECTIONS = 512  # half of them pages
KEPT_PAGES = 8
MAX_MESSAGE_BYTES = 16384
END_S = 0.5  # a node has 1.5 s in all
SWEEP_S = 0.25
BACKLOG = 4096  # where this overflows, a client waits a second for its next try
SEND_BYTES = 262144  # that the system keeps for a client that does not read; by itself it would keep megabytes

Trouble = Callable[[str, str], None]
"""Is told of something that is wrong: its kind, by which it is counted, and a sentence."""


class ConsoleServer:
    """Serves the page. Use `publish` and `wake` from any thread.

    Args:
        access: host, and the token where one is needed.
        port: that is listened on; 0 takes a free one.
        command: does what the page asks for; called in the server's event loop.
        log: returns what has happened, for the page.
        hello: what a browser is told first.
        on_trouble: is told what is wrong, in any thread.
        watch_to_arm: whether only a page that holds the watch may arm.
        max_connections: at most; fewer where the system allows fewer.

    Raises:
        GenimaError: if the port cannot be had, or too few connections.
    """

    def __init__(
        self,
        access: Access,
        port: int,
        command: Command,
        log: Callable[[], list[dict[str, Any]]],
        hello: Mapping[str, Any],
        on_trouble: Trouble = lambda kind, text: None,
        watch_to_arm: bool = False,
        max_connections: int = MAX_CONNECTIONS,
    ) -> None:
        self._on_trouble = on_trouble
        self._loop: asyncio.AbstractEventLoop | None = None
        self.frames, self.watch = FrameHub(self.wake, lambda reason: on_trouble('image', f'no image: {reason}')), Watch()
        calls = Calls(command)
        self._shared = Shared(self.frames, self.watch, calls.stop, dict(hello))
        application = Application(self._shared, calls, log, watch_to_arm)
        half = affordable(max_connections) // 2
        self._places = Places(half, half, min(KEPT_PAGES, half // 2))
        self._socket = _listen(access.host, port)
        self.port = int(self._socket.getsockname()[1])
        origin = access.public_origin or f'http://{_shown(access.host)}:{self.port}'
        self.address = f'{origin}{access.prefix}/'
        self._config = uvicorn.Config(
            Gate(application.starlette, access), http=Visit, ws=Stream, ws_per_message_deflate=False, ws_ping_interval=None,
            ws_max_size=MAX_MESSAGE_BYTES, h11_max_incomplete_event_size=MAX_HEAD_BYTES, timeout_keep_alive=int(HEAD_S),
            lifespan='off', timeout_graceful_shutdown=1, server_header=False, proxy_headers=False,
            log_config=None, log_level='warning', access_log=False,  # a line about a request would show the token
        )  # fmt: skip
        self._trouble = TroubleHandler(lambda text: on_trouble('web', f'web server: {text}'))
        self._server = uvicorn.Server(self._config)
        self._opening: set[asyncio.Task[Any]] = set()
        self._thread = threading.Thread(target=self._run, name='web', daemon=True)
        self._thread.start()

    @property
    def browsers(self) -> int:
        """How many are connected."""
        return len(self._shared.browsers)

    def publish(self, status: Mapping[str, Any]) -> None:
        """Give a status to all browsers; it is turned into text once."""
        number = self._shared.status[0] + 1
        self._shared.status = number, status_text(number, status)
        self.wake()

    def wake(self) -> None:
        """Let every browser look for what is new."""
        if self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._wake_all)

    def close(self) -> None:
        """End the server."""
        self._server.should_exit = True
        self._thread.join(END_S)
        self.frames.close()
        self._socket.close()

    def _wake_all(self) -> None:
        for browser in self._shared.browsers.values():
            browser.wake()

    def _run(self) -> None:
        self._trouble.begin()
        try:
            asyncio.run(self._serve())
        finally:
            self._trouble.end()

    async def _serve(self) -> None:
        self._loop = asyncio.get_running_loop()
        lobby = Lobby(self._places, self._open)
        acceptor = Acceptor(self._socket, lobby.welcome, lambda text: self._on_trouble('connections', text))
        sweeping = asyncio.create_task(self._sweep())
        try:
            await self._server.serve(sockets=[])  # uvicorn's own would take connections without end
        finally:
            acceptor.close()
            sweeping.cancel()
            self._places.empty()

    async def _sweep(self) -> None:
        while True:
            await asyncio.sleep(SWEEP_S)
            self._places.sweep()

    def _open(self, connection: socket.socket, visitor: Visitor, first: bytes) -> None:
        task = asyncio.ensure_future(self._talk(connection, visitor, first))
        self._opening.add(task)
        task.add_done_callback(self._opening.discard)

    async def _talk(self, connection: socket.socket, visitor: Visitor, first: bytes) -> None:
        make = lambda: protocol(self._config, self._server.server_state, visitor, first)  # noqa: E731
        try:
            await asyncio.get_running_loop().connect_accepted_socket(make, connection)
        except OSError:  # gone already
            visitor.leave()
            with contextlib.suppress(OSError):
                connection.close()


def _shown(host: str) -> str:
    """Return a host as it stands in an address; where all are listened on, the name of this computer."""
    if host in ('0.0.0.0', '::'):
        return socket.gethostname()
    return f'[{host}]' if ':' in host else host


def _listen(host: str, port: int) -> socket.socket:
    try:
        family, kind, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        listener = socket.socket(family, kind)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BYTES)
        listener.bind(address)
        listener.listen(BACKLOG)  # at once: two consoles on one port would share its browsers
        listener.setblocking(False)
    except OSError as error:
        raise GenimaError(f'port {port} of {host} cannot be used: {error}; choose another (parameter port)') from error
    return listener
