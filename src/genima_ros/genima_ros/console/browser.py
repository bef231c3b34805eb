# SPDX-License-Identifier: Apache-2.0
"""One browser on its websocket: it gets what is newest, as fast as it says that it has shown the last."""

import asyncio
import contextlib
import json
import secrets
import struct
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from starlette.websockets import WebSocket, WebSocketDisconnect

from genima_ros.console.allowance import Allowance
from genima_ros.console.commands import MESSAGE
from genima_ros.console.connections import REQUEST, VISITOR
from genima_ros.console.frames import Frame, FrameHub
from genima_ros.console.places import Visitor
from genima_ros.console.requests import RequestError, read_object, read_values
from genima_ros.console.watch import HOLD_S, Watch

BUNDLE_S = 0.015  # pictures of several cameras that come close together travel together
BUNDLES_UNSEEN = 2  # one on its way, one being drawn: never a queue
STATUS_UNSEEN = 5
SILENT_S = 3.0  # a browser that says nothing for so long is gone
MESSAGES_PER_S, BURST_MESSAGES = 200.0, 400.0  # a page says about 70 a second
SILENCE = 'silence'  # name of its deadline
ECHOES = 32  # of beats that are remembered
NONSENSE, NO_PLACE = 1008, 1013  # RFC 6455, section 7.4.1, and its registry


@dataclass(eq=False)
class Shared:
    """What all browsers of a console share; `stop` answers a stop that came over a websocket.

    Attributes:
        frames: pictures.
        watch: who holds it.
        stop: stops the arm; returns the answer for the page.
        hello: what a browser is told first.
        status: newest status, JSON, and its number.
        browsers: connected ones by their keys; touched in the server's thread only.
    """

    frames: FrameHub
    watch: Watch
    stop: Callable[[], Awaitable[dict[str, Any]]]
    hello: dict[str, Any] = field(default_factory=dict)
    status: tuple[int, str] = (0, '')
    browsers: 'dict[str, Browser]' = field(default_factory=dict)


