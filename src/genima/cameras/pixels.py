# SPDX-License-Identifier: Apache-2.0
"""The pixels of image messages, raw or compressed, as RGB; what cannot be read is refused by name.

Encodings: sensor_msgs/image_encodings.hpp. OpenCV names a Bayer pattern by the second row, ROS by the first.
"""

from collections.abc import Callable
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from genima.cameras.image_file import decode_rgb
from genima.errors import GenimaError

MAX_SIDE_PX = 2**15
_BAYER = {
    'rggb': cv2.COLOR_BayerBG2RGB,
    'bggr': cv2.COLOR_BayerRG2RGB,
    'gbrg': cv2.COLOR_BayerGR2RGB,
    'grbg': cv2.COLOR_BayerGB2RGB,
}
_Pixels = NDArray[Any]


def _ordered(*channels: int) -> Callable[[_Pixels], _Pixels]:
    return lambda pixels: pixels[..., list(channels)]


def _converted(code: int) -> Callable[[_Pixels], _Pixels]:
    return lambda pixels: np.asarray(cv2.cvtColor(np.ascontiguousarray(pixels), code))


_COLOURS = {'rgb': (0, 1, 2), 'bgr': (2, 1, 0), 'rgba': (0, 1, 2), 'bgra': (2, 1, 0), 'mono': (0, 0, 0)}
# 8UC3 and 8UC4 say nothing of the order of colours; it is that of OpenCV, which fills them
_PLAIN = {'8UC1': 'mono8', '8UC3': 'bgr8', '8UC4': 'bgra8', 'uyvy': 'yuv422', 'yuyv': 'yuv422_yuy2'}
_LAYOUTS: dict[str, tuple[int, int, Callable[[_Pixels], _Pixels]]] = {
    **{
        f'{name}{8 * size}': (len(name) if name != 'mono' else 1, size, _ordered(*order))
        for name, order in _COLOURS.items()
        for size in (1, 2)
    },
    **{f'bayer_{name}{8 * size}': (1, size, _converted(code)) for name, code in _BAYER.items() for size in (1, 2)},
    'yuv422': (2, 1, _converted(cv2.COLOR_YUV2RGB_UYVY)),
    'yuv422_yuy2': (2, 1, _converted(cv2.COLOR_YUV2RGB_YUY2)),
}
"""Encoding to channels, bytes of each, and what makes RGB of them."""
ENCODINGS = (*_LAYOUTS, *_PLAIN)


def raw_pixels(message: Any, where: str) -> NDArray[np.uint8]:
    """Return the pixels of a sensor_msgs/Image.

    Args:
        message: a colour or grey image of 8 or 16 bits, from any library that has the fields of the message.
        where: topic, for the error message.

    Returns:
        RGB, shape (height, width, 3), uint8, 16 bits scaled to 8; a view of the message's data where its layout allows.

    Raises:
        GenimaError: for another encoding (a depth image, for example) or if the data does not fit the size.
    """
    encoding = _PLAIN.get(message.encoding, message.encoding)
    if encoding not in _LAYOUTS:
        allowed = ', '.join(ENCODINGS)
        raise GenimaError(f'{where}: encoding {message.encoding!r} is not a colour image; allowed: {allowed}')
    channels, size, to_rgb = _LAYOUTS[encoding]
    height, width, step = int(message.height), int(message.width), int(message.step)
    data = np.frombuffer(message.data, dtype=np.uint8)
    row = width * channels * size
    if not (0 < height <= MAX_SIDE_PX and 0 < width <= MAX_SIDE_PX and step >= row and data.size == height * step):
        raise GenimaError(
            f'{where}: {data.size} bytes do not make {width}x{height} {message.encoding} with {step} bytes per row'
        )
    if encoding.startswith('yuv') and width % 2:
        raise GenimaError(f'{where}: {width} pixels of {message.encoding} in a row; they come in pairs')
    rows = data.reshape(height, step)[:, :row]
    if size == 2:
        words = np.ascontiguousarray(rows).view('>u2' if message.is_bigendian else '<u2')
        rows = words.astype(np.uint16)
    pixels = rows.reshape(height, width, channels) if channels > 1 else rows.reshape(height, width)
    if encoding == 'rgb8':
        return pixels
    return _eight_bits(to_rgb(pixels if not encoding.startswith('mono') else pixels[..., None]))


def compressed_pixels(message: Any, where: str) -> NDArray[np.uint8]:
    """Return the pixels of a sensor_msgs/CompressedImage, JPEG or PNG, as RGB (height, width, 3) uint8.

    Raises:
        GenimaError: if it is neither, or damaged.
    """
    pixels = decode_rgb(np.asarray(message.data, dtype=np.uint8).tobytes())
    if pixels is None:
        raise GenimaError(f'{where}: format {message.format!r} with {len(message.data)} bytes is no JPEG or PNG, or damaged')
    return pixels


def _eight_bits(pixels: _Pixels) -> NDArray[np.uint8]:
    if pixels.dtype == np.uint16:
        pixels = (pixels.astype(np.uint32) + 128) // 257  # 65535 becomes 255, rounded
    return np.ascontiguousarray(pixels, dtype=np.uint8)
