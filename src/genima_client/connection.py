# SPDX-License-Identifier: Apache-2.0
"""A connection to one of our servers: a question, then its answer."""

from __future__ import annotations

from contextlib import ExitStack
from typing import Any

from websockets.exceptions import WebSocketException
from websockets.protocol import State
from websockets.sync.client import connect

from genima_client.wire import PROTOCOL, WireError, pack, unpack

MAX_ANSWER = 64 * 1024 * 1024


class ServerError(RuntimeError):
    """The server cannot be reached, or refused, or there cannot be one; the text says what, got, allowed."""


class Connection:
    """A client's side.

    Attributes:
        greeting: What the server said at once.
    """

    def __init__(self, address: str, token: str, timeout_s: float, kind: str, advice: str) -> None:
        """Connect.

        Args:
            address: ws://host:port or wss://host:port.
            token: Of the server, where it needs one.
            timeout_s: For connecting.
            kind: Of the server: its greeting has a value of that name.
            advice: What to do where there is none.

        Raises:
            ServerError: if there is no such server, or it refuses.
        """
        self._kind = kind
        self._opened = ExitStack()
        headers = {'Authorization': 'Bearer ' + token} if token else None
        try:
            opened = connect(
                address, additional_headers=headers, open_timeout=timeout_s, max_size=MAX_ANSWER, compression=None
            )
            self._socket = self._opened.enter_context(opened)
        except (OSError, ValueError, WebSocketException) as error:
            raise ServerError(f'no {kind} at {address}: {error}; {advice}, is the token right?') from error
        self.greeting = self._receive(timeout_s)
        if self.greeting.get('protocol') != PROTOCOL:
            self.close()
            raise ServerError(
                '{} speaks protocol {}, this client {}; use the same release'.format(
                    address, self.greeting.get('protocol'), PROTOCOL
                )
            )
        if kind not in self.greeting:
            self.close()
            raise ServerError(f'{address} serves no {kind}: it has {", ".join(sorted(map(str, self.greeting)))[:200]}')

    @property
    def is_lost(self) -> bool:
        """Whether the connection has ended."""
        return self._socket.protocol.state is not State.OPEN

    def ask(self, question: dict[str, Any], timeout_s: float) -> dict[str, Any]:
        """Return the answer to a question.

        Raises:
            ServerError: if the server refuses it, or is lost.
        """
        try:
            self._socket.send(pack(question))
        except (OSError, WebSocketException) as error:
            raise ServerError(f'the {self._kind} server is lost: {error}') from error
        answer = self._receive(timeout_s)
        if answer.get('type') == 'error':
            raise ServerError(str(answer.get('text')))
        return answer

    def close(self) -> None:
        """Say good-bye."""
        self._opened.close()

    def _receive(self, timeout_s: float) -> dict[str, Any]:
        try:
            data = self._socket.recv(timeout_s)
        except TimeoutError:
            self.close()  # a late answer would be taken for that of the next question
            raise ServerError(f'the {self._kind} server did not answer within {timeout_s} s') from None
        except (OSError, WebSocketException) as error:
            raise ServerError(f'the {self._kind} server is lost: {error}') from error
        if isinstance(data, str):
            raise ServerError(data)
        try:
            return unpack(data, MAX_ANSWER)
        except WireError as error:
            raise ServerError(f'the server speaks another language: {error}') from error