class Browser:
    """Serves one websocket until it ends. Everything of it runs in the server's event loop.

    To the browser go JSON texts with one key that says what they are, and binary bundles of pictures (see `bundle`).
    From it come JSON objects with any of `look` (views that it shows; with `width`, how wide it shows them in pixels of
    the screen), `seen` (number of the last bundle drawn),
    `beat` (any number; comes back; with `heard`, the last one that came back), `status` (number of the last one shown),
    `watch` (take, keep or none), `stop`.

    `hello` gives it a key, `page`, by which its commands are known to be its own. With the key of the connection before it
    (`?page=`), a page that held the watch finds a place even where all others are taken.
    """

    def __init__(self, socket: WebSocket, shared: Shared) -> None:
        self._socket, self._shared = socket, shared
        self._visitor: Visitor = socket.scope['state'][VISITOR]
        self._key = secrets.token_urlsafe(12)
        self._allowance = Allowance(MESSAGES_PER_S, BURST_MESSAGES)
        self._news = asyncio.Event()
        self._answers: list[str] = []
        self._beat_answer = ''  # the newest is enough
        self._echoed_s: dict[int, float] = {}
        self._views: tuple[str, ...] = ()
        self._sent: dict[str, int] = {}
        self._bundle = self._seen = 0
        self._status_sent = self._status_seen = shared.status[0]
        self._stops: set[asyncio.Task[None]] = set()

    def wake(self) -> None:
        """Say that there is something new."""
        self._news.set()

    @property
    def holds_watch(self) -> bool:
        """Whether a person watches here."""
        return self._shared.watch.held_by(self._key)

    async def serve(self) -> None:
        """Talk until the browser is gone or says nothing sensible."""
        await self._socket.accept()
        if not self._visitor.sit_down(self._shared.watch.was_held_by(self._socket.query_params.get('page', ''))):
            await self._socket.close(NO_PLACE, 'too many pages of this console are open: close some')
            return
        self._visitor.forgive(REQUEST)
        self._visitor.allow(SILENCE, SILENT_S)
        self._shared.browsers[self._key] = self
        self._say(hello={**self._shared.hello, 'page': self._key})
        sender = asyncio.create_task(self._send())
        try:
            await self._listen()
        except WebSocketDisconnect:
            pass
        except RequestError as error:
            with contextlib.suppress(RuntimeError, WebSocketDisconnect):  # it may be gone already
                await self._socket.close(NONSENSE, str(error).encode()[:120].decode('utf-8', 'ignore'))
        finally:
            sender.cancel()
            self._shared.watch.release(self._key)
            self._shared.frames.look(self, ()) if self._views else None
            del self._shared.browsers[self._key]

    def _say(self, **message: Any) -> None:
        self._answers.append(json.dumps(message, allow_nan=False))
        self._news.set()

    async def _listen(self) -> None:
        while True:
            event = await self._socket.receive()
            if event['type'] != 'websocket.receive':
                raise WebSocketDisconnect
            self._visitor.allow(SILENCE, SILENT_S)
            if not isinstance(text := event.get('text'), str):
                raise RequestError('a binary message; allowed is text')
            given = read_object(text.encode())
            if 'stop' in given:  # first of all, whatever else is said, and not in the way of the beats that follow
                task = asyncio.create_task(self._stop(given['stop']))
                self._stops.add(task)
                task.add_done_callback(self._stops.discard)
            if not self._allowance.admits():
                raise RequestError(f'more than {MESSAGES_PER_S:.0f} messages a second')
            self._take(read_values(MESSAGE, given))

    def _take(self, message: dict[str, Any]) -> None:
        if message['look'] is not None:
            self._look(message['look'], message['width'])
        if message['seen'] is not None:
            self._seen = max(self._seen, min(message['seen'], self._bundle))
            self._news.set()
        if message['status'] is not None:
            self._status_seen = max(self._status_seen, min(message['status'], self._status_sent))
            self._news.set()
        if message['beat'] is not None:
            self._beat(message['beat'], message['watch'], message['heard'])

    def _beat(self, number: int, watch: str | None, heard: int | None) -> None:
        if watch == 'take':
            self._shared.watch.take(self._key)
        elif watch is None:
            self._shared.watch.release(self._key)
        elif self._fresh(heard):
            self._shared.watch.keep(self._key)
        held = self._visitor.holds_watch = self.holds_watch
        self._beat_answer = json.dumps({'beat': number, 'watch': held})
        self._echoed_s[number] = asyncio.get_running_loop().time()
        while len(self._echoed_s) > ECHOES:
            del self._echoed_s[next(iter(self._echoed_s))]
        self._news.set()

    def _fresh(self, heard: int | None) -> bool:
        """Return whether a beat was sent lately: it knows what was said to it lately.

        A computer that is too busy reads late what a page said, and would take one that is gone for one that watches.
        """
        echoed_s = self._echoed_s.get(heard) if heard is not None else None
        return echoed_s is not None and asyncio.get_running_loop().time() - echoed_s <= HOLD_S

    async def _stop(self, number: Any) -> None:
        answer = await self._shared.stop()
        self._say(answer={'to': number, **answer})

    def _look(self, views: list[str], width_px: int | None) -> None:
        if views or self._views:
            self._shared.frames.look(self, views, width_px)
        self._views = tuple(views)
        self._sent = {view: number for view, number in self._sent.items() if view in views}

    async def _send(self) -> None:
        clock = asyncio.get_running_loop()
        with contextlib.suppress(WebSocketDisconnect, RuntimeError):  # the listener notices, too
            while True:
                await self._news.wait()
                begun_s = clock.time()
                self._news.clear()
                answers, self._answers = [*self._answers, self._beat_answer], []
                self._beat_answer = ''
                for text in filter(None, answers):
                    await self._socket.send_text(text)
                await self._send_status()
                await self._send_pictures()
                await asyncio.sleep(max(0.0, begun_s + BUNDLE_S - clock.time()))

    async def _send_status(self) -> None:
        number, text = self._shared.status
        if number > self._status_sent and self._status_sent - self._status_seen < STATUS_UNSEEN:
            self._status_sent = number
            await self._socket.send_text(text)

    async def _send_pictures(self) -> None:
        if self._bundle - self._seen >= BUNDLES_UNSEEN:
            return
        newest = [self._shared.frames.newest(view) for view in self._views]
        frames = [frame for frame in newest if frame is not None and frame.number > self._sent.get(frame.view, 0)]
        if frames:
            self._bundle += 1
            self._sent.update({frame.view: frame.number for frame in frames})
            await self._socket.send_bytes(bundle(self._bundle, frames))


def status_text(number: int, status: Mapping[str, Any]) -> str:
    """Return a status as a message."""
    return json.dumps({'status': {'number': number, **status}}, allow_nan=False)


def bundle(number: int, frames: list[Frame]) -> bytes:
    """Return pictures as one message: length of the header (4 bytes, little endian), the header as JSON, the files."""
    about = [
        {'view': f.view, 'stamp_s': f.stamp_s, 'width': f.width_px, 'height': f.height_px, 'bytes': len(f.jpeg)}
        for f in frames
    ]
    header = json.dumps({'bundle': number, 'pictures': about}).encode()
    return b''.join([struct.pack('<I', len(header)), header, *(frame.jpeg for frame in frames)])
