# SPDX-License-Identifier: Apache-2.0
"""JPEG and PNG images as the sensor saw them: their size is checked first, and an EXIF orientation turns nothing.

Calibrations are of the sensor; a viewer's wish to see an image upright must not move a pixel.
"""

import struct

import cv2
import numpy as np
from numpy.typing import NDArray

MAX_PIXELS = 2**26
MAX_SCANS = 200
"""Of a JPEG: each goes over the whole image, and takes no room in the file; encoders make ten."""
_SCAN = b'\xff\xda'
_PNG, _JPEG = b'\x89PNG\r\n\x1a\n', b'\xff\xd8'
_SIZE_MARKERS = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}  # SOF0 to SOF15, without DHT, JPG and DAC
_ALONE = frozenset(range(0xD0, 0xDA)) | {0x01}  # markers without a length


def decode_rgb(data: bytes) -> NDArray[np.uint8] | None:
    """Return a JPEG or PNG image as RGB (height, width, 3) uint8; None if it is neither, damaged, or too large."""
    width, height = stated_size(data)
    if not 0 < width * height <= MAX_PIXELS or not _is_whole(data) or data.count(_SCAN) > MAX_SCANS:
        return None
    try:
        pixels = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR | cv2.IMREAD_IGNORE_ORIENTATION)
    except cv2.error:
        return None
    return None if pixels is None else np.ascontiguousarray(pixels[..., ::-1], dtype=np.uint8)


def stated_size(data: bytes) -> tuple[int, int]:
    """Return width and height as a JPEG or PNG states them [px]; zeros where it is neither.

    Sources: ISO 15948, 11.2.1; ITU-T T.81, annex B.
    """
    if data.startswith(_PNG) and len(data) >= 24:
        width, height = struct.unpack_from('>II', data, 16)
        return int(width), int(height)
    at = 2 if data.startswith(_JPEG) else len(data)
    while at + 9 <= len(data):
        if data[at] != 0xFF:
            return 0, 0
        marker = data[at + 1]
        if marker in _SIZE_MARKERS:
            height, width = struct.unpack_from('>HH', data, at + 5)
            return int(width), int(height)
        if marker == 0xFF or marker in _ALONE:
            at += 1 if marker == 0xFF else 2
        else:
            at += 2 + int(struct.unpack_from('>H', data, at + 2)[0])
    return 0, 0


def _is_whole(data: bytes) -> bool:
    """Return whether the end is there: OpenCV paints what is missing of a JPEG grey, without a word."""
    tail = data.rstrip(b'\0')[-64:]  # buffers of drivers are longer than what is in them
    return (b'IEND' if data.startswith(_PNG) else b'\xff\xd9') in tail
