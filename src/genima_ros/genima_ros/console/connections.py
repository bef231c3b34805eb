# SPDX-License-Identifier: Apache-2.0
"""uvicorn's protocols with what they lack: deadlines, an end for those who do not read, and a place for each connection."""

import asyncio
from typing import Any

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

from genima_ros.console.allowance import Allowance
from genima_ros.console.places import Visitor

HEAD_S = 5.0  # from connecting, or from the last answer, to the whole head of a request
REQUEST_S = 20.0  # from there to the end of the answer; a service may take 10 s
SLOW_S = 5.0  # a page that reads nothing for so long is cut off
END_S = 2.0  # for the closing handshake of a websocket
BYTES_PER_S, BURST_BYTES = 32768, 131072  # a page says about 4 kB a second
MAX_HEAD_BYTES = 16384
VISITOR, FIRST = 'visitor', 'first'  # names in the state of a connection
REQUEST, READING, CLOSING = 'request', 'reading', 'closing'  # names of deadlines
REFUSED = b'HTTP/1.1 400 Bad Request\r\nConnection: close\r\nContent-Length: 0\r\n\r\n'


class Visit(H11Protocol):
    """HTTP of one connection. `app_state` has its visitor, and the first bytes that it sent."""

    def __init__(self, config: Any, server_state: Any, app_state: dict[str, Any], _loop: Any = None) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self._visitor: Visitor = app_state[VISITOR]
        self._first: bytes = app_state[FIRST]
        self._followed: Any = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin with what was sent already."""
        super().connection_made(transport)
        self._visitor.cut = transport.abort
        if self._visitor.ended:  # it had to go before it was there
            transport.abort()
        else:
            self.data_received(self._first)

    def connection_lost(self, exc: Exception | None) -> None:
        """Give the place back."""
        super().connection_lost(exc)
        self._visitor.leave()

    def data_received(self, data: bytes) -> None:
        """Take bytes; what cannot be understood, nor be answered any more, ends the connection."""
        try:
            super().data_received(data)
        except h11.ProtocolError:
            self._hang_up()
            self._visitor.end()

    def send_400_response(self, msg: str) -> None:
        """Refuse, also where a request is being answered whose rest makes no sense."""
        self._hang_up()
        super().send_400_response(msg)

    def _hang_up(self) -> None:
        """Let nobody answer any more."""
        if self.cycle is not None:
            self.cycle.disconnected = True
            self.cycle.message_event.set()

    def handle_events(self) -> None:
        """Take note when a request has begun, and when it is whole."""
        super().handle_events()
        if self._answered():
            return
        if self.cycle is not self._followed:  # each part of a body brings no more time
            self._followed = self.cycle
            self._visitor.wait()
            self._visitor.allow(REQUEST, REQUEST_S)
        if not self.cycle.more_body:
            self._visitor.work()

    def on_response_complete(self) -> None:
        """Wait for the next request, longer where the answer is still under way."""
        self._visitor.wait()
        self._visitor.allow(REQUEST, REQUEST_S if self.transport.get_write_buffer_size() else HEAD_S)
        super().on_response_complete()

    def pause_writing(self) -> None:
        """Give a client that does not read its answers a while; it may have to go."""
        super().pause_writing()
        self._visitor.wait()
        self._visitor.allow(READING, SLOW_S)

    def resume_writing(self) -> None:
        """Take note that it reads."""
        super().resume_writing()
        self._visitor.forgive(READING)
        if not self._answered():
            self._visitor.work()

    def _answered(self) -> bool:
        return self.cycle is None or self.cycle.response_complete

    def handle_websocket_upgrade(self, event: h11.Request) -> None:
        """Become a websocket, which has to find a place as a page soon."""
        self._visitor.work()
        self._visitor.allow(REQUEST, HEAD_S)
        super().handle_websocket_upgrade(event)


class Stream(WebSocketsSansIOProtocol):
    """The websocket of one connection."""

    def __init__(self, config: Any, server_state: Any, app_state: dict[str, Any], _loop: Any = None) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self._visitor: Visitor = app_state[VISITOR]
        self._allowance = Allowance(BYTES_PER_S, BURST_BYTES)

    def connection_lost(self, exc: Exception | None) -> None:
        """Give the place back."""
        super().connection_lost(exc)
        self._visitor.leave()

    def data_received(self, data: bytes) -> None:
        """Take bytes, pings among them, within an allowance."""
        if not self._allowance.admits(len(data)):
            self._visitor.end()
            return
        super().data_received(data)
        if self.conn.handshake_exc is not None and not self.handshake_initiated:
            self.handle_parser_exception()

    def handle_parser_exception(self) -> None:
        """Refuse a request that is no handshake; otherwise say why the connection ends."""
        if self.conn.close_sent is not None:
            super().handle_parser_exception()
        elif not self.transport.is_closing():
            self.transport.write(REFUSED)
            self.transport.close()
        self._visitor.allow(CLOSING, END_S)

    def pause_writing(self) -> None:
        """Give a page that does not read a while."""
        super().pause_writing()
        self._visitor.allow(READING, SLOW_S)

    def resume_writing(self) -> None:
        """Take note that it reads."""
        super().resume_writing()
        self._visitor.forgive(READING)

    async def send(self, message: Any) -> None:
        """Send; the end of a connection does not wait for a page that does not read."""
        if message['type'] == 'websocket.close':
            self._visitor.allow(CLOSING, END_S)
        await super().send(message)


def protocol(config: Any, server_state: Any, visitor: Visitor, first: bytes) -> asyncio.Protocol:
    """Return what serves a connection whose first bytes have been read."""
    return Visit(config, server_state, {VISITOR: visitor, FIRST: first}, asyncio.get_running_loop())

