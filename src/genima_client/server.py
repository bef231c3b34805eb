# SPDX-License-Identifier: Apache-2.0
"""The listening side of the wire, for a policy and for a simulator.

A page in a browser is refused by its Origin; a network address needs a token.
"""

from __future__ import annotations

import hmac
import logging
import threading
from collections.abc import Callable
from http import HTTPStatus
from typing import Any

from websockets.datastructures import Headers
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response
from websockets.sync.server import serve

from genima_client.connection import ServerError

LOOPBACK = ('127.0.0.1', '::1', 'localhost')
HANDSHAKE_S = 5.0
LEAVING_S = 0.5  # a client that has just said good-bye may still be on its way out
BUSY = 1013  # "try again later", RFC 6455's registry


class Server:
    """Greets each client, then has every frame answered.

    Attributes:
        port: Where it listens, also when 0 was asked for.
    """

    def __init__(
        self,
        greeting: bytes,
        answer: Callable[[str | bytes], bytes | str],
        host: str,
        port: int,
        token: str,
        most_clients: int,
        max_bytes: int,
        **options: Any,
    ) -> None:
        """Listen; `serve_forever` answers.

        Args:
            greeting: What a client gets at once.
            answer: Frame to frame; called in the thread of the client, raises nothing.
            host: Address to listen on; any but loopback needs a token.
            port: 0 takes a free one.
            token: What clients must show; empty: nothing.
            most_clients: At a time; others are told to come later.
            max_bytes: Of a frame.
            options: Of `websockets.sync.server.serve`.

        Raises:
            ServerError: if a network address is given without a token, or the port is taken.
        """
        if host not in LOOPBACK and not token:
            raise ServerError(f'host {host} is open to the network, which needs a token: give --token, or use an ssh tunnel')
        self._greeting, self._answer, self._token = greeting, answer, token
        self._most, self._places = most_clients, threading.BoundedSemaphore(most_clients)
        quiet = logging.getLogger('genima_client.server')
        quiet.addHandler(logging.NullHandler())
        quiet.propagate = False  # broken handshakes of strangers would fill the log
        try:
            self._server = serve(
                self._serve, host, port, origins=[None], compression=None, process_request=self._admit, max_size=max_bytes,
                open_timeout=HANDSHAKE_S, close_timeout=1.0, logger=quiet, server_header=None, **options,
            )  # fmt: skip
        except OSError as error:
            raise ServerError(f'cannot listen on {host}:{port}: {error}; choose another --port') from error
        self.port = int(self._server.socket.getsockname()[1])

    def serve_forever(self) -> None:
        """Answer until `close` is called."""
        self._server.serve_forever()

    def close(self) -> None:
        """End; clients see a lost connection."""
        self._server.shutdown()

    def _admit(self, connection: Any, request: Request) -> Response | None:
        if not self._token:
            return None
        given = request.headers.get('Authorization', '')
        kind, _, token = given.partition(' ')
        if kind in ('Bearer', 'Api-Key') and hmac.compare_digest(token.encode(), self._token.encode()):
            return None
        return Response(HTTPStatus.UNAUTHORIZED, 'Unauthorized', Headers(), b'this server needs its token\n')

    def _serve(self, connection: Any) -> None:
        if not self._places.acquire(timeout=LEAVING_S):
            connection.close(BUSY, f'all {self._most} places for clients are taken')
            return
        try:
            connection.send(self._greeting)
            for data in connection:
                connection.send(self._answer(data))
        except ConnectionClosed:
            pass
        finally:
            self._places.release()
