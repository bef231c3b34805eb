# SPDX-License-Identifier: Apache-2.0
"""What is answered under which path: the page and its files, the log, commands by POST, one websocket for each browser."""

import asyncio
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket

from genima.errors import GenimaError
from genima_ros.console.browser import Browser, Shared
from genima_ros.console.calls import Calls
from genima_ros.console.commands import fields_of
from genima_ros.console.requests import RequestError, read_object, read_values

PAGE = Path(__file__).parent / 'page'
TYPES = {'.html': 'text/html', '.css': 'text/css', '.js': 'text/javascript', '.svg': 'image/svg+xml'}
HEADERS = {
    'Content-Security-Policy': "default-src 'self'; img-src 'self' blob: data:; connect-src 'self' ws: wss:;"
    " frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
    'X-Content-Type-Options': 'nosniff',
    'Referrer-Policy': 'no-referrer',  # the token is in the address
    'Cache-Control': 'no-store',
}
MAX_BODY_BYTES = 65536
BODY_S = 5.0


class Application:
    """Answers requests in the server's event loop.

    Args:
        shared: what browsers share.
        calls: commands under way.
        log: returns what has happened, for the page.
        watch_to_arm: whether the arm is armed only by a page that holds the watch.

    Raises:
        GenimaError: if the page was not installed.
    """

    def __init__(
        self, shared: Shared, calls: Calls, log: Callable[[], list[dict[str, Any]]], watch_to_arm: bool
    ) -> None:
        self._shared, self._calls, self._log, self._watch_to_arm = shared, calls, log, watch_to_arm
        files = {path.name: path for path in PAGE.iterdir() if path.suffix in TYPES}
        if 'index.html' not in files:
            raise GenimaError(f'{PAGE} has no index.html: install genima_ros anew')
        # read once: a request needs no file descriptor then
        answers = {name: (path.read_bytes(), f'{TYPES[path.suffix]}; charset=utf-8') for name, path in files.items()}
        self.starlette = Starlette(
            routes=[
                Route('/', lambda request: _answer(*answers['index.html'])),
                Route('/log', lambda request: _json(self._log())),
                Route('/command/stop', self._on_stop, methods=['POST']),
                Route('/command/{name}', self._on_command, methods=['POST']),
                WebSocketRoute('/stream', self._on_socket),
                *(Route(f'/{name}', lambda request, each=each: _answer(*each)) for name, each in answers.items()),
            ]
        )
        self.starlette.router.redirect_slashes = False  # it would leave the token out

    async def _on_socket(self, websocket: WebSocket) -> None:
        await Browser(websocket, self._shared).serve()

    async def _on_stop(self, request: Request) -> Response:
        return _json(await self._calls.stop())  # whatever the body is, and whether it ever comes

    async def _on_command(self, request: Request) -> Response:
        name = request.path_params['name']
        try:
            fields = fields_of(name)
            values = read_values(fields, read_object(await _body(request)))
            if name == 'arm':
                self._check_watch(values.pop('page'))
            return _json(await self._calls.run(name, values))
        except RequestError as error:
            return _json({'ok': False, 'text': str(error)}, error.status)
        except ClientDisconnect:
            return Response(status_code=400)  # nobody reads it

    def _check_watch(self, key: str) -> None:
        """Raise a RequestError unless the page of this key may arm."""
        if self._watch_to_arm and not self._shared.watch.held_by(key):
            raise RequestError('hold the watch first: with deadman:=true, the page that arms holds it', 409)


async def _body(request: Request) -> bytes:
    """Return the body.

    Raises:
        RequestError: if it is too long, or does not come.
    """
    too_long = RequestError(f'the request is too long: allowed are {MAX_BODY_BYTES} bytes', 413)
    if int(request.headers.get('content-length', '0')) > MAX_BODY_BYTES:
        raise too_long  # before anybody is asked to send it
    body = bytearray()

    async def read() -> None:
        async for part in request.stream():
            body.extend(part)
            if len(body) > MAX_BODY_BYTES:
                raise too_long

    try:
        await asyncio.wait_for(read(), BODY_S)
    except asyncio.TimeoutError as error:
        raise RequestError(f'the rest of the request did not come within {BODY_S:.0f} s', 408) from error
    return bytes(body)


def _json(values: Any, status: int = 200) -> Response:
    return _answer(json.dumps(values, allow_nan=False).encode(), 'application/json', status)


def _answer(body: bytes, content_type: str, status: int = 200) -> Response:
    return Response(body, status, {**HEADERS, 'Content-Type': content_type})
