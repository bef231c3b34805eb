# SPDX-License-Identifier: Apache-2.0
"""Reads recordings: our own and those of rosbag2, whole ones and what a power cut has left of them.

Needs neither ROS 2, nor metadata.yaml, nor an index; messages are decoded by the definitions in the file itself, or by
those of ROS 2 where it has none. A topic that cannot be decoded does not spoil the others.
"""

import shutil
import tempfile
import warnings
import weakref
from collections.abc import Callable, Collection, Iterator
from pathlib import Path
from typing import Any, NamedTuple

from mcap.records import Channel, Chunk, Message, Metadata, Schema

from genima.borders.unpacked import Budget
from genima.errors import DatasetError
from genima.recording.bagfile import ABOUT
from genima.recording.database import read_rows
from genima.recording.layout import PACKED, bag_files
from genima.recording.records import read_records
from genima.recording.rosbag2 import Topic
from genima.recording.schemas import ENCODING, Schemas, plain_text, standard_definition
from genima.recording.unpack import unpack_file, unpack_message


class Place(NamedTuple):
    """Where a message lies: number of the file, byte at which its chunk begins, number of the record in the chunk.

    In SQLite the byte is the time of the message, and the record its number among those of that time.
    """

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
        left_out: Topic to a sentence on why its messages cannot be decoded, likewise; the others are whole without them.
        about: What our recorder wrote at the beginning of the file; known from the first message on.
        compression: Of the chunks ('', 'lz4', 'zstd'), likewise.
    """

    def __init__(self, folder: Path | str) -> None:
        """Find the files.

        Raises:
            DatasetError: if there are none.
        """
        self.files = bag_files(folder)
        self.damage: list[str] = []
        self.left_out: dict[str, str] = {}
        self.about: dict[str, str] = {}
        self.compression = ''
        self._topics: dict[tuple[int, int], Topic | None] = {}  # by file and channel; None cannot be decoded
        self._unpacked: dict[int, Path] = {}
        self._budget = Budget('', 0)

    def raw(self, topics: Collection[str] | None = None) -> Iterator[RawMessage]:
        """Yield messages in the order of the file.

        Args:
            topics: Full names of those that are wanted; None: all.

        Raises:
            DatasetError: if a file is neither MCAP nor SQLite, or cannot be unpacked.
        """
        self.damage = []
        for number in range(len(self.files)):
            yield from (item for item in self._raw(number) if topics is None or item.topic.name in topics)

    def at(self, places: Collection[Place]) -> Iterator[RawMessage]:
        """Yield the messages that `raw`, which must have come to its end, found at some places; no others are unpacked."""
        for number in range(len(self.files)):
            chunks = {place.byte for place in places if place.file == number}
            if chunks:
                yield from (item for item in self._raw(number, chunks) if item.place in places)

    def messages(self, topics: Collection[str] | None = None) -> Iterator[BagMessage]:
        """Yield decoded messages in the order of the file; what cannot be decoded is left out, and counted in `damage`.

        Args:
            topics: Full names of those that are wanted; None: all.

        Raises:
            DatasetError: if a file is neither MCAP nor SQLite, or cannot be unpacked.
        """
        bad: dict[str, tuple[int, str]] = {}
        known: dict[Topic, Schemas | None] = {}  # two topics may have types of one name that differ
        for item in self.raw(topics):
            name = item.topic.name
            if item.topic not in known:
                known[item.topic] = self._learned(item.topic)
            schemas = known[item.topic]
            if schemas is None:
                continue
            try:
                message = schemas.decode(item.topic.kind, item.data)
            except DatasetError as error:
                count, first = bad.get(name, (0, str(error)))
                bad[name] = count + 1, first
                continue
            yield BagMessage(name, item.topic.kind, item.log_time_ns, message)
        self.damage += [f'{count} messages of {name} cannot be used: {first}' for name, (count, first) in bad.items()]

    def _learned(self, topic: Topic) -> Schemas | None:
        schemas = Schemas()
        try:
            schemas.add(topic.kind, topic.schema)
        except DatasetError as error:
            self.left_out[topic.name] = f'topic {topic.name}: {error}'
            return None
        return schemas

    def _raw(self, number: int, only: Collection[int] | None = None) -> Iterator[RawMessage]:
        path = self._plain(number)
        self._budget = Budget(str(path), path.stat().st_size)
        return self._rows(number, path, only) if path.suffix == '.db3' else self._records(number, path, only)

    def _plain(self, number: int) -> Path:
        """Return a file as it can be read: itself, or what it unpacks to, until the bag is forgotten."""
        path = self.files[number]
        if not path.name.endswith(PACKED):
            return path
        if number not in self._unpacked:
            folder = Path(tempfile.mkdtemp(prefix='genima-bag-'))
            weakref.finalize(self, shutil.rmtree, folder, ignore_errors=True)
            self._unpacked[number] = unpack_file(path, folder)
        return self._unpacked[number]

    def _rows(self, number: int, path: Path, only: Collection[int] | None) -> Iterator[RawMessage]:
        for row in read_rows(path, only):
            if isinstance(row.topic, str):
                self.left_out[row.name] = row.topic
                continue
            place = Place(number, row.log_time_ns, row.number)
            yield from self._message(row.topic, row.log_time_ns, row.log_time_ns, row.data, place)

    def _records(self, number: int, path: Path, only: Collection[int] | None) -> Iterator[RawMessage]:
        schemas, lost = dict[int, Schema](), 0
        chunk, index = 0, 0
        for byte, record in read_records(path, self.damage, only):
            chunk, index = byte, index + 1 if byte == chunk else 0
            if isinstance(record, Message):
                topic = self._topics.get((number, record.channel_id))
                lost += (number, record.channel_id) not in self._topics
                if topic is not None:
                    place = Place(number, byte, index)
                    yield from self._message(topic, record.log_time, record.publish_time, record.data, place)
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

    def _message(self, topic: Topic, log_ns: int, publish_ns: int, data: bytes, place: Place) -> Iterator[RawMessage]:
        """Yield a message, unless it was compressed and cannot be unpacked."""
        try:
            plain = unpack_message(data, self._budget)
        except DatasetError as error:
            self.left_out[topic.name] = f'topic {topic.name}, one message or more: {error}'
            return
        yield RawMessage(topic, log_ns, publish_ns, plain, place)

    def _topic(self, channel: Channel, schemas: dict[int, Schema]) -> Topic | None:
        """Return what a channel announces; None if its messages cannot be decoded, and then say why."""
        schema, name = schemas.get(channel.schema_id), channel.topic
        try:
            if channel.message_encoding != 'cdr':
                raise DatasetError(f'its messages are {channel.message_encoding!r}, not CDR')
            kind = '' if schema is None else schema.name
            stated = b'' if schema is None else schema.data
            text = plain_text(kind, stated.decode(), schema.encoding) if schema and stated else standard_definition(kind)
            if text is None and (schema is None or schema.encoding != ENCODING):
                raise DatasetError(f'nothing defines its type {kind!r}')
            return Topic(name, kind, text or '', channel.metadata.get('offered_qos_profiles', ''))
        except (DatasetError, UnicodeDecodeError) as error:
            self.left_out[name] = f'topic {name}: {error}'
            return None


def read_bag(
    folder: Path | str, topics: Collection[str] | None = None, on_damage: Callable[[str], None] | None = None
) -> Iterator[BagMessage]:
    """Yield (topic, type, log time [ns], message) in the order of the file, also of what a power cut has left.

    Args:
        folder: A rosbag2 folder, or one file of it.
        topics: Full names of those that are wanted; None: all.
        on_damage: Called at the end with a sentence for everything that could not be read; by default it is warned of.

    Raises:
        DatasetError: if there is no file of a bag, or it cannot be unpacked.
    """
    bag = Bag(folder)
    yield from bag.messages(topics)
    for text in (*bag.damage, *bag.left_out.values()):
        (on_damage or _warn)(f'{folder}: {text}')


def _warn(text: str) -> None:
    warnings.warn(text, UserWarning, stacklevel=3)
