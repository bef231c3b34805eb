# SPDX-License-Identifier: Apache-2.0
"""The records of an MCAP file that may be cut off or damaged anywhere.

`mcap`'s own readers need an intact file; this one goes from record to record by their lengths, and says where it ends.
Source: https://mcap.dev/spec
"""

import struct
from collections.abc import Collection, Iterator
from io import BytesIO
from pathlib import Path
from typing import BinaryIO

import zstandard
from mcap.data_stream import ReadDataStream
from mcap.exceptions import McapError
from mcap.opcode import Opcode
from mcap.records import Channel, Chunk, McapRecord, Message, Metadata, Schema
from mcap.stream_reader import CRCValidationError, breakup_chunk
from mcap.writer import MCAP0_MAGIC

from genima.errors import DatasetError

_PREFIX = struct.Struct('<BQ')  # opcode and length
_READ = frozenset({Opcode.CHUNK, Opcode.SCHEMA, Opcode.CHANNEL, Opcode.MESSAGE, Opcode.METADATA})
_LAST_OPCODE = int(Opcode.DATA_END)
MAX_RECORD_BYTES = 2**30
"""Of one record, and of what a chunk unpacks to; rosbag2's chunks have less than a megabyte and one message."""
_UNREADABLE = (McapError, CRCValidationError, struct.error, UnicodeDecodeError, RuntimeError, zstandard.ZstdError)


def read_records(path: Path, damage: list[str], only: Collection[int] | None = None) -> Iterator[tuple[int, McapRecord]]:
    """Yield the schemas, channels, messages and metadata of a file, from intact chunks only, in the order of the file.

    Also yields each `Chunk` before what is in it. With each comes the byte at which it, or the chunk around it, begins.

    Args:
        path: Of the file.
        damage: Gets a sentence for everything that could not be read.
        only: Where the records begin that are wanted; the others are passed over.

    Raises:
        DatasetError: if it is not an MCAP file at all.
    """
    with path.open('rb') as file:
        size = path.stat().st_size
        if file.read(len(MCAP0_MAGIC)) != MCAP0_MAGIC:
            raise DatasetError(f'{path} is not an MCAP file; it holds nothing that could be read')
        while True:
            offset = file.tell()
            prefix = file.read(_PREFIX.size)
            opcode, length = _PREFIX.unpack(prefix) if len(prefix) == _PREFIX.size else (0, 0)
            if not 0 < opcode <= _LAST_OPCODE or offset + _PREFIX.size + length > size:
                damage.append(f'{path.name} is cut at byte {offset} of {size}: recording was interrupted')
                return
            if length > MAX_RECORD_BYTES and opcode in _READ:
                damage.append(f'{path.name}: the record at byte {offset} says it has {length} bytes; it is passed over')
                file.seek(offset + _PREFIX.size + length)
                continue
            if opcode == Opcode.DATA_END:
                _check_end(file, path.name, size, damage)
                return
            if only is None or offset in only:
                trouble = f'{path.name}: the record at byte {offset} is damaged'
                yield from ((offset, record) for record in _read(file, opcode, length, trouble, damage))
            file.seek(offset + _PREFIX.size + length)


def _check_end(file: BinaryIO, name: str, size: int, damage: list[str]) -> None:
    file.seek(-len(MCAP0_MAGIC), 2)
    if file.read() != MCAP0_MAGIC:
        damage.append(f'{name} of {size} bytes has no index: recording was interrupted at its very end')


def _read(file: BinaryIO, opcode: int, length: int, trouble: str, damage: list[str]) -> Iterator[McapRecord]:
    """Yield what one record is or, if it is a chunk, also what it holds; all of it or nothing."""
    found: list[McapRecord] = []
    try:
        if opcode == Opcode.CHUNK:
            chunk = Chunk.read(_stream(file, length))
            _check_size(chunk)
            found = [chunk, *breakup_chunk(chunk, validate_crc=True)]
        elif opcode == Opcode.SCHEMA:
            found = [Schema.read(_stream(file, length))]
        elif opcode == Opcode.CHANNEL:
            found = [Channel.read(_stream(file, length))]
        elif opcode == Opcode.MESSAGE:
            found = [Message.read(_stream(file, length), length)]
        elif opcode == Opcode.METADATA:
            found = [Metadata.read(_stream(file, length))]
    except _UNREADABLE as error:
        damage.append(f'{trouble} ({error}); what it held is lost')
    yield from found


def _check_size(chunk: Chunk) -> None:
    """Raise McapError for a chunk that says it unpacks to more than is sane, before anything is allocated."""
    stated = chunk.uncompressed_size
    if chunk.compression == 'zstd':
        stated = max(stated, zstandard.frame_content_size(chunk.data))
    if stated > MAX_RECORD_BYTES:
        raise McapError(f'a chunk of {stated} bytes')


def _stream(file: BinaryIO, length: int) -> ReadDataStream:
    return ReadDataStream(BytesIO(file.read(length)))
