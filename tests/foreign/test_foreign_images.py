# SPDX-License-Identifier: Apache-2.0
"""Images of other drivers: encodings, orientation, damage, and what camera_info says of region and binning."""

import struct
from pathlib import Path
from types import SimpleNamespace

import cv2
import foreign_bags as bags
import numpy as np
import pytest
from foreign_bags import (
    CAMERA,
    HEIGHT_PX,
    WIDTH_PX,
    check_images,
    check_whole,
    convert,
    encoded,
    pixels,
    plain,
    without,
    write_bag,
)

from genima.calibration.samples import read_picture
from genima.cameras.image_file import decode_rgb, stated_size
from genima.cameras.info import camera_in
from genima.cameras.model import CameraModel
from genima.cameras.pixels import raw_pixels
from genima.convert.mcap import messages
from genima.errors import CalibrationError, GenimaError

IMAGE = '/cameras/front/image_raw'


def exif(jpeg: bytes, orientation: int, order: str = '>') -> bytes:
    """Put an EXIF orientation into a JPEG."""
    mark = b'MM\0*' if order == '>' else b'II*\0'
    entry = struct.pack(f'{order}HHIHH', 0x0112, 3, 1, orientation, 0)
    tiff = b'Exif\0\0' + mark + struct.pack(f'{order}I', 8) + struct.pack(f'{order}H', 1) + entry + bytes(4)
    return jpeg[:2] + b'\xff\xe1' + struct.pack('>H', len(tiff) + 2) + tiff + jpeg[2:]


@pytest.mark.parametrize('order', ['>', '<'])
@pytest.mark.parametrize('orientation', range(1, 9))
def test_an_orientation_turns_nothing(tmp_path: Path, orientation: int, order: str) -> None:
    jpeg = encoded(np.kron(pixels(3), np.ones((8, 8, 1), np.uint8)), '.jpg')
    tagged = exif(jpeg, orientation, order)
    plain_rgb, rgb = decode_rgb(jpeg), decode_rgb(tagged)
    assert plain_rgb is not None and rgb is not None
    np.testing.assert_array_equal(rgb, plain_rgb)
    (tmp_path / 'a.jpg').write_bytes(tagged)
    np.testing.assert_array_equal(read_picture(tmp_path / 'a.jpg'), plain_rgb)


def test_a_bag_with_turned_jpegs_gives_the_images_of_the_sensor(tmp_path: Path) -> None:
    for name, orientation in (('a', 1), ('b', 6)):
        make = lambda number, time_s, o=orientation: bags.compressed(exif(encoded(pixels(number), '.jpg'), o), time_s)  # noqa: E731
        write_bag(tmp_path / f'in_{name}' / 'bag', without(plain(), IMAGE) + bags.images(f'{IMAGE}/compressed', make))
    upright, turned = (convert(tmp_path / f'in_{name}', tmp_path / f'out_{name}') for name in 'ab')
    np.testing.assert_array_equal(turned.views['front'], upright.views['front'])
    check_images(turned, atol=60)


def _yuv(image: np.ndarray, code: int) -> np.ndarray:
    return np.asarray(cv2.cvtColor(image, code)).reshape(image.shape[0], -1)


def _bayer(image: np.ndarray, order: str) -> np.ndarray:
    mosaic = np.zeros(image.shape[:2], image.dtype)
    for place, colour in enumerate(order):
        row, column = divmod(place, 2)
        mosaic[row::2, column::2] = image[row::2, column::2, 'rgb'.index(colour)]
    return mosaic


def _wide(values: np.ndarray, order: str) -> np.ndarray:
    return (values.astype(np.uint32) * 257).astype(f'{order}u2').view(np.uint8).reshape(values.shape[0], -1)


def _padded(rows: np.ndarray) -> np.ndarray:
    return np.hstack([rows, np.full((rows.shape[0], 12), 77, np.uint8)])


def _grey(image: np.ndarray) -> np.ndarray:
    return np.repeat(image[..., :1], 3, axis=-1)


