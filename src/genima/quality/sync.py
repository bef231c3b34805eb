# SPDX-License-Identifier: Apache-2.0
"""How well the streams of a whole dataset kept time: the sync reports of its episodes, put together."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np


@dataclass
class StreamTiming:
    """One stream in all episodes.

    Attributes:
        messages: How many counted.
        rates_hz: Rate in each episode.
        gaps: Times between two messages over 2.5 periods, and `longest_gap_s` the longest of them.
        skew_counts: Steps by capture time minus time of the step, for cameras; the edges are in the reports.
        worst_skew_s: Largest size of that difference.
        repeated_steps: Steps that show the picture of the step before.
        longest_frozen_s: Longest time without a change of a pixel.
    """

    messages: int = 0
    rates_hz: list[float] = field(default_factory=list)
    gaps: int = 0
    longest_gap_s: float = 0.0
    skew_counts: list[int] | None = None
    worst_skew_s: float = 0.0
    repeated_steps: int = 0
    longest_frozen_s: float = 0.0


def sync_of(reports: Sequence[Mapping[str, Any]]) -> dict[str, StreamTiming]:
    """Return the timing of every stream, cameras first.

    Args:
        reports: `metadata['sync']` of the episodes that have it, see `genima.align.report`.
    """
    cameras: dict[str, StreamTiming] = {}
    streams: dict[str, StreamTiming] = {}
    for report in reports:
        for name, camera in report['cameras'].items():
            timing = cameras.setdefault(name, StreamTiming(skew_counts=[0] * len(camera['skew_counts'])))
            _add_stream(timing, camera['stream'])
            timing.skew_counts = np.add(timing.skew_counts or 0, camera['skew_counts']).tolist()
            timing.worst_skew_s = max(timing.worst_skew_s, camera['worst_skew_s'])
            timing.repeated_steps += camera['repeated_steps']
            timing.longest_frozen_s = max(timing.longest_frozen_s, camera['longest_frozen_s'])
        for name, stream in report['streams'].items():
            _add_stream(streams.setdefault(name, StreamTiming()), stream)
    return cameras | streams


def _add_stream(timing: StreamTiming, stream: Mapping[str, Any]) -> None:
    timing.messages += stream['messages']
    timing.rates_hz.append(stream['rate_hz'])
    timing.gaps += len(stream['gaps_s'])
    timing.longest_gap_s = max([timing.longest_gap_s, *(length_s for _, length_s in stream['gaps_s'])])
