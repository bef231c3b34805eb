# SPDX-License-Identifier: Apache-2.0
"""What lies in a record for one feature: numbers, texts and pictures of all steps, one value after the other."""

import zlib
from collections.abc import Iterable, Iterator

import cv2
import numpy as np

from genima.convert.rlds.example import Field
from genima.convert.rlds.features import Feature
from genima.errors import DatasetError


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
        dtype = np.dtype(feature.dtype)
        if not isinstance(field, np.ndarray):
            unpack = zlib.decompress if feature.encoding == 'zlib' else bytes
            arrays = [np.frombuffer(unpack(value), dtype.newbyteorder('<')).reshape(shape) for value in field]
            return np.stack(arrays).astype(dtype)
        if dtype == np.uint64:
            return field.view(np.uint64).reshape(-1, *shape)
        return field.astype(dtype).reshape(-1, *shape)
    except (TypeError, ValueError, zlib.error) as error:
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
        flags = cv2.IMREAD_COLOR | cv2.IMREAD_IGNORE_ORIENTATION
        image = cv2.imdecode(np.frombuffer(value, np.uint8), flags) if len(value) else None
        if image is None:
            raise DatasetError(f'{name}: the picture of step {index} is no PNG or JPEG ({len(value)} bytes)')
        if images is None:
            images = np.empty((len(field), *image.shape), dtype=np.uint8)
        if image.shape != images.shape[1:]:
            raise DatasetError(f'{name}: the picture of step {index} is {image.shape}, of step 0 {images.shape[1:]}')
        images[index] = image[..., ::-1]
    return np.zeros((0, 1, 1, 3), dtype=np.uint8) if images is None else images
