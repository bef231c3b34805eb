# SPDX-License-Identifier: Apache-2.0
"""Images of every encoding come out as RGB; what lies about itself is refused by name."""

from array import array

import cv2
import numpy as np
import pytest
from builtin_interfaces.msg import Time
from genima_ros.conversions.images import image_array, image_message
from genima_ros.conversions.messages import nanoseconds, stamp
from sensor_msgs.msg import CompressedImage, Image

from genima.errors import GenimaError

RGB = np.random.default_rng(0).integers(0, 255, (6, 8, 3), dtype=np.uint8)
GREY = np.random.default_rng(1).integers(0, 255, (6, 8), dtype=np.uint8)
FLAT = np.full((6, 8, 3), (200, 90, 40), dtype=np.uint8)


def _message(encoding: str, pixels: np.ndarray, pad: int = 0, big: bool = False) -> Image:
    rows = np.ascontiguousarray(pixels).view(np.uint8).reshape(len(pixels), -1)
    padded = np.pad(rows, ((0, 0), (0, pad)), constant_values=77)
    height, width = pixels.shape[:2]
    message = Image(height=height, width=width, encoding=encoding, step=padded.shape[1], is_bigendian=int(big))
    message.data = array('B', padded.tobytes())
    return message


def _alpha(pixels: np.ndarray) -> np.ndarray:
    return np.concatenate([pixels, np.full((*pixels.shape[:2], 1), 5, np.uint8)], axis=-1)


@pytest.mark.parametrize('pad', [0, 1, 5])
@pytest.mark.parametrize(
    ('encoding', 'pixels', 'wanted'),
    [
        ('rgb8', RGB, RGB), ('bgr8', RGB[..., ::-1], RGB), ('8UC3', RGB[..., ::-1], RGB), ('rgba8', _alpha(RGB), RGB),
        ('bgra8', _alpha(RGB[..., ::-1]), RGB), ('8UC4', _alpha(RGB[..., ::-1]), RGB),
        ('mono8', GREY, np.repeat(GREY[..., None], 3, -1)), ('8UC1', GREY, np.repeat(GREY[..., None], 3, -1)),
        ('mono16', GREY.astype(np.uint16) * 257, np.repeat(GREY[..., None], 3, -1)),
    ],
)  # fmt: skip
def test_colour_and_grey(encoding: str, pixels: np.ndarray, wanted: np.ndarray, pad: int) -> None:
    np.testing.assert_array_equal(image_array(_message(encoding, pixels, pad), 'x'), wanted)


def test_big_endian_grey() -> None:
    pixels = (GREY.astype(np.uint16) * 257).astype('>u2')
    found = image_array(_message('mono16', pixels, 3, big=True), 'x')
    np.testing.assert_array_equal(found, np.repeat(GREY[..., None], 3, -1))


@pytest.mark.parametrize(('encoding', 'luma'), [('yuv422', 1), ('uyvy', 1), ('yuv422_yuy2', 0), ('yuyv', 0)])
def test_both_orders_of_yuv(encoding: str, luma: int) -> None:
    y, u, v = cv2.cvtColor(FLAT, cv2.COLOR_RGB2YUV)[0, 0]  # full range; UYVY is 16 to 235: equal for the hue only
    pixels = np.zeros((6, 8, 2), np.uint8)
    pixels[..., luma] = y
    pixels[:, 0::2, 1 - luma], pixels[:, 1::2, 1 - luma] = u, v
    found = image_array(_message(encoding, pixels, 2), 'x')
    assert np.abs(found.astype(int) - FLAT).max() < 45 and (np.argsort(found[0, 0]) == np.argsort(FLAT[0, 0])).all()


@pytest.mark.parametrize(('pattern', 'red', 'blue'), [
    ('rggb', (0, 0), (1, 1)), ('bggr', (1, 1), (0, 0)), ('gbrg', (1, 0), (0, 1)), ('grbg', (0, 1), (1, 0)),
])  # fmt: skip
def test_bayer(pattern: str, red: tuple[int, int], blue: tuple[int, int]) -> None:
    raw = np.full((6, 8), FLAT[0, 0, 1])
    raw[red[0]::2, red[1]::2], raw[blue[0]::2, blue[1]::2] = FLAT[0, 0, 0], FLAT[0, 0, 2]
    found = image_array(_message(f'bayer_{pattern}8', raw.astype(np.uint8)), 'x')
    np.testing.assert_array_equal(found[2:4, 2:6], FLAT[2:4, 2:6])


@pytest.mark.parametrize(
    ('change', 'words'),
    [
        ({'encoding': '32FC1'}, "x: encoding '32FC1'"), ({'encoding': '16UC1'}, '16UC1'), ({'encoding': ''}, 'encoding'),
        ({'height': 0}, '8x0'), ({'width': 0}, '0x6'), ({'width': 2**32 - 1, 'step': 2**32 - 1}, 'allowed: 1 to'),
        ({'height': 2**31}, 'allowed: 1 to'), ({'step': 3}, '3 bytes per row'), ({'step': 0}, '0 bytes per row'),
        ({'height': 7}, 'bytes do not make'), ({'data': array('B')}, '0 bytes do not make'), ({'width': 9}, 'do not make'),
    ],
)  # fmt: skip
def test_what_lies_about_itself_is_refused_by_topic(change: dict[str, object], words: str) -> None:
    message = _message('rgb8', RGB)
    for name, value in change.items():
        setattr(message, name, value)
    with pytest.raises(GenimaError, match='x: ') as caught:
        image_array(message, 'x')
    assert words in str(caught.value)


def test_an_odd_yuv_is_refused() -> None:
    with pytest.raises(GenimaError, match='7x6 yuv422 cannot be read'):
        image_array(_message('yuv422', np.zeros((6, 7, 2), np.uint8)), 'x')


def test_compressed() -> None:
    data = cv2.imencode('.png', RGB[..., ::-1])[1]
    np.testing.assert_array_equal(image_array(CompressedImage(format='png', data=array('B', data.tobytes())), 'x'), RGB)
    for broken in (b'', b'\xff\xd8\xff\xe0no'):
        with pytest.raises(GenimaError, match='x: '):
            image_array(CompressedImage(format='jpeg', data=array('B', broken)), 'x')


def test_stamps_keep_their_nanoseconds() -> None:
    exact = Time(sec=1_796_082_598, nanosec=123_456_789)
    assert image_message(RGB, exact, 'f').header.stamp == exact and stamp(nanoseconds(exact)) == exact
