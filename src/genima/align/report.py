# SPDX-License-Identifier: Apache-2.0
"""How well the streams of one episode kept time, as figures for its metadata."""

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from genima.align.frames import FrameTrack

Floats = NDArray[np.float64]

GAP_PERIODS = 2.5
SKEW_EDGES_MS = (-100.0, -50.0, -33.0, -20.0, -10.0, -5.0, -2.0, 2.0, 5.0, 10.0, 20.0, 33.0, 50.0, 100.0)


@dataclass(frozen=True)
class StreamReport:
    """One stream of messages.

    Attributes:
        messages: how many counted.
        rate_hz: by the mean time between them, gaps left out; 0 with fewer than two.
        gaps_s: (start, length) of each time between two messages over 2.5 periods [s].
        overtaken: messages that came after a newer one and were left out.
    """

    messages: int
    rate_hz: float
    gaps_s: list[tuple[float, float]]
    overtaken: int


@dataclass(frozen=True)
class CameraReport:
    """One camera on the grid.

    Attributes:
        stream: its frames as they came.
        offset_s: the latency that was taken off its stamps [s].
        skew_counts: steps by capture time minus grid time; the bins lie between -inf, SKEW_EDGES_MS and inf.
        mean_skew_s: mean of that difference [s].
        worst_skew_s: its largest size [s].
        far_steps: steps whose nearest frame is farther away than allowed; they are marked to be ignored.
        repeated_steps: steps that show the same frame as the step before.
        frozen_frames: frames with a new stamp and the pixels of the frame before.
        longest_frozen_s: longest time without a change of a pixel [s].
    """

    stream: StreamReport
    offset_s: float
    skew_counts: list[int]
    mean_skew_s: float
    worst_skew_s: float
    far_steps: int
    repeated_steps: int
    frozen_frames: int
    longest_frozen_s: float


@dataclass(frozen=True)
class SyncReport:
    """How an episode was put on its grid."""

    rate_hz: float
    steps: int
    cameras: dict[str, CameraReport]
    streams: dict[str, StreamReport]

    def to_json(self) -> dict[str, Any]:
        """Return plain numbers, lists and names, for `metadata['sync']`."""
        return {'skew_edges_ms': list(SKEW_EDGES_MS), **asdict(self)}


def stream_report(times_s: Floats, overtaken: int = 0) -> StreamReport:
    """Return the report of a stream with messages at ascending times (N,) [s]."""
    if len(times_s) < 2:
        return StreamReport(len(times_s), 0.0, [], overtaken)
    steps_s = np.diff(times_s)
    is_gap = steps_s > GAP_PERIODS * float(np.median(steps_s))
    starts = np.flatnonzero(is_gap)
    gaps_s = [(float(times_s[i]), float(steps_s[i])) for i in starts]
    # not the median: a camera of 30 Hz on a clock of 5 ms has periods of 30 and 35 ms
    return StreamReport(len(times_s), 1.0 / float(steps_s[~is_gap].mean()), gaps_s, overtaken)


def camera_report(track: FrameTrack, grid_s: Floats, chosen_s: Floats, max_skew_s: float) -> CameraReport:
    """Return the report of a camera.

    Args:
        track: all of its frames.
        grid_s: (T,) times of the steps [s].
        chosen_s: (T,) capture times of the frames that were chosen [s].
        max_skew_s: farther away is too far [s].
    """
    skew_s = chosen_s - grid_s
    edges_s = np.array([-np.inf, *(1e-3 * edge for edge in SKEW_EDGES_MS), np.inf])
    return CameraReport(
        stream=stream_report(track.times_s, track.overtaken),
        offset_s=track.offset_s,
        skew_counts=np.histogram(skew_s, edges_s)[0].tolist(),
        mean_skew_s=float(skew_s.mean()),
        worst_skew_s=float(np.abs(skew_s).max()),
        far_steps=int((np.abs(skew_s) > max_skew_s).sum()),
        repeated_steps=int((np.diff(chosen_s) == 0).sum()),
        frozen_frames=track.frozen,
        longest_frozen_s=float((track.times_s - track.same_since_s).max()),
    )
