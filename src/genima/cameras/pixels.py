# SPDX-License-Identifier: Apache-2.0
"""The pixels of image messages, raw or compressed, as RGB; what cannot be read is refused by name."""

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from genima.errors import GenimaError

CHANNELS = {'rgb8': (0, 1, 2), 'bgr8': (2, 1, 0), 'rgba8': (0, 1, 2), 'bgra8': (2, 1, 0), 'mono8': (0, 0, 0)}
STRIDE = {'rgb8': 3, 'bgr8': 3, 'rgba8': 4, 'bgra8': 4, 'mono8': 1}


def raw_pixels(message: Any, where: str) -> NDArray[np.uint8]:
    """Return the pixels of a sensor_msgs/Image.

    Args:
        message: an 8-bit colour or grey image, from any library that has the fields of the message.
        where: topic, for the error message.

    Returns:
        RGB, shape (height, width, 3), uint8; a view of the message's data where its layout allows.

    Raises:
        GenimaError: for another encoding (a depth image, for example) or if the data does not fit the size.
    """
    if message.encoding not in CHANNELS:
        allowed = ', '.join(CHANNELS)
        raise GenimaError(f'{where}: encoding {message.encoding!r} is not a colour image; allowed: {allowed}')
    stride = STRIDE[message.encoding]
    data = np.frombuffer(message.data, dtype=np.uint8)
    if message.step < message.width * stride or data.size != message.height * message.step:
        raise GenimaError(
            f'{where}: {data.size} bytes do not make {message.width}x{message.height} {message.encoding}'
            f' with {message.step} bytes per row'
        )
    rows = data.reshape(message.height, message.step)[:, : message.width * stride]
    pixels = rows.reshape(message.height, message.width, stride)
    return pixels if message.encoding == 'rgb8' else np.ascontiguousarray(pixels[..., list(CHANNELS[message.encoding])])


def compressed_pixels(message: Any, where: str) -> NDArray[np.uint8]:
    """Return the pixels of a sensor_msgs/CompressedImage, JPEG or PNG, as RGB (height, width, 3) uint8.

    Raises:
        GenimaError: if it is neither, or damaged.
    """
    pixels = cv2.imdecode(np.frombuffer(message.data, dtype=np.uint8), cv2.IMREAD_COLOR)
    if pixels is None:
        raise GenimaError(f'{where}: format {message.format!r} with {len(message.data)} bytes is no JPEG or PNG')
    return np.ascontiguousarray(pixels[..., ::-1], dtype=np.uint8)
