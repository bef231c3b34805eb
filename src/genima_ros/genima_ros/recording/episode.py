# SPDX-License-Identifier: Apache-2.0
"""The episode that the recorder is recording."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rclpy.serialization import serialize_message
from std_msgs.msg import String

from genima.recording.layout import EPISODE
from genima.recording.numbered import next_number, numbered_name
from genima.recording.queued import QueuedWriter
from genima.recording.rosbag2 import Topic
from genima.recording.writer import BagWriter


class RecordedEpisode:
    """One episode from its first message to its last.

    Args:
        out: Folder of the recordings; the episode gets the number after the highest one there.
        topics: What will be recorded.
        events: Full name of the topic of marks, one of them.
        provenance: For its metadata.
        compression: Of the file.
        queue_bytes: That may wait for the disk.
        start_ns: ROS time of its begin.

    Raises:
        DatasetError: if its folder cannot be made.
    """

    def __init__(
        self,
        out: Path,
        topics: Sequence[Topic],
        events: str,
        provenance: dict[str, Any],
        compression: str,
        queue_bytes: int,
        start_ns: int,
    ) -> None:
        self.start_ns = start_ns
        self._events = events
        self.bag = BagWriter(out / numbered_name(EPISODE, next_number(out, EPISODE)), provenance, compression)
        for topic in topics:
            self.bag.add_topic(topic)
        self.queue = QueuedWriter(self.bag, queue_bytes)

    @property
    def name(self) -> str:
        """Name of its folder."""
        return self.bag.folder.name

    def mark(self, kind: str, note: str, now_ns: int) -> String:
        """Put a mark into the recording and return it as a message."""
        message = String(data=json.dumps({'kind': kind, 'note': note}))
        self.queue.put(self._events, now_ns, serialize_message(message))
        return message

    def finish(
        self, outcome: str, cause: str | None, note: str, streams: dict[str, dict[str, Any]], packets_dropped: int
    ) -> dict[str, Any]:
        """Write what still waits, then the end; return episode.json.

        Args:
            outcome: How it ended.
            cause: Of a failure.
            note: In words.
            streams: What was seen of them.
            packets_dropped: By the kernel, as the recorder did not take them in time.

        Raises:
            DatasetError: if the disk takes no more.
        """
        self.queue.drain()
        for name, count in self.queue.dropped.items():
            streams.setdefault(name, {})['dropped'] = count
        note = '; '.join(filter(None, (note, self.queue.trouble)))
        return self.bag.finish(outcome, cause, note, streams, packets_dropped=packets_dropped)

    def discard(self) -> None:
        """Remove it."""
        self.queue.drain()
        self.bag.discard()


def in_words(name: str, summary: dict[str, Any], elapsed_s: float) -> str:
    """Return what became of a finished episode, in one line."""
    cause = f' ({summary["failure"]})' if summary['failure'] else ''
    worst_s, topic = max(
        ((stream.get('largest_gap_s', 0.0), topic) for topic, stream in summary['topics'].items()), default=(0.0, 'nothing')
    )
    missing = sum(stream.get('missing', 0) for stream in summary['topics'].values())
    losses = {'lost on the network': summary.get('lost'), 'packets dropped by the kernel': summary.get('packets_dropped')}
    lost = ''.join(f'{count} {what}, ' for what, count in losses.items() if count)
    return (
        f'{name}: {summary["outcome"]}{cause}, {elapsed_s:.1f} s, {summary["messages"]} messages, '
        f'{summary["bytes"] / 1e6:.1f} MB, {summary["dropped"]} dropped, {missing} never came, '
        f'{lost}largest gap {worst_s:.3f} s on {topic}'
    )
