# SPDX-License-Identifier: Apache-2.0
"""TFRecord files: framing and checksums, without tensorflow.

A record is its length (uint64), the masked CRC-32C of the length (uint32), the data, and the masked CRC-32C of the data,
all little-endian. Source: https://www.tensorflow.org/tutorials/load_data/tfrecord, "TFRecords format details".
"""

import os
import struct
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import google_crc32c

from genima.borders.files import regular_file
from genima.errors import DatasetError

_LENGTH = struct.Struct('<Q')
_CRC = struct.Struct('<I')
_HEADER_BYTES = _LENGTH.size + _CRC.size


@dataclass(frozen=True)
class Record:
    """Where a record lies: its file, its number in the file, the offset of its data and their length in bytes."""

    path: Path
    number: int
    offset: int
    length: int

    def read(self) -> memoryview:
        """Return the data.

        Raises:
            DatasetError: if they do not have the checksum that was stored with them.
        """
        with self.path.open('rb') as file:
            file.seek(self.offset)
            data = file.read(self.length)
            stored = file.read(_CRC.size)
        if len(data) != self.length or stored != _CRC.pack(_masked(google_crc32c.value(data))):
            raise DatasetError(f'{self.path}: record {self.number} is damaged (CRC-32C differs); copy the file again')
        return memoryview(data)


def write_record(path: Path, chunks: Iterable[bytes]) -> None:
    """Write a file with one record, given in pieces.

    The file is flushed to the disk, but not written atomically: the caller names it when it is complete.
    """
    pieces = list(chunks)
    length = _LENGTH.pack(sum(len(piece) for piece in pieces))
    crc = 0
    with path.open('wb') as file:
        file.write(length + _CRC.pack(_masked(google_crc32c.value(length))))
        for piece in pieces:
            crc = google_crc32c.extend(crc, piece)
            file.write(piece)
        file.write(_CRC.pack(_masked(crc)))
        file.flush()
        os.fsync(file.fileno())


def list_records(path: Path) -> list[Record]:
    """Return the records of a file, without reading their data.

    Raises:
        DatasetError: if the file is no TFRecord file, or ends within a record.
    """
    records: list[Record] = []
    size, end = regular_file(path).stat().st_size, 0
    with path.open('rb') as file:
        while end < size:
            file.seek(end)
            header = file.read(_HEADER_BYTES)
            if len(header) < _HEADER_BYTES:
                raise DatasetError(f'{path} ends within the header of record {len(records)}; copy the file again')
            if header[_LENGTH.size :] != _CRC.pack(_masked(google_crc32c.value(header[: _LENGTH.size]))):
                raise DatasetError(f'{path}: no TFRecord header at byte {end}; the file is damaged or of another format')
            (length,) = _LENGTH.unpack(header[: _LENGTH.size])
            records.append(Record(path, len(records), end + _HEADER_BYTES, length))
            end += _HEADER_BYTES + length + _CRC.size
    if end > size:
        raise DatasetError(f'{path} ends {end - size} bytes before record {len(records) - 1} does; copy the file again')
    return records


def _masked(crc: int) -> int:
    """Return a checksum as the format stores it: rotated and offset, so that checksums of checksums differ from zero."""
    return ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF
