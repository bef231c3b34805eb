# SPDX-License-Identifier: Apache-2.0
"""Messages of a bag with storage sqlite3, `*.db3`, by way of rosbags."""

from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any, NamedTuple

from rosbags.interfaces import MessageDefinitionFormat
from rosbags.rosbag2 import Reader

from genima.errors import DatasetError
from genima.recording.database_check import check_database
from genima.recording.rosbag2 import Topic
from genima.recording.schemas import ENCODING, plain_text, standard_definition

_ENCODINGS = {MessageDefinitionFormat.MSG: ENCODING, MessageDefinitionFormat.IDL: 'ros2idl'}


class Row(NamedTuple):
    """A message: its topic, or what cannot be read of it; its time [ns], its number at that time, and its bytes."""

    topic: Topic | str
    name: str
    log_time_ns: int
    number: int
    data: bytes


def read_rows(path: Path, only: Collection[int] | None = None) -> Iterator[Row]:
    """Yield the messages of a database in the order of their times.

    Args:
        path: Of the file.
        only: Times of the messages that are wanted; None: all.

    Raises:
        DatasetError: if it is no such database, or damaged.
    """
    check_database(path)
    try:
        with Reader(path) as reader:
            topics = {each.id: _topic(each) for each in reader.connections}
            spans = [(None, None)] if only is None else [(time_ns, time_ns + 1) for time_ns in sorted(only)]
            number, last_ns = 0, -1
            for start, stop in spans:
                for connection, time_ns, data in reader.messages(start=start, stop=stop):
                    number, last_ns = (number + 1 if time_ns == last_ns else 0), time_ns
                    yield Row(topics[connection.id], connection.topic, time_ns, number, bytes(data))
    except Exception as error:  # rosbags passes on those of its library for SQLite, which differs between versions
        raise DatasetError(f'{path} cannot be read ({error}); copy it again') from error


def _topic(connection: Any) -> Topic | str:
    """Return the topic of a connection, or why its messages cannot be decoded."""
    kind, definition = str(connection.msgtype), connection.msgdef
    if connection.ext.serialization_format != 'cdr':
        return f'topic {connection.topic} is {connection.ext.serialization_format!r}, not CDR'
    if definition.format == MessageDefinitionFormat.NONE:
        text = standard_definition(kind)
        return f'topic {connection.topic}: nothing defines {kind}' if text is None else Topic(connection.topic, kind, text)
    try:
        return Topic(connection.topic, kind, plain_text(kind, definition.data, _ENCODINGS[definition.format]))
    except DatasetError as error:
        return f'topic {connection.topic}: {error}'
