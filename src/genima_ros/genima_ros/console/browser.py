# SPDX-License-Identifier: Apache-2.0
"""One browser on its websocket: it gets what is newest, as fast as it says that it has shown the last."""

import asyncio
import contextlib
import json
import struct
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

from starlette.websockets import WebSocket, WebSocketDisconnect

from genima_ros.console.frames import Frame, FrameHub
from genima_ros.console.watch import Watch

BUNDLE_S = 0.015  # pictures of several cameras that come close together travel together
BUNDLES_UNSEEN = 2  # one on its way, one being drawn: never a queue
STATUS_UNSEEN = 5
SILENT_S = 3.0  # a browser that says nothing for so long is gone
MAX_VIEWS = 32


@dataclass(eq=False)
class Shared:
    """What all browsers of a console share; `stop` answers a stop that came over a websocket.

    Attributes:
        frames: pictures.
        watch: who holds it.
        stop: stops the arm; returns the answer for the page.
        hello: what a browser is told first; JSON.
        status: newest status, JSON, and its number.
        browsers: connected ones; touched in the server's thread only.
    """

    frames: FrameHub
    watch: Watch
    stop: Callable[[], Awaitable[dict[str, Any]]]
    hello: str = '{}'
    status: tuple[int, str] = (0, '')
    browsers: 'set[Browser]' = field(default_factory=set)


class Browser:
    """Serves one websocket until it ends. Everything of it runs in the server's event loop.

    To the browser go JSON texts with one key that says what they are, and binary bundles of pictures (see `bundle`).
    From it come JSON objects with any of `look` (views that it shows; with `width`, how wide it shows them in pixels of
    the screen), `seen` (number of the last bundle drawn),
    `beat` (any number; comes back), `status` (number of the last one shown), `watch` (take, keep or none), `stop`.
    """

    def __init__(self, socket: WebSocket, shared: Shared) -> None:
        self._socket, self._shared = socket, shared
        self._news = asyncio.Event()
        self._answers: list[str] = []
        self._views: tuple[str, ...] = ()
        self._sent: dict[str, int] = {}
        self._bundle = self._seen = 0
        self._status_sent = self._status_seen = shared.status[0]
        self._stops: set[asyncio.Task[None]] = set()

    def wake(self) -> None:
        """Say that there is something new."""
        self._news.set()

    async def serve(self) -> None:
        """Talk until the browser is gone or says nothing sensible."""
        await self._socket.accept()
        self._shared.browsers.add(self)
        self._say(hello=json.loads(self._shared.hello))
        sender = asyncio.create_task(self._send())
        try:
            await self._listen()
        except (WebSocketDisconnect, asyncio.TimeoutError, ValueError, TypeError, KeyError):
            with contextlib.suppress(RuntimeError, WebSocketDisconnect):  # it may be gone already
                await self._socket.close(1001)
        finally:
            sender.cancel()
            self._shared.watch.release(self)
            self._shared.frames.look(self, ()) if self._views else None
            self._shared.browsers.discard(self)

    def _say(self, **message: Any) -> None:
        self._answers.append(json.dumps(message, allow_nan=False))
        self._news.set()

    async def _listen(self) -> None:
        while True:
            message = json.loads(await asyncio.wait_for(self._socket.receive_text(), SILENT_S))
            if 'stop' in message:  # first of all, and not in the way of the beats that follow
                task = asyncio.create_task(self._stop(message['stop']))
                self._stops.add(task)
                task.add_done_callback(self._stops.discard)
            if 'look' in message:
                self._look([str(view) for view in message['look'][:MAX_VIEWS]], message.get('width'))
            if 'seen' in message:
                self._seen = max(self._seen, min(int(message['seen']), self._bundle))
                self._news.set()
            if 'status' in message:
                self._status_seen = max(self._status_seen, min(int(message['status']), self._status_sent))
                self._news.set()
            if 'beat' in message:
                self._beat(int(message['beat']), message.get('watch'))

    def _beat(self, number: int, watch: str | None) -> None:
        if watch == 'take':
            self._shared.watch.take(self)
        elif watch == 'keep':
            self._shared.watch.keep(self)
        else:
            self._shared.watch.release(self)
        self._say(beat=number, watch=self._shared.watch.held_by(self))

    async def _stop(self, number: Any) -> None:
        answer = await self._shared.stop()
        self._say(answer={'to': number, **answer})

    def _look(self, views: list[str], width_px: Any) -> None:
        if views or self._views:
            self._shared.frames.look(self, views, None if width_px is None else int(width_px))
        self._views = tuple(views)
        self._sent = {view: number for view, number in self._sent.items() if view in views}

    async def _send(self) -> None:
        clock = asyncio.get_running_loop()
        with contextlib.suppress(WebSocketDisconnect, RuntimeError):  # the listener notices, too
            while True:
                await self._news.wait()
                begun_s = clock.time()
                self._news.clear()
                answers, self._answers = self._answers, []
                for text in answers:
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


def bundle(number: int, frames: list[Frame]) -> bytes:
    """Return pictures as one message: length of the header (4 bytes, little endian), the header as JSON, the files."""
    about = [
        {'view': f.view, 'stamp_s': f.stamp_s, 'width': f.width_px, 'height': f.height_px, 'bytes': len(f.jpeg)}
        for f in frames
    ]
    header = json.dumps({'bundle': number, 'pictures': about}).encode()
    return b''.join([struct.pack('<I', len(header)), header, *(frame.jpeg for frame in frames)])
