# SPDX-License-Identifier: Apache-2.0
"""What rosbag2 compressed: whole files, and single messages. Sizes are checked before anything is written or allocated."""

import shutil
import tempfile
from pathlib import Path

import zstandard

from genima.borders.files import regular_file
from genima.borders.unpacked import ALWAYS_BYTES, MAX_RATIO, Budget
from genima.errors import DatasetError
from genima.recording.layout import PACKED

MAX_MESSAGE_BYTES = 2**28
RESERVE_BYTES = 2**28
_BLOCK = 2**20
_MAGIC = b'\x28\xb5\x2f\xfd'  # no CDR begins so: its first byte is zero


def unpack_message(data: bytes, budget: Budget) -> bytes:
    """Return a message as CDR, also one that `ros2 bag record --compression-mode message` compressed.

    Args:
        data: The message.
        budget: Of the file that it is in.

    Raises:
        DatasetError: if it is damaged or too large.
        BorderError: if all of the file unpacks to too much.
    """
    if not data.startswith(_MAGIC):
        return data
    try:
        stated = zstandard.frame_content_size(data)
        if stated > MAX_MESSAGE_BYTES:
            raise DatasetError(f'a message says it unpacks to {stated} bytes, allowed {MAX_MESSAGE_BYTES}')
        if stated >= 0:
            budget.take(stated)
            return zstandard.ZstdDecompressor().decompress(data)
        plain = zstandard.ZstdDecompressor().decompress(data, max_output_size=MAX_MESSAGE_BYTES)
        budget.take(len(plain))
        return plain
    except zstandard.ZstdError as error:
        raise DatasetError(f'a message of {len(data)} bytes cannot be unpacked ({error})') from error


def unpack_file(path: Path, folder: Path) -> Path:
    """Unpack a file of a bag into a folder and return its path there.

    Raises:
        DatasetError: if it is damaged, or there is no room for it.
    """
    out = folder / path.name.removesuffix(PACKED)
    room = min(
        shutil.disk_usage(folder).free - RESERVE_BYTES, max(ALWAYS_BYTES, MAX_RATIO * regular_file(path).stat().st_size)
    )
    try:
        with path.open('rb') as packed, out.open('wb') as plain:
            stated = zstandard.frame_content_size(packed.read(32))
            packed.seek(0)
            reader = zstandard.ZstdDecompressor().stream_reader(packed, read_across_frames=True)
            while stated <= room and (block := reader.read(_BLOCK)):
                plain.write(block)
                room -= len(block)
                stated = max(stated - len(block), 0)
            if stated > room:
                raise DatasetError(
                    f'{path} unpacks to more than fits into {tempfile.gettempdir()}, or is no recording: '
                    'set TMPDIR to a folder with room, or unpack it with `zstd -d`'
                )
    except (OSError, zstandard.ZstdError) as error:
        raise DatasetError(f'{path} cannot be unpacked ({error}); copy it again') from error
    return out