P = pixels(5)
WITH_ALPHA = np.dstack([P, np.full(P.shape[:2], 9, np.uint8)])
CASES = {
    'rgb8': (P.reshape(HEIGHT_PX, -1), P, 0, False),
    'bgr8': (P[..., ::-1].reshape(HEIGHT_PX, -1), P, 0, False),
    '8UC3': (P[..., ::-1].reshape(HEIGHT_PX, -1), P, 0, True),
    'rgba8': (WITH_ALPHA.reshape(HEIGHT_PX, -1), P, 0, False),
    'bgra8': (WITH_ALPHA[..., [2, 1, 0, 3]].reshape(HEIGHT_PX, -1), P, 0, True),
    '8UC4': (WITH_ALPHA[..., [2, 1, 0, 3]].reshape(HEIGHT_PX, -1), P, 0, False),
    'mono8': (P[..., 0], _grey(P), 0, False),
    '8UC1': (P[..., 0], _grey(P), 0, True),
    'mono16': (_wide(P[..., 0], '<'), _grey(P), 0, False),
    'mono16 big': (_wide(P[..., 0], '>'), _grey(P), 0, True),
    'rgb16': (_wide(P.reshape(HEIGHT_PX, -1), '<'), P, 0, False),
    'bgr16 big': (_wide(P[..., ::-1].reshape(HEIGHT_PX, -1), '>'), P, 0, False),
    'yuv422': (_yuv(P, cv2.COLOR_RGB2YUV_UYVY), P, 10, False),
    'uyvy': (_yuv(P, cv2.COLOR_RGB2YUV_UYVY), P, 10, True),
    'yuv422_yuy2': (_yuv(P, cv2.COLOR_RGB2YUV_YUY2), P, 10, False),
    **{f'bayer_{order}8': (_bayer(P, order), P, 16, order == 'gbrg') for order in ('rggb', 'bggr', 'gbrg', 'grbg')},
    'bayer_rggb16': (_wide(_bayer(P, 'rggb'), '<'), P, 16, False),
}


@pytest.mark.parametrize('case', CASES)
def test_encodings_of_drivers_give_the_same_colours(case: str) -> None:
    rows, wanted, atol, padded = CASES[case]
    encoding, _, big = case.partition(' ')
    rows = _padded(rows) if padded else rows
    message = SimpleNamespace(
        encoding=encoding,
        height=HEIGHT_PX,
        width=WIDTH_PX,
        step=rows.shape[1],
        is_bigendian=int(bool(big)),
        data=rows.tobytes(),
    )
    found = raw_pixels(message, '/x')
    assert found.dtype == np.uint8 and found.shape == (HEIGHT_PX, WIDTH_PX, 3)
    inner = found[1:-1, 1:-1].astype(int) - wanted[1:-1, 1:-1]
    assert np.abs(inner).max() <= atol


def test_a_bag_in_yuv_is_read(tmp_path: Path) -> None:
    def make(number: int, time_s: float) -> tuple[str, bytes]:
        return bags.raw_image(time_s, 'yuv422_yuy2', _padded(_yuv(pixels(number), cv2.COLOR_RGB2YUV_YUY2)), WIDTH_PX)

    write_bag(tmp_path / 'bag', without(plain(), IMAGE) + bags.images(make=make))
    episode = convert(tmp_path, tmp_path / 'out')
    check_whole(episode)
    check_images(episode, atol=10)


@pytest.mark.parametrize(
    'odd',
    [
        {'encoding': '16UC1'},
        {'encoding': '32FC1'},
        {'width': 2**31, 'height': 2**31},
        {'width': 0, 'height': 0, 'step': 0, 'data': b''},
        {'step': 3},
        {'data': b''},
        {'data': bytes(100)},
        {'height': 4_000_000_000},
        {'encoding': 'yuv422', 'width': 15, 'step': 48},
    ],
)
def test_what_is_no_colour_image_or_lies_about_its_size_is_refused_by_topic(odd: dict[str, object]) -> None:
    good = {'encoding': 'rgb8', 'height': HEIGHT_PX, 'width': WIDTH_PX, 'step': 48, 'is_bigendian': 0, 'data': P.tobytes()}
    with pytest.raises(GenimaError, match='/cam/image_raw'):
        raw_pixels(SimpleNamespace(**(good | odd)), '/cam/image_raw')


def _bomb() -> bytes:
    """A PNG that says it has 60000 x 60000 pixels."""
    png = bytearray(encoded(P))
    png[16:24] = struct.pack('>II', 60_000, 60_000)
    return bytes(png)


@pytest.mark.parametrize('data', [b'', b'\xff\xd8', encoded(P)[:-20], encoded(P, '.jpg')[:-200], b'BM' + bytes(60), _bomb()])
def test_an_image_that_is_none_costs_its_step_only(tmp_path: Path, data: bytes) -> None:
    assert decode_rgb(data) is None

    def make(number: int, time_s: float) -> tuple[str, bytes]:
        return bags.compressed(data if number == 30 else encoded(pixels(number)), time_s)

    write_bag(tmp_path / 'bag', without(plain(), IMAGE) + bags.images(f'{IMAGE}/compressed', make))
    with pytest.warns(UserWarning, match=f'{IMAGE}/compressed: 1 of .* images cannot be read'):
        episode = convert(tmp_path, tmp_path / 'out')
    check_whole(episode)
    assert episode.ignore.sum() == 1
    number = round((episode.capture_s['front'][episode.ignore][0] - bags.START_S) * 30)
    assert number == 30


