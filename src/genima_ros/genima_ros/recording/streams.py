# SPDX-License-Identifier: Apache-2.0
"""The recorder's subscriptions: every message is looked at for its stamp only, and handed on as it came."""

import time
from collections import deque
from collections.abc import Sequence
from functools import partial
from typing import Any, Protocol

from rclpy.node import Node

from genima.errors import DatasetError
from genima.recording.rosbag2 import Topic
from genima.recording.schemas import header_stamp_ns
from genima.recording.sockets import DroppedPackets
from genima.recording.streams import StreamWatch
from genima_ros.core.diagnostics import refuse
from genima_ros.inputs.lost_messages import subscribe_raw
from genima_ros.recording.topics import Stream, bag_topic, reader_qos

COMPLAINT_PERIOD_S = 2.0


class Sink(Protocol):
    """Takes messages: a writer, or a memory."""

    def put(self, name: str, log_time_ns: int, data: bytes) -> bool:
        """Take a message (full name of its topic, ROS time, CDR); return whether there was room for it."""


class RecordedStreams:
    """Watches all streams all the time, and feeds a writer while there is one.

    Args:
        node: That listens.
        streams: To what.
        reliable_sensors: Whether drivers are asked to repeat what was lost.
    """

    def __init__(self, node: Node, streams: Sequence[Stream], reliable_sensors: bool) -> None:
        self._node = node
        self._writer: Sink | None = None
        self._streams: dict[str, Stream] = {}
        self.watches: dict[str, StreamWatch] = {}
        self._held: dict[str, deque[bytes]] = {}
        self._packets = DroppedPackets()
        for stream in streams:
            name = node.resolve_topic_name(stream.name)
            self._streams[name], self.watches[name] = stream, StreamWatch()
            self._held[name] = deque(maxlen=stream.holds)
            heard, lost = partial(self._on_message, name), partial(self._on_lost, name)
            asked = reader_qos(stream, reliable_sensors)
            self.counts_lost = subscribe_raw(node, stream.kind, stream.name, asked, heard, lost)

    def topics(self) -> list[Topic]:
        """Return what a bag has to know of the topics, with what their publishers offer now."""
        return [bag_topic(self._node, name, stream.kind) for name, stream in self._streams.items()]

    def begin(self, writer: Sink, now_ns: int) -> None:
        """Feed a writer from now on, first with what holds since before."""
        for watch in self.watches.values():
            watch.begin()
        self._packets.begin()
        for name, messages in self._held.items():
            for data in messages:
                writer.put(name, now_ns, data)
        self._writer = writer

    def end(self) -> None:
        """Feed nobody any more."""
        self._writer = None

    def silent(self) -> list[str]:
        """Return the topics without which no episode begins, and on which nothing comes."""
        now_s = time.monotonic()
        return [name for name, stream in self._streams.items() if stream.required and self.watches[name].silent(now_s)]

    def crowded(self) -> list[str]:
        """Return the topics that several programs publish, of those that one alone should."""
        return [
            name for name, stream in self._streams.items() if stream.alone and self._node.count_publishers(name) > 1
        ]

    @property
    def packets_dropped(self) -> int:
        """Packets since `begin` that the kernel dropped, as this process did not take them in time."""
        return self._packets.count

    def losses(self) -> list[str]:
        """Say what was lost on the network since `begin`."""
        lost = {name: watch.lost for name, watch in self.watches.items() if watch.lost}
        lines = [f'{count} messages of {name} were lost on the network' for name, count in lost.items()]
        dropped = self.packets_dropped
        return lines + ([f'the kernel dropped {dropped} packets, as the receive buffer was full'] if dropped else [])

    def pauses(self) -> list[str]:
        """Say which streams have a gap at this moment."""
        now_s = 1e-9 * self._now_ns()
        lines = []
        for name, stream in self._streams.items():
            pause_s = self.watches[name].pause_s(now_s) if stream.periodic else None
            if pause_s is not None:
                lines.append(
                    f'{name}: nothing for {pause_s:.2f} s, {1 / (self.watches[name].period_s or 1):.0f} Hz expected'
                )
        return lines

    def report(self) -> dict[str, dict[str, Any]]:
        """Return what was seen of each stream since `begin`, for episode.json."""
        return {name: self._seen_of(name, watch) for name, watch in self.watches.items()}

    def _seen_of(self, name: str, watch: StreamWatch) -> dict[str, Any]:
        lost = {'lost': watch.lost} if self.counts_lost else {}
        if not self._streams[name].periodic:
            return lost
        largest_gap_s, rate_hz = round(watch.largest_gap_s, 6), round(watch.rate_hz, 3)
        return {'missing': watch.missing, 'gaps': watch.gaps, 'largest_gap_s': largest_gap_s, 'rate_hz': rate_hz, **lost}

    def _now_ns(self) -> int:
        return int(self._node.get_clock().now().nanoseconds)

    def _on_lost(self, name: str, count: int) -> None:
        self.watches[name].lost += count

    def _on_message(self, name: str, data: bytes) -> None:
        now_ns, stream = self._now_ns(), self._streams[name]
        try:
            stamp_ns = header_stamp_ns(data) if stream.stamped else now_ns
        except DatasetError as error:
            refuse(self._node, name, f'{name}: {error}', severe=True)
            return
        gap_s = self.watches[name].add(1e-9 * stamp_ns, time.monotonic())
        if stream.holds and data not in self._held[name]:
            self._held[name].append(data)
        if self._writer is None:
            return
        self._writer.put(name, now_ns, data)
        if gap_s is not None and stream.periodic:
            text = f'{name}: a gap of {gap_s:.3f} s, {1 / (self.watches[name].period_s or 1):.0f} Hz expected'
            self._node.get_logger().warning(text, throttle_duration_sec=COMPLAINT_PERIOD_S)
