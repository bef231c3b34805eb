# SPDX-License-Identifier: Apache-2.0
"""Reads recordings: our own and those of rosbag2, whole ones and what a power cut has left of them.

Needs neither ROS 2, nor metadata.yaml, nor an index; messages are decoded by the definitions in the file itself.
"""

import warnings
from collections.abc import Callable, Collection, Iterator
from pathlib import Path
from typing import Any, NamedTuple

from mcap.records import Channel, Chunk, Message, Metadata, Schema

from genima.recording.bagfile import ABOUT
from genima.recording.layout import bag_files
from genima.recording.records import read_records
from genima.recording.rosbag2 import Topic
from genima.recording.schemas import ENCODING, Schemas


class Place(NamedTuple):
    """Where a message lies: number of the file, byte at which its chunk begins, number of the record in the chunk."""

    file: int
    byte: int
    record: int


class RawMessage(NamedTuple):
    """One message as CDR; times are ROS time [ns]."""

    topic: Topic
    log_time_ns: int
    publish_time_ns: int
    data: bytes
    place: Place


class BagMessage(NamedTuple):
    """One message: topic ('/joint_states'), type ('sensor_msgs/msg/JointState'), time of reception [ns], and content."""

    topic: str
    kind: str
    log_time_ns: int
    message: Any


class Bag:
    """A bag to read, possibly several times.

    Attributes:
        damage: Sentences on what could not be read, complete when `raw` or `messages` has come to its end.
        about: What our recorder wrote at the beginning of the file, likewise.
        compression: Of the chunks ('', 'lz4', 'zstd'), likewise.
    """

    def __init__(self, folder: Path | str) -> None:
        """Find the files.

        Raises:
            DatasetError: if there are none.
        """
        self.files = bag_files(folder)
        self.damage: list[str] = []
        self.about: dict[str, str] = {}
        self.compression = ''
        self._schemas = Schemas()
        self._topics: dict[tuple[int, int], Topic | None] = {}  # by file and channel; None cannot be decoded

    def raw(self, topics: Collection[str] | None = None) -> Iterator[RawMessage]:
        """Yield messages in the order of the file.

        Args:
            topics: Full names of those that are wanted; None: all.

        Raises:
            DatasetError: if a file is not MCAP.
        """
        self.damage = []
        for number in range(len(self.files)):
            yield from (item for item in self._raw(number) if topics is None or item.topic.name in topics)

    def at(self, places: Collection[Place]) -> Iterator[RawMessage]:
        """Yield the messages that `raw`, which must have come to its end, found at some places; no others are unpacked."""
        for number in range(len(self.files)):
            chunks = {place.byte for place in places if place.file == number}
            yield from (item for item in self._raw(number, chunks) if item.place in places)

    def messages(self, topics: Collection[str] | None = None) -> Iterator[BagMessage]:
        """Yield decoded messages in the order of the file.

        Args:
            topics: Full names of those that are wanted; None: all.

        Raises:
            DatasetError: if a file is not MCAP, or a message does not fit its definition.
        """
        for item in self.raw(topics):
            self._schemas.add(item.topic.kind, item.topic.schema)
            message = self._schemas.decode(item.topic.kind, item.data)
            yield BagMessage(item.topic.name, item.topic.kind, item.log_time_ns, message)

    def _raw(self, number: int, chunks: Collection[int] | None = None) -> Iterator[RawMessage]:
        path, schemas, lost = self.files[number], dict[int, Schema](), 0
        chunk, index = 0, 0
        for byte, record in read_records(path, self.damage, chunks):
            chunk, index = byte, index + 1 if byte == chunk else 0
            if isinstance(record, Message):
                topic = self._topics.get((number, record.channel_id))
                lost += (number, record.channel_id) not in self._topics
                if topic is not None:
                    place = Place(number, byte, index)
                    yield RawMessage(topic, record.log_time, record.publish_time, record.data, place)
            elif isinstance(record, Schema):
                schemas[record.id] = record
            elif isinstance(record, Channel):
                if (number, record.id) not in self._topics:
                    self._topics[number, record.id] = self._topic(record, schemas)
            elif isinstance(record, Chunk):
                self.compression = record.compression
            elif isinstance(record, Metadata) and record.name == ABOUT:
                self.about = dict(record.metadata)
        if lost:
            self.damage.append(f'{path.name}: {lost} messages of topics whose announcement is lost')

    def _topic(self, channel: Channel, schemas: dict[int, Schema]) -> Topic | None:
        schema = schemas.get(channel.schema_id)
        if schema is None or channel.message_encoding != 'cdr':
            self.damage.append(f'topic {channel.topic} has no definition, or is not CDR: its messages cannot be decoded')
            return None
        text = schema.data.decode()
        if schema.encoding != ENCODING:
            self._schemas.add(schema.name, text, schema.encoding)
            text = self._schemas.text(schema.name)
        return Topic(channel.topic, schema.name, text, channel.metadata.get('offered_qos_profiles', ''))


def read_bag(
    folder: Path | str, topics: Collection[str] | None = None, on_damage: Callable[[str], None] | None = None
) -> Iterator[BagMessage]:
    """Yield (topic, type, log time [ns], message) in the order of the file, also of what a power cut has left.

    Args:
        folder: A rosbag2 folder, or one MCAP file.
        topics: Full names of those that are wanted; None: all.
        on_damage: Called at the end with a sentence for everything that could not be read; by default it is warned of.

    Raises:
        DatasetError: if there is no MCAP file, or a message does not fit its definition.
    """
    bag = Bag(folder)
    yield from bag.messages(topics)
    for text in bag.damage:
        (on_damage or _warn)(f'{folder}: {text}')


def _warn(text: str) -> None:
    warnings.warn(text, UserWarning, stacklevel=3)
