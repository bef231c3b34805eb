# SPDX-License-Identifier: Apache-2.0
"""Camera frames by capture time: which one belongs to a moment, and which are late, repeated or frozen."""

from bisect import bisect_left
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from genima.stamps import is_overtaken


@dataclass(frozen=True, eq=False)
class Frame:
    """One picture of one camera.

    Attributes:
        time_s: when it was taken: its stamp less the camera's latency [s].
        payload: the message, or what else finds the picture.
        same_since_s: when the first picture in a row with these very pixels was taken [s].
    """

    time_s: float
    payload: Any
    same_since_s: float


class FrameTrack:
    """Keeps frames in the order of their capture times, and finds the one nearest to a time.

    A frame that is a little older than the newest is left out; one that is over a second older comes from another
    clock, and the track starts anew. A frame with the newest one's stamp replaces it.

    Args:
        offset_s: the camera's latency; its stamps are late by so much [s].
        keep: the most frames that are kept; None keeps all.

    Attributes:
        overtaken: how many frames came too late to count.
        restarts: how often the track started anew.
        frozen: how many frames had the pixels of the frame before.
    """

    def __init__(self, offset_s: float = 0.0, keep: int | None = None) -> None:
        self.offset_s = offset_s
        self._frames: deque[Frame] = deque(maxlen=keep)
        self._pixels: Any = None
        self.overtaken = self.restarts = self.frozen = 0

    def __len__(self) -> int:
        """Return the number of frames kept."""
        return len(self._frames)

    @property
    def newest(self) -> Frame | None:
        """The newest frame, `None` before the first."""
        return self._frames[-1] if self._frames else None

    @property
    def times_s(self) -> NDArray[np.float64]:
        """Capture times of the frames kept, ascending [s]."""
        return np.array([frame.time_s for frame in self._frames])

    @property
    def same_since_s(self) -> NDArray[np.float64]:
        """For each frame kept, since when its pixels have not changed [s]."""
        return np.array([frame.same_since_s for frame in self._frames])

    def add(self, stamp_s: float, payload: Any, pixels: Any) -> None:
        """Take one frame.

        Args:
            stamp_s: what its header says [s].
            payload: kept with the frame.
            pixels: its data, any buffer; compared with those of the frame before.
        """
        time_s = stamp_s - self.offset_s
        newest = self.newest
        if newest is not None and is_overtaken(time_s, newest.time_s):
            self.overtaken += 1
            return
        if newest is not None and time_s < newest.time_s:
            self.restarts += 1
            self._frames.clear()
            newest = None
        same = newest is not None and _same(self._pixels, pixels)
        if newest is not None and time_s == newest.time_s:
            self._frames.pop()
        else:
            self.frozen += same
        since_s = newest.same_since_s if same and newest is not None else time_s
        self._pixels = pixels
        self._frames.append(Frame(time_s, payload, since_s))

    def earlier_by(self, offset_s: float) -> 'FrameTrack':
        """Return the track of a camera whose stamps are late by so much more [s]."""
        track = FrameTrack(self.offset_s + offset_s, self._frames.maxlen)
        track.overtaken, track.restarts, track.frozen = self.overtaken, self.restarts, self.frozen
        track._frames.extend(
            Frame(frame.time_s - offset_s, frame.payload, frame.same_since_s - offset_s) for frame in self._frames
        )
        return track

    def nearest(self, time_s: float) -> Frame:
        """Return the frame taken nearest to a time [s]; of two equally near ones the earlier.

        Raises:
            IndexError: if there is none.
        """
        later = bisect_left(self._frames, time_s, key=lambda frame: frame.time_s)
        if later == 0 or later == len(self._frames):
            return self._frames[0 if later == 0 else -1]
        before, after = self._frames[later - 1], self._frames[later]
        return before if time_s - before.time_s <= after.time_s - time_s else after


@dataclass(frozen=True, eq=False)
class FrameSet:
    """One frame per camera, each the nearest to the same moment.

    Attributes:
        time_s: that moment [s].
        frames: in the order of the cameras.
    """

    time_s: float
    frames: tuple[Frame, ...]


def newest_set(tracks: Sequence[FrameTrack], max_skew_s: float) -> FrameSet | None:
    """Return the newest moment for which every camera has news, with its frames.

    That is the capture time of the frame that is oldest among the cameras' newest. What comes later cannot be nearer to
    it, so a conversion that knows the whole recording chooses the same frames for it.

    Args:
        tracks: one per camera.
        max_skew_s: how far apart the cameras' newest frames may be [s].

    Returns:
        The set; `None` before all cameras were heard, and while one of them lags behind or its clock is out of step.
    """
    newest = [track.newest for track in tracks]
    heard_s = [frame.time_s for frame in newest if frame is not None]
    if not heard_s or len(heard_s) < len(newest) or max(heard_s) - min(heard_s) > max_skew_s:
        return None
    return FrameSet(min(heard_s), tuple(track.nearest(min(heard_s)) for track in tracks))


def _same(first: Any, second: Any) -> bool:
    return np.array_equal(np.frombuffer(first, dtype=np.uint8), np.frombuffer(second, dtype=np.uint8))
