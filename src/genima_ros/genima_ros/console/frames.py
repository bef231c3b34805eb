# SPDX-License-Identifier: Apache-2.0
"""The newest picture of each view as JPEG, made once for all browsers, and only while one of them looks."""

import threading
import time
from collections.abc import Callable, Collection
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from genima.errors import GenimaError

MAX_HZ = 30.0
QUALITY = 80
END_S = 0.3
Pixels = NDArray[np.uint8]


@dataclass(frozen=True)
class Frame:
    """One encoded picture.

    Attributes:
        view: its name.
        number: counts the pictures of all views.
        stamp_s: capture time [s].
        width_px: of the picture before it was made smaller for sending.
        height_px: likewise.
        jpeg: the file.
    """

    view: str
    number: int
    stamp_s: float
    width_px: int
    height_px: int
    jpeg: bytes


@dataclass(frozen=True)
class Look:
    """What a browser shows: names of views, and how wide it shows the widest of them [px]."""

    views: frozenset[str]
    width_px: int


class Pace:
    """Lets through at most `max_hz` on average; a picture that comes a little early or late is no reason to drop it."""

    def __init__(self, max_hz: float) -> None:
        self._period_s = 1.0 / max_hz
        self._due_s = float('-inf')

    def admits(self, now_s: float) -> bool:
        """Return whether something that comes at `now_s` may pass."""
        if now_s < self._due_s:
            return False
        self._due_s = max(self._due_s, now_s - self._period_s) + self._period_s
        return True


class FrameHub:
    """Encodes in a thread of its own; of pictures that come faster than it encodes, only the newest is kept.

    Args:
        on_frame: called in that thread when a picture is ready.
        on_trouble: called in that thread with the reason when a picture cannot be read.
        max_hz: pictures per second and view, at most.
        max_width_px: wider pictures are made smaller for sending, whatever browsers ask for.
    """

    def __init__(
        self,
        on_frame: Callable[[], None],
        on_trouble: Callable[[str], None] = lambda reason: None,
        max_hz: float = MAX_HZ,
        max_width_px: int = 640,
    ) -> None:
        self._on_frame, self._on_trouble = on_frame, on_trouble
        self._max_hz, self._max_width_px = max_hz, max_width_px
        self._looking: dict[object, Look] = {}
        self._waiting: dict[str, tuple[float, Callable[[], Pixels]]] = {}
        self._paces: dict[str, Pace] = {}
        self._newest: dict[str, Frame] = {}
        self._changed = threading.Condition()
        self._closing = False
        self.encoded = 0
        self._thread = threading.Thread(target=self._run, name='pictures', daemon=True)
        self._thread.start()

    def look(self, browser: object, views: Collection[str], width_px: int | None = None) -> None:
        """Take note of what a browser shows.

        Args:
            browser: which one.
            views: names; empty where it shows nothing.
            width_px: how wide it shows the widest; pictures are sent that wide, or up to twice. None: as large as may be.
        """
        with self._changed:
            self._looking[browser] = Look(frozenset(views), self._max_width_px if width_px is None else width_px)
            if not views:
                del self._looking[browser]
            unseen = [view for view in self._newest if not self._lookers(view)]
            for view in unseen:  # who looks again later must not see it as the present
                del self._newest[view]

    def _lookers(self, view: str) -> list[Look]:
        return [look for look in self._looking.values() if view in look.views]

    @property
    def watched(self) -> bool:
        """Whether any browser shows any view."""
        return bool(self._looking)

    def offer(self, view: str, stamp_s: float, pixels: Callable[[], Pixels]) -> None:
        """Hand over a picture; never waits.

        Args:
            view: its name.
            stamp_s: capture time [s].
            pixels: gives it as RGB (height, width, 3) uint8; called only if it is encoded, in another thread.
        """
        with self._changed:
            if not self._lookers(view):
                return
            if self._paces.setdefault(view, Pace(self._max_hz)).admits(time.monotonic()):
                self._waiting[view] = stamp_s, pixels
                self._changed.notify()

    def newest(self, view: str) -> Frame | None:
        """Return the newest picture of a view."""
        return self._newest.get(view)

    def close(self) -> None:
        """End the thread."""
        with self._changed:
            self._closing = True
            self._changed.notify()
        self._thread.join(END_S)

    def _run(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._closing or self._waiting)
                if self._closing:
                    return
                view = next(iter(self._waiting))
                stamp_s, pixels = self._waiting.pop(view)
            try:
                frame = self._encode(view, stamp_s, pixels())
            except (GenimaError, cv2.error) as error:
                self._on_trouble(str(error))
                continue
            with self._changed:
                if self._lookers(view):
                    self._newest[view] = frame
            self._on_frame()

    def _encode(self, view: str, stamp_s: float, pixels: Pixels) -> Frame:
        height, width = pixels.shape[:2]
        parts = self._parts(view, width)
        if parts > 1:
            size = max(1, width // parts), max(1, height // parts)
            pixels = np.asarray(cv2.resize(pixels, size, interpolation=cv2.INTER_AREA), dtype=np.uint8)
        bgr = cv2.cvtColor(pixels, cv2.COLOR_RGB2BGR)
        _, jpeg = cv2.imencode('.jpg', bgr, [cv2.IMWRITE_JPEG_QUALITY, QUALITY])
        self.encoded += 1
        return Frame(view, self.encoded, stamp_s, width, height, jpeg.tobytes())

    def _parts(self, view: str, width_px: int) -> int:
        """Return by what a picture is divided for sending: a whole number, since others take longer than to encode it."""
        with self._changed:
            shown_px = max((look.width_px for look in self._lookers(view)), default=self._max_width_px)
        return max(width_px // max(shown_px, 1), -(-width_px // self._max_width_px), 1)
