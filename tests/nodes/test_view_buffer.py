# SPDX-License-Identifier: Apache-2.0
"""Views that belong together, and complaints that name the camera."""

from dataclasses import replace

import numpy as np
import pytest
from genima_ros.conversions.images import image_message
from genima_ros.conversions.messages import camera_info_message
from genima_ros.inputs.views import ViewBuffer, prepare
from sensor_msgs.msg import CameraInfo, Image

from genima.cameras.model import CameraModel
from genima.contract.preprocessor import Preprocessor
from genima.contract.spec import PolicySpec
from genima.errors import CalibrationError, GenimaError
from genima.robots.profile import RobotProfile

CAMERAS = ('wrist', 'front')
PREPROCESSOR = Preprocessor(
    replace(PolicySpec.from_recipe('small', RobotProfile.load('panda')), cameras=CAMERAS, hidden={}, view_size_px=8)
)


def camera(width_px: int = 16, height_px: int = 16) -> CameraModel:
    centre = [[20.0, 0.0, (width_px - 1) / 2], [0.0, 20.0, (height_px - 1) / 2], [0.0, 0.0, 1.0]]
    return CameraModel('any', width_px, height_px, np.array(centre))


def image(time_s: float, size: tuple[int, int] = (16, 16), value: int = 7) -> Image:
    return image_message(np.full((*size, 3), value, dtype=np.uint8), time_s, 'f')


def buffer(*stamps_s: float) -> ViewBuffer:
    views = ViewBuffer(CAMERAS, max_skew_s=0.05)
    for name, time_s in zip(CAMERAS, stamps_s, strict=False):
        views.add_image(name, image(time_s), wall_s=10.0)
        views.add_info(name, camera_info_message(camera(), time_s, 'f'))
    return views


def test_a_set_is_stamped_with_its_oldest_image() -> None:
    images = buffer(1.02, 1.0).newest()
    assert images is not None
    assert images.stamp_s == 1.0


def test_it_is_known_for_how_long_a_picture_is_the_same() -> None:
    views = buffer(1.0, 1.0)
    for time_s, value in ((1.1, 7), (1.2, 7), (1.3, 8)):
        views.add_image('wrist', image(time_s), wall_s=10.0)
        views.add_image('front', image(time_s, value=value), wall_s=10.0)
        images = views.newest()
        assert images is not None
    assert images.unchanged_s == (pytest.approx(0.3), 0.0)


def test_images_too_far_apart_make_no_set() -> None:
    views = buffer(1.0, 1.06)
    assert views.newest() is None
    assert 'more than 0.050 s apart' in views.complaints(10.0, 2.0)[0]


def test_a_missing_camera_is_named_with_its_topic() -> None:
    views = buffer(1.0)
    assert views.newest() is None
    assert views.complaints(10.0, 2.0) == ["camera 'front': no image yet on cameras/front/image_raw; is its driver running?"]


def test_a_silent_camera_is_named() -> None:
    assert "camera 'wrist': no image on cameras/wrist/image_raw for 5.0 s" in buffer(1.0, 1.0).complaints(15.0, 2.0)


def test_missing_calibration_is_named() -> None:
    views = ViewBuffer(['wrist'], max_skew_s=0.05)
    views.add_image('wrist', image(1.0), wall_s=10.0)
    assert views.newest() is None
    assert 'no calibration on cameras/wrist/camera_info' in views.complaints(10.0, 2.0)[0]


def test_all_is_well_without_complaints() -> None:
    assert buffer(1.0, 1.01).complaints(10.0, 2.0) == []


def test_views_have_the_order_and_size_of_the_contract() -> None:
    views = buffer(1.0, 1.0)
    views.add_image('front', image(1.0, value=200), wall_s=10.0)
    images = views.newest()
    assert images is not None
    prepared = prepare(images, PREPROCESSOR)
    assert prepared.shape == (2, 8, 8, 3)
    assert (prepared[0] == 7).all() and (prepared[1] == 200).all()


@pytest.mark.parametrize(
    ('info', 'picture', 'message'),
    [
        (camera_info_message(camera(32, 24), 1.0, 'f'), image(1.0), r"camera 'front'.*is 16x16 but.*says 32x24"),
        (CameraInfo(width=16, height=16), image(1.0), r"camera 'front', topic cameras/front/camera_info"),
        (
            camera_info_message(camera(), 1.0, 'f'),
            Image(height=16, width=16, encoding='32FC1', step=64, data=bytes(1024)),
            r"camera 'front', topic cameras/front/image_raw: encoding '32FC1'",
        ),
    ],
)
def test_what_cannot_be_used_is_refused_by_camera_and_topic(info: CameraInfo, picture: Image, message: str) -> None:
    views = buffer(1.0, 1.0)
    views.add_info('front', info)
    picture.header.stamp = image(1.0).header.stamp
    views.add_image('front', picture, wall_s=10.0)
    images = views.newest()
    assert images is not None
    with pytest.raises((GenimaError, CalibrationError), match=message):
        prepare(images, PREPROCESSOR)