def test_a_camera_that_sends_nothing_but_damage_is_refused_by_topic(tmp_path: Path) -> None:
    make = lambda number, time_s: bags.compressed(b'', time_s)  # noqa: E731
    write_bag(tmp_path / 'bag', without(plain(), IMAGE) + bags.images(f'{IMAGE}/compressed', make))
    with pytest.raises(GenimaError, match=f'{IMAGE}/compressed'):
        convert(tmp_path, tmp_path / 'out')


@pytest.mark.parametrize('end', ['.png', '.jpg'])
def test_the_size_of_an_image_is_known_before_it_is_decoded(end: str) -> None:
    assert stated_size(encoded(P, end)) == (WIDTH_PX, HEIGHT_PX)
    assert stated_size(exif(encoded(P, '.jpg'), 6)) == (WIDTH_PX, HEIGHT_PX)


def info(binning_x: int = 0, binning_y: int = 0, **roi: int) -> SimpleNamespace:
    return SimpleNamespace(
        width=640, height=480, distortion_model='plumb_bob', k=[600.0, 0, 330, 0, 610.0, 250, 0, 0, 1], d=[0.1, 0, 0, 0, 0],
        binning_x=binning_x, binning_y=binning_y,
        roi=SimpleNamespace(**({'x_offset': 0, 'y_offset': 0, 'width': 0, 'height': 0} | roi)),
    )  # fmt: skip


def test_region_and_binning_move_the_intrinsics() -> None:
    whole = camera_in(info(), 'c')
    part = camera_in(info(x_offset=100, y_offset=40, width=320, height=240), 'c')
    assert (part.width_px, part.height_px) == (320, 240)
    np.testing.assert_allclose(part.K, [[600, 0, 230], [0, 610, 210], [0, 0, 1]])
    binned = camera_in(info(x_offset=100, y_offset=40, width=320, height=240, binning_x=2, binning_y=4), 'c')
    assert (binned.width_px, binned.height_px) == (160, 60)
    # a point that the sensor shows at the middle of a super-pixel
    point = np.array([0.2, 0.1, 1.0])
    (u, v), _ = whole.project(point)
    np.testing.assert_allclose(binned.project(point)[0], [(u - 100 + 0.5) / 2 - 0.5, (v - 40 + 0.5) / 4 - 0.5])


@pytest.mark.parametrize('odd', [{'x_offset': 400, 'width': 320}, {'y_offset': 481}, {'binning_x': 1000, 'binning_y': 1}])
def test_a_region_off_the_sensor_is_refused(odd: dict[str, int]) -> None:
    with pytest.raises(CalibrationError, match="camera 'c'"):
        camera_in(info(**odd), 'c')


@pytest.mark.filterwarnings('ignore::UserWarning')
def test_a_camera_that_begins_uncalibrated_is_read_and_one_that_never_is_calibrated_refused(tmp_path: Path) -> None:
    zero = messages.cdr(
        bags.INFO, header=messages.header(bags.START_S, 'front_frame'), height=HEIGHT_PX, width=WIDTH_PX,
        distortion_model='', d=np.zeros(0), k=np.zeros(9), r=np.zeros(9), p=np.zeros(12), binning_x=0, binning_y=0,
        roi=messages.part('sensor_msgs/msg/RegionOfInterest', x_offset=0, y_offset=0, height=0, width=0, do_rectify=False),
    )  # fmt: skip
    first = [('/cameras/front/camera_info', bags.INFO, bags.START_S + 0.001 * k, zero) for k in range(3)]
    write_bag(tmp_path / 'a' / 'bag', plain() + first)
    episode = convert(tmp_path / 'a', tmp_path / 'out')
    check_whole(episode)
    assert episode.cameras['front'].model == CameraModel('front', WIDTH_PX, HEIGHT_PX, CAMERA.K)
    write_bag(tmp_path / 'b' / 'bag', without(plain(), '/cameras/front/camera_info') + first)
    with pytest.raises(GenimaError, match=r"camera 'front': no message of /cameras/front/camera_info has a calibration"):
        convert(tmp_path / 'b', tmp_path / 'out_b')
