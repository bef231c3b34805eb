# SPDX-License-Identifier: Apache-2.0
"""Serves a policy over a websocket: MessagePack in, MessagePack out, one question at a time.

A page in a browser is refused by its Origin; a network address needs a token. What is wrong with a question is told to the
client, and the connection goes on.
"""

import hmac
import logging
import threading
import time
from http import HTTPStatus
from typing import Any

import numpy as np
from websockets.datastructures import Headers
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response
from websockets.sync.server import Server, ServerConnection, serve

from genima import __version__
from genima.chunks.plan import Chunk
from genima.errors import GenimaError
from genima.policy.protocols import Policy
from genima.policy.questions import MAX_IMAGE_PX, openpi_question, question_of
from genima_client.wire import PROTOCOL, WireError, pack, unpack

LOOPBACK = ('127.0.0.1', '::1', 'localhost')
MAX_CLIENTS = 8
HANDSHAKE_S = 5.0
IDLE_S = 20.0  # a client that does not answer a ping for so long is gone
MAX_BYTES = 6 * 3 * MAX_IMAGE_PX**2 + 65536
BUSY = 1013  # "try again later", RFC 6455's registry


class PolicyServer:
    """A policy at an address.

    Attributes:
        port: Where it listens, also when 0 was asked for.
    """

    def __init__(self, policy: Policy, host: str = '127.0.0.1', port: int = 8700, token: str = '') -> None:
        """Listen; `serve_forever` answers.

        Raises:
            GenimaError: if a network address is given without a token, or the port is taken.
        """
        if host not in LOOPBACK and not token:
            raise GenimaError(f'host {host} is open to the network, which needs a token: give --token, or use an ssh tunnel')
        self._policy, self._token = policy, token
        self._metadata = pack(_metadata(policy))
        self._asking, self._clients = threading.Lock(), threading.BoundedSemaphore(MAX_CLIENTS)
        quiet = logging.getLogger('genima.policy.server')
        quiet.addHandler(logging.NullHandler())
        quiet.propagate = False  # broken handshakes of strangers would fill the log
        try:
            self._server: Server = serve(
                self._serve, host, port, origins=[None], compression=None, process_request=self._admit, max_size=MAX_BYTES,
                open_timeout=HANDSHAKE_S, ping_interval=IDLE_S, ping_timeout=IDLE_S, close_timeout=1.0, logger=quiet,
                server_header=None,
            )  # fmt: skip
        except OSError as error:
            raise GenimaError(f'cannot listen on {host}:{port}: {error}; choose another --port') from error
        self.port = int(self._server.socket.getsockname()[1])

    def serve_forever(self) -> None:
        """Answer until `close` is called."""
        self._server.serve_forever()

    def close(self) -> None:
        """End; clients see a lost connection."""
        self._server.shutdown()

    def _admit(self, connection: ServerConnection, request: Request) -> Response | None:
        if not self._token:
            return None
        given = request.headers.get('Authorization', '')
        kind, _, token = given.partition(' ')
        if kind in ('Bearer', 'Api-Key') and hmac.compare_digest(token.encode(), self._token.encode()):
            return None
        return Response(HTTPStatus.UNAUTHORIZED, 'Unauthorized', Headers(), b'this server needs its token\n')

    def _serve(self, connection: ServerConnection) -> None:
        if not self._clients.acquire(blocking=False):
            connection.close(BUSY, f'{MAX_CLIENTS} clients are connected')
            return
        try:
            connection.send(self._metadata)
            for data in connection:
                connection.send(self._answer(data))
        except ConnectionClosed:
            pass
        finally:
            self._clients.release()

    def _answer(self, data: str | bytes) -> bytes | str:
        received_s, ours = time.time(), True
        try:
            if isinstance(data, str):
                raise WireError('got text, allowed: MessagePack')
            message = unpack(data, MAX_BYTES)
            ours = 'type' in message
            return self._ours(message, received_s) if ours else self._openpi(message, received_s)
        except (GenimaError, WireError) as error:
            text = str(error)
        except Exception as error:  # of a policy that is not ours; the next question may go well
            text = f'the policy failed: {type(error).__name__}: {error}'
        # openpi's client takes text for an error
        return (
            pack({'type': 'error', 'text': text[:2000], 'received_s': received_s, 'replied_s': time.time()})
            if ours
            else text
        )

    def _ours(self, message: dict[Any, Any], received_s: float) -> bytes:
        kind = message['type']
        if kind == 'reset':
            with self._asking:
                self._policy.reset()
            return pack({'type': 'reset', 'received_s': received_s, 'replied_s': time.time()})
        if kind != 'infer':
            raise WireError(f'type: got {kind!r:.50}, allowed: infer, reset')
        question = question_of(message, self._policy.spec)
        with self._asking:
            chunk = self._policy.infer(question.observation, question.instruction)
            targets = self._policy.targets if question.want_targets else None
        answer: dict[str, Any] = {
            'type': 'chunk', 'contract': self._policy.spec.hash(), 'q_rad': chunk.q_rad, 'gripper_open': chunk.gripper_open,
            'stamp_s': chunk.stamp_s, 'dt_s': chunk.dt_s, 'received_s': received_s, 'replied_s': time.time(),
        }  # fmt: skip
        return pack(answer if targets is None else {**answer, 'targets': targets})

    def _openpi(self, message: dict[Any, Any], received_s: float) -> bytes:
        question = openpi_question(message, self._policy.spec)
        with self._asking:
            chunk = self._policy.infer(question.observation, question.instruction)
        return pack({'actions': _actions(chunk), 'server_timing': {'infer_ms': 1e3 * (time.time() - received_s)}})


def _actions(chunk: Chunk) -> np.ndarray:
    """Return joints and gripper opening as one array (T, n + 1)."""
    return np.column_stack([chunk.q_rad, chunk.gripper_open])


def _metadata(policy: Policy) -> dict[str, Any]:
    return {
        'protocol': PROTOCOL,
        'server': f'genima {__version__}',
        'contract': policy.spec.hash(),
        'policy': policy.spec.to_dict(),
    }
