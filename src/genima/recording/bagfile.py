# SPDX-License-Identifier: Apache-2.0
"""One MCAP file that is being written, and what has to be known about it afterwards."""

import hashlib
import os
from collections.abc import Mapping
from pathlib import Path

from mcap.writer import CompressionType, Writer

from genima import __version__
from genima.errors import DatasetError
from genima.recording.rosbag2 import Counts, Topic, describe, metadata_text
from genima.recording.schemas import ENCODING, Schemas

COMPRESSIONS = {'none': CompressionType.NONE, 'lz4': CompressionType.LZ4, 'zstd': CompressionType.ZSTD}
CHUNK_BYTES = 4 * 1024 * 1024
ABOUT = 'genima'
"""Name of the MCAP metadata record that holds `about`, at the beginning of the file."""


class BagFile:
    """An MCAP file as rosbag2 writes it. For one thread at a time.

    Args:
        path: Of the new file.
        compression: One of `COMPRESSIONS`, of each chunk.
        about: Texts that are stored at the beginning, where a power cut does not reach them.
        name: That the file will have in the end, where it is not that of `path`.

    Raises:
        DatasetError: if the file exists or the compression is unknown.
    """

    def __init__(self, path: Path, compression: str, about: Mapping[str, str], name: str = '') -> None:
        if compression not in COMPRESSIONS:
            raise DatasetError(f'compression {compression!r}; allowed: {", ".join(COMPRESSIONS)}')
        self.name = name or path.name
        self.topics: dict[str, Topic] = {}
        self.counts: dict[str, Counts] = {}
        self._channels: dict[str, int] = {}
        self._schema_ids: dict[str, int] = {}
        self._schemas = Schemas()
        try:
            self._output = _HashedFile(path)
        except FileExistsError as error:
            raise DatasetError(f'{path} exists; a recording never overwrites one') from error
        self._mcap = Writer(self._output, chunk_size=CHUNK_BYTES, compression=COMPRESSIONS[compression])  # type: ignore[arg-type]
        self._mcap.start(profile='ros2', library=f'genima {__version__}')
        self._mcap.add_metadata(ABOUT, dict(about))

    @property
    def size_bytes(self) -> int:
        """Bytes in the file so far; messages of the open chunk are not in it yet."""
        return self._output.tell()

    @property
    def sha256(self) -> str:
        """Digest of these bytes."""
        return self._output.sha256.hexdigest()

    def add_topic(self, topic: Topic) -> None:
        """Announce a topic; a second time changes nothing.

        Raises:
            DatasetError: if its definition cannot be parsed.
        """
        if topic.name in self.topics:
            return
        self._schemas.add(topic.kind, topic.schema)
        if topic.kind not in self._schema_ids:
            self._schema_ids[topic.kind] = self._mcap.register_schema(topic.kind, ENCODING, topic.schema.encode())
        extra = {'offered_qos_profiles': topic.qos, 'topic_type_hash': self._schemas.type_hash(topic.kind)}
        self._channels[topic.name] = self._mcap.register_channel(topic.name, 'cdr', self._schema_ids[topic.kind], extra)
        self.topics[topic.name], self.counts[topic.name] = topic, Counts()

    def write(self, name: str, log_time_ns: int, data: bytes, publish_time_ns: int | None = None) -> None:
        """Append a message in CDR.

        Raises:
            DatasetError: if the topic was not announced.
        """
        if name not in self._channels:
            raise DatasetError(f'topic {name} was not announced; this bag has {", ".join(self.topics) or "none"}')
        counts = self.counts[name]
        publish_ns = log_time_ns if publish_time_ns is None else publish_time_ns
        self._mcap.add_message(self._channels[name], log_time_ns, data, publish_ns, sequence=counts.messages)
        counts.add(log_time_ns)

    def flush(self) -> None:
        """End the open chunk and hand everything to the operating system: a killed process loses nothing of it."""
        self._mcap.flush()

    def sync(self) -> None:
        """Wait until what was flushed is on the disk: a power cut loses nothing of it. For any thread."""
        self._output.sync()

    def close(self) -> str:
        """Write the index, and return the text of the metadata.yaml that belongs to the file."""
        description = describe(self.name, self.topics, self.counts)
        # without it rosbag2 takes the qualities of service for those of its version 9
        text = metadata_text(description)
        self._mcap.add_metadata('rosbag2', {'serialized_metadata': metadata_text(description, wrapped=False)})
        self._mcap.finish()
        self._output.flush()
        self._output.sync()
        self._output.close()
        return text

    def abandon(self) -> None:
        """Close the file as it is, without index."""
        self._output.close()


class _HashedFile:
    """A new file that is only appended to, with the digest of what was."""

    def __init__(self, path: Path) -> None:
        self._file = path.open('xb')
        self._count = 0
        self.sha256 = hashlib.sha256()

    def write(self, data: bytes) -> int:
        self.sha256.update(data)
        self._count += len(data)
        return self._file.write(data)

    def tell(self) -> int:
        return self._count

    def flush(self) -> None:
        self._file.flush()

    def sync(self) -> None:
        os.fsync(self._file.fileno())

    def close(self) -> None:
        self._file.close()
