# SPDX-License-Identifier: Apache-2.0
"""The records of an MCAP file that may be cut off or damaged anywhere.

`mcap`'s own readers need an intact file; this one goes from record to record by their lengths, and says where it ends.
Source: https://mcap.dev/spec
"""

import struct
import zlib
from collections.abc import Collection, Iterator
from io import BytesIO
from pathlib import Path
from typing import BinaryIO

import lz4.frame
import zstandard
from mcap.data_stream import ReadDataStream
from mcap.exceptions import McapError
from mcap.opcode import Opcode
from mcap.records import Channel, Chunk, McapRecord, Message, Metadata, Schema
from mcap.writer import MCAP0_MAGIC

from genima.borders.files import regular_file
from genima.borders.unpacked import Budget
from genima.errors import BorderError, DatasetError

_PREFIX = struct.Struct('<BQ')  # opcode and length
_READ = frozenset({Opcode.CHUNK, Opcode.SCHEMA, Opcode.CHANNEL, Opcode.MESSAGE, Opcode.METADATA})
_LAST_OPCODE = int(Opcode.DATA_END)
MAX_RECORD_BYTES = 2**28
"""Of one record, and of what a chunk unpacks to; rosbag2's chunks have less than a megabyte and one message."""
FREE_RECORDS = 100_000
"""A file has no more records than these and one for each of its bytes."""
_UNREADABLE = (
    BorderError,
    OverflowError,
    MemoryError,
    McapError,
    struct.error,
    UnicodeDecodeError,
    RuntimeError,
    zstandard.ZstdError,
)


class _Budget(Budget):
    """Bytes that chunks may unpack to, and `records` that may still be in them."""

    def __init__(self, what: str, stored_bytes: int) -> None:
        super().__init__(what, stored_bytes)
        self.records = FREE_RECORDS + stored_bytes


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
    size = regular_file(path).stat().st_size
    budget = _Budget(path.name, size)
    with path.open('rb') as file:
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
                yield from ((offset, record) for record in _read(file, opcode, length, trouble, damage, budget))
                if budget.records < 0:
                    damage.append(f'{path.name} has more records than bytes; the rest is left out')
                    return
            file.seek(offset + _PREFIX.size + length)


def _check_end(file: BinaryIO, name: str, size: int, damage: list[str]) -> None:
    file.seek(-len(MCAP0_MAGIC), 2)
    if file.read() != MCAP0_MAGIC:
        damage.append(f'{name} of {size} bytes has no index: recording was interrupted at its very end')


def _read(file: BinaryIO, opcode: int, length: int, trouble: str, damage: list[str], budget: _Budget) -> list[McapRecord]:
    """Return what one record is or, if it is a chunk, also what it holds; all of it or nothing."""
    found: list[McapRecord] = []
    try:
        if opcode == Opcode.CHUNK:
            chunk = Chunk.read(_stream(file, length))
            found = [chunk, *_inside(_plain(chunk, budget), chunk.uncompressed_crc, budget)]
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
    return found


def _inside(data: bytes, crc: int, budget: _Budget) -> Iterator[McapRecord]:
    """Yield the records of an unpacked chunk; other kinds than those of messages are passed over."""
    if crc and crc != zlib.crc32(data):
        raise McapError('a chunk with another CRC-32 than it says')
    stream = ReadDataStream(BytesIO(data))
    while stream.count < len(data):
        budget.records -= 1
        if budget.records < 0:
            raise BorderError('more records than bytes')
        opcode, length = stream.read1(), stream.read8()
        if opcode == Opcode.MESSAGE:
            yield Message.read(stream, length)
        elif opcode == Opcode.SCHEMA:
            yield Schema.read(stream)
        elif opcode == Opcode.CHANNEL:
            yield Channel.read(stream)
        else:
            stream.read(length)


def _plain(chunk: Chunk, budget: Budget) -> bytes:
    """Return what a chunk unpacks to, no more than it says.

    Raises:
        McapError: if it says too much, or other than it is.
        BorderError: if all chunks together do.
    """
    stated = chunk.uncompressed_size
    if stated > MAX_RECORD_BYTES:
        raise McapError(f'a chunk of {stated} bytes')
    budget.take(stated)
    if chunk.compression == 'zstd':
        # a window of 128 MiB is what zstd itself takes by default
        reader = zstandard.ZstdDecompressor(max_window_size=2**27).stream_reader(chunk.data)
        data = _read_up_to(reader, stated + 1)
    elif chunk.compression == 'lz4':
        data = lz4.frame.LZ4FrameDecompressor().decompress(chunk.data, max_length=stated + 1)
    elif chunk.compression:
        raise McapError(f'compression {chunk.compression[:20]!r}')
    else:
        data = chunk.data
    if len(data) != stated:
        raise McapError(f'a chunk of {stated} bytes unpacks to others')
    return data


def _read_up_to(reader: zstandard.ZstdDecompressionReader, most: int) -> bytes:
    pieces, left = [], most
    while left and (piece := reader.read(left)):
        pieces.append(piece)
        left -= len(piece)
    return b''.join(pieces)


def _stream(file: BinaryIO, length: int) -> ReadDataStream:
    return ReadDataStream(BytesIO(file.read(length)))
