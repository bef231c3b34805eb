# SPDX-License-Identifier: Apache-2.0
"""Serves a policy over a websocket: MessagePack in, MessagePack out, one question at a time.

What is wrong with a question is told to the client, and the connection goes on.
"""

import threading
import time
from typing import Any

import numpy as np

from genima import __version__
from genima.chunks.plan import Chunk
from genima.errors import GenimaError
from genima.policy.protocols import Policy
from genima.policy.questions import MAX_IMAGE_PX, openpi_question, question_of
from genima_client.connection import ServerError
from genima_client.server import Server
from genima_client.wire import PROTOCOL, WireError, pack, unpack

MAX_CLIENTS = 8
IDLE_S = 20.0  # a client that does not answer a ping for so long is gone
MAX_BYTES = 6 * 3 * MAX_IMAGE_PX**2 + 65536


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
        self._policy, self._asking = policy, threading.Lock()
        try:
            self._server = Server(
                pack(_metadata(policy)), self._answer, host, port, token, MAX_CLIENTS, MAX_BYTES,
                ping_interval=IDLE_S, ping_timeout=IDLE_S,
            )  # fmt: skip
        except ServerError as error:
            raise GenimaError(str(error)) from error
        self.port = self._server.port

    def serve_forever(self) -> None:
        """Answer until `close` is called."""
        self._server.serve_forever()

    def close(self) -> None:
        """End; clients see a lost connection."""
        self._server.close()

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
        if not isinstance(kind, str) or kind not in ('infer', 'reset'):
            raise WireError(f'type: got {kind!r:.50}, allowed: infer, reset')
        if kind == 'reset':
            with self._asking:
                self._policy.reset()
            return pack({'type': 'reset', 'received_s': received_s, 'replied_s': time.time()})
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
