# SPDX-License-Identifier: Apache-2.0
"""What compressed data unpack to: little, or not many times what is stored; checked before memory is taken."""

import zlib

from genima.errors import BorderError

ALWAYS_BYTES = 2**26
MAX_RATIO = 100
"""Images of a camera unpack to ten times their size, rendered ones to thirty; more only what is empty, or made to harm."""


def check_unpacked(unpacked_bytes: int, stored_bytes: int, what: str, always_bytes: int = ALWAYS_BYTES) -> None:
    """Refuse what is large unpacked, and nothing as it is stored.

    Args:
        unpacked_bytes: As stated.
        stored_bytes: In the file.
        what: For the message.
        always_bytes: Up to which the ratio does not matter.

    Raises:
        BorderError: with both sizes.
    """
    if unpacked_bytes > always_bytes and unpacked_bytes > MAX_RATIO * stored_bytes:
        raise BorderError(
            f'{what} would unpack from {stored_bytes} bytes to {unpacked_bytes}; above {always_bytes // 2**20} MiB at most '
            f'{MAX_RATIO} times what is stored is read'
        )


class Budget:
    """What the pieces of one file may unpack to, all together.

    Args:
        what: For the message.
        stored_bytes: Of the file.
    """

    def __init__(self, what: str, stored_bytes: int) -> None:
        self._what, self._stored, self._unpacked = what, stored_bytes, 0

    def take(self, unpacked_bytes: int) -> None:
        """Count a piece, before it is unpacked.

        Raises:
            BorderError: if it is one too many.
        """
        self._unpacked += unpacked_bytes
        check_unpacked(self._unpacked, self._stored, self._what)


def inflate(data: bytes | memoryview, most: int) -> bytes:
    """Return zlib data unpacked.

    Args:
        data: Compressed.
        most: Bytes that they may unpack to.

    Raises:
        BorderError: if they are damaged, or unpack to more.
    """
    unpacker = zlib.decompressobj()
    try:
        plain = unpacker.decompress(data, most + 1)
    except zlib.error as error:
        raise BorderError(f'{len(data)} bytes are not zlib ({error})') from error
    if len(plain) > most or not unpacker.eof:
        raise BorderError(f'{len(data)} bytes do not unpack to {most} bytes or less')
    return plain
