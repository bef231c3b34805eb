# SPDX-License-Identifier: Apache-2.0
"""The web server in a thread beside the node: one page, one websocket per browser, commands by POST."""

import asyncio
import json
import socket
import threading
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket

from genima.errors import GenimaError
from genima_ros.console.access import Access, Gate
from genima_ros.console.browser import Browser, Shared
from genima_ros.console.frames import FrameHub
from genima_ros.console.watch import Watch

PAGE = Path(__file__).parent / 'page'
TYPES = {'.html': 'text/html', '.css': 'text/css', '.js': 'text/javascript', '.svg': 'image/svg+xml'}
HEADERS = {
    'Content-Security-Policy': "default-src 'self'; img-src 'self' blob: data:; connect-src 'self' ws: wss:;"
    " frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
    'X-Content-Type-Options': 'nosniff',
    'Referrer-Policy': 'no-referrer',  # the token is in the address
    'Cache-Control': 'no-store',
}
MAX_BODY_BYTES = MAX_MESSAGE_BYTES = 65536
END_S = 0.5  # a node has 1.5 s in all
BACKLOG = 128

Command = Callable[[str, Mapping[str, Any]], Awaitable[dict[str, Any]]]
"""Takes a command and its values; returns `ok` and `text`."""


class ConsoleServer:
    """Serves the page. Use `publish` and `wake` from any thread.

    Args:
        access: host, and the token where one is needed.
        port: that is listened on; 0 takes a free one.
        command: does what the page asks for; called in the server's event loop.
        log: returns what has happened, for the page.
        hello: what a browser is told first.

    Raises:
        GenimaError: if the port cannot be had.
    """

    def __init__(
        self,
        access: Access,
        port: int,
        command: Command,
        log: Callable[[], list[dict[str, Any]]],
        hello: Mapping[str, Any],
        on_trouble: Callable[[str], None] = lambda reason: None,
    ) -> None:
        self._command, self._log = command, log
        self._loop: asyncio.AbstractEventLoop | None = None
        self.frames, self.watch = FrameHub(self.wake, on_trouble), Watch()
        self._shared = Shared(self.frames, self.watch, self._stop, json.dumps(hello, allow_nan=False))
        self._socket = _listen(access.host, port)
        self.port = int(self._socket.getsockname()[1])
        origin = access.public_origin or f'http://{_shown(access.host)}:{self.port}'
        self.address = f'{origin}{access.prefix}/'
        config = uvicorn.Config(
            Gate(self._application(), access), ws='websockets-sansio', ws_per_message_deflate=False,
            ws_max_size=MAX_MESSAGE_BYTES, lifespan='off', timeout_graceful_shutdown=1, server_header=False,
            log_config=None, log_level='warning', access_log=False,  # a line about a request would show the token
        )  # fmt: skip
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._run, name='web', daemon=True)
        self._thread.start()

    @property
    def browsers(self) -> int:
        """How many are connected."""
        return len(self._shared.browsers)

    def publish(self, status: Mapping[str, Any]) -> None:
        """Give a status to all browsers; it is turned into text once."""
        number = self._shared.status[0] + 1
        self._shared.status = number, json.dumps({'status': {'number': number, **status}}, allow_nan=False)
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
        for browser in self._shared.browsers:
            browser.wake()

    def _run(self) -> None:
        asyncio.run(self._serve())

    async def _serve(self) -> None:
        self._loop = asyncio.get_running_loop()
        await self._server.serve(sockets=[self._socket])

    async def _stop(self) -> dict[str, Any]:
        return await self._command('stop', {})

    def _application(self) -> Starlette:
        files = {path.name: path for path in PAGE.iterdir() if path.suffix in TYPES}
        if 'index.html' not in files:
            raise GenimaError(f'{PAGE} has no index.html: install genima_ros anew')
        return Starlette(
            routes=[
                Route('/', lambda request: _file(files['index.html'])),
                Route('/log', lambda request: JSONResponse(self._log(), headers=HEADERS)),
                Route('/command/{name}', self._on_command, methods=['POST']),
                WebSocketRoute('/stream', self._on_socket),
                *(Route(f'/{name}', lambda request, path=path: _file(path)) for name, path in files.items()),
            ]
        )

    async def _on_socket(self, websocket: WebSocket) -> None:
        await Browser(websocket, self._shared).serve()

    async def _on_command(self, request: Request) -> Response:
        body = b''
        async for part in request.stream():
            body += part
            if len(body) > MAX_BODY_BYTES:
                return JSONResponse({'ok': False, 'text': 'the request is too long'}, 413, HEADERS)
        try:
            values = json.loads(body or b'{}')
            if not isinstance(values, dict):
                raise ValueError('not an object')
        except ValueError:
            return JSONResponse({'ok': False, 'text': 'the request is not a JSON object'}, 400, HEADERS)
        return JSONResponse(await self._command(request.path_params['name'], values), headers=HEADERS)


def _file(path: Path) -> Response:
    return Response(path.read_bytes(), headers={**HEADERS, 'Content-Type': f'{TYPES[path.suffix]}; charset=utf-8'})


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
        listener.bind(address)
        listener.listen(BACKLOG)  # at once: two consoles on one port would share its browsers
    except OSError as error:
        raise GenimaError(f'port {port} of {host} cannot be used: {error}; choose another (parameter port)') from error
    return listener
