# SPDX-License-Identifier: Apache-2.0
"""What lies in a record for one feature: numbers, texts and pictures of all steps, one value after the other."""

import math
import re
from collections.abc import Iterable, Iterator

import cv2
import numpy as np

from genima.borders.unpacked import ALWAYS_BYTES, check_unpacked, inflate
from genima.cameras.image_file import decode_rgb
from genima.convert.rlds.example import Field
from genima.convert.rlds.features import Feature
from genima.errors import DatasetError

_NUMBER = re.compile(r'bool|u?int(8|16|32|64)|float(16|32|64)')


def exact(values: np.ndarray) -> list[bytes]:
    """Return float64 numbers (k,) as a tensor of encoding 'bytes' is stored: no bit is lost."""
    return [value.tobytes() for value in values.astype('<f8')]


def texts(field: Field) -> list[str]:
    """Return texts, from UTF-8."""
    return [bytes(value).decode(errors='replace') for value in field]


def numbers(name: str, feature: Feature, field: Field) -> np.ndarray:
    """Return numbers of shape (k, *shape of the feature) and of its type.

    Raises:
        DatasetError: if what is stored does not fit the feature.
    """
    shape = [-1 if length is None else length for length in feature.shape]
    try:
        if not _NUMBER.fullmatch(feature.dtype):
            raise TypeError(f'{feature.dtype[:40]!r} is no type of numbers')
        dtype = np.dtype(feature.dtype)
        if not isinstance(field, np.ndarray):
            most = ALWAYS_BYTES if -1 in shape else dtype.itemsize * math.prod(shape)
            arrays, unpacked, stored = [], 0, 0
            for value in field:
                data = inflate(value, most) if feature.encoding == 'zlib' else bytes(value)
                unpacked, stored = unpacked + len(data), stored + len(value)
                check_unpacked(unpacked, stored, name)
                arrays.append(np.frombuffer(data, dtype.newbyteorder('<')).reshape(shape))
            return np.stack(arrays).astype(dtype)
        if dtype == np.uint64:
            return field.view(np.uint64).reshape(-1, *shape)
        return field.astype(dtype).reshape(-1, *shape)
    except (TypeError, ValueError, OverflowError) as error:
        raise DatasetError(
            f'{name} ({feature}) does not fit what is stored: {error}; is features.json of these files?'
        ) from error


def png(images: Iterable[np.ndarray]) -> Iterator[bytes]:
    """Yield RGB pictures (H, W, 3) as PNG, which loses nothing.

    OpenCV's own settings: measured on 640x480 renderings, every other level, strategy and filter was slower, and larger.
    """
    for image in images:
        yield cv2.imencode('.png', image[..., ::-1])[1].tobytes()


def pictures(name: str, feature: Feature, field: Field) -> np.ndarray:
    """Return pictures (k, H, W, 3) RGB uint8, stored as PNG, JPEG or as a tensor.

    A JPEG may differ by a few steps of grey from what tensorflow makes of it, which takes a faster inverse transform.

    Raises:
        DatasetError: if one cannot be decoded, or they differ in size.
    """
    if isinstance(field, np.ndarray) or feature.kind == 'tensor':
        return numbers(name, feature, field)
    images: np.ndarray | None = None
    for index, value in enumerate(field):
        # the orientation in a JPEG's EXIF is not applied: tensorflow does not either
        image = decode_rgb(bytes(value))
        if image is None:
            raise DatasetError(f'{name}: the picture of step {index} is no PNG or JPEG ({len(value)} bytes)')
        if images is None:
            check_unpacked(len(field) * image.nbytes, sum(map(len, field)), name)
            images = np.empty((len(field), *image.shape), dtype=np.uint8)
        if image.shape != images.shape[1:]:
            raise DatasetError(f'{name}: the picture of step {index} is {image.shape}, of step 0 {images.shape[1:]}')
        images[index] = image
    return np.zeros((0, 1, 1, 3), dtype=np.uint8) if images is None else images
