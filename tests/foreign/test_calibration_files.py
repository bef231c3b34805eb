# SPDX-License-Identifier: Apache-2.0
"""Calibration files of other programs: the right camera, or a refusal that says what to do."""

from pathlib import Path

import numpy as np
import pytest

from genima.calibration.easy_handeye import read_easy_handeye
from genima.calibration.lens_formats import read_camera_info
from genima.cameras.model import CameraModel
from genima.errors import CalibrationError

K = [410.0, 0.0, 320.0, 0.0, 411.0, 240.0, 0.0, 0.0, 1.0]
RADIAL, FISHEYE = [-0.28, 0.07, 2e-4, 1e-5, 0.0], [0.175, -0.032, 4e-4, -7e-4]
EIGHT = [0.1, 0.02, 0.001, 0.001, 0.01, 0.2, 0.03, 0.01]
CAMERA = CameraModel('front', 640, 480, np.reshape(K, (3, 3)))
POSE = '{translation: {x: 1.2, y: -0.1, z: 0.6}, rotation: {x: -0.7071068, y: 0.7071068, z: 0.0, w: 0.0}}'


def _ros(d: list[float], line: str = 'distortion_model: plumb_bob') -> str:
    return (
        f'image_width: 640\nimage_height: 480\ncamera_name: front\ncamera_matrix: {{rows: 3, cols: 3, data: {K}}}\n'
        f'{line}\ndistortion_coefficients: {{rows: 1, cols: {len(d)}, data: {d}}}\n'
    )


OPENCV = f"""%YAML:1.0
---
image_width: 640
image_height: 480
camera_matrix: !!opencv-matrix
   rows: 3
   cols: 3
   dt: d
   data: {K}
distortion_coefficients: !!opencv-matrix
   rows: 1
   cols: 5
   dt: d
   data: {RADIAL}
"""
ECHO = f"""header:
  stamp: {{sec: 3, nanosec: 4}}
  frame_id: front_optical_frame
height: 480
width: 640
distortion_model: plumb_bob
d: {RADIAL}
k: {K}
---
"""
KALIBR = f"""cam0:
  camera_model: pinhole
  distortion_coeffs: {RADIAL[:4]}
  distortion_model: radtan
  intrinsics: [410.0, 411.0, 320.0, 240.0]
  resolution: [640, 480]
"""
OST = '# oST version 5.0 parameters\n\n[image]\n\nwidth\n640\n\nheight\n480\n\n[front]\n\n'
OST += 'camera matrix\n410 0 320\n0 411 240\n0 0 1\n\ndistortion\n-0.28 0.07 2e-4 1e-5 0\n'


@pytest.mark.parametrize(
    ('text', 'model', 'd'),
    [
        (_ros(RADIAL), 'plumb_bob', RADIAL),
        (_ros(RADIAL, 'camera_model: plumb_bob'), 'plumb_bob', RADIAL),
        (_ros(RADIAL, '# no model'), 'plumb_bob', RADIAL),
        (_ros(RADIAL, 'distortion_model: Plumb Bob'), 'plumb_bob', RADIAL),
        (_ros(RADIAL, 'distortion_model: Brown-Conrady'), 'plumb_bob', RADIAL),
        (_ros(RADIAL[:4], 'distortion_model: radtan'), 'plumb_bob', RADIAL[:4]),
        (_ros(RADIAL, 'distortion_model:\tplumb_bob'), 'plumb_bob', RADIAL),
        (_ros(FISHEYE, 'camera_model: fisheye'), 'equidistant', FISHEYE),
        (_ros(FISHEYE, 'distortion_model: fisheye'), 'equidistant', FISHEYE),
        (_ros(FISHEYE, 'distortion_model: equi'), 'equidistant', FISHEYE),
        (_ros([*FISHEYE, 0.0], 'distortion_model: equidistant'), 'equidistant', FISHEYE),
        (_ros([0.0] * 4, 'distortion_model: fisheye'), 'equidistant', [0.0] * 4),
        (_ros([0.0] * 5, 'distortion_model: Inverse Brown Conrady'.replace('Inverse ', '')), 'pinhole', []),
        (_ros(EIGHT, 'camera_model: rational_polynomial'), 'rational_polynomial', EIGHT),
        (_ros([*EIGHT, *[0.0] * 6], 'distortion_model: rational_polynomial'), 'rational_polynomial', EIGHT),
        ('\ufeff' + _ros(RADIAL), 'plumb_bob', RADIAL),
        ('# Kamera über dem Tisch\n' + _ros(RADIAL).replace('\n', '\r\n'), 'plumb_bob', RADIAL),
        (OPENCV, 'plumb_bob', RADIAL),
        (ECHO, 'plumb_bob', RADIAL),
        (KALIBR, 'plumb_bob', RADIAL[:4]),
        (KALIBR.replace('radtan', 'equidistant').replace(str(RADIAL[:4]), str(FISHEYE)), 'equidistant', FISHEYE),
        (OST, 'plumb_bob', RADIAL),
    ],
)
def test_the_lens_is_the_one_that_the_file_means(tmp_path: Path, text: str, model: str, d: list[float]) -> None:
    file = tmp_path / 'some camera.yaml'
    file.write_text(text, encoding='utf-8')
    camera = read_camera_info(file)
    assert (camera.model, camera.width_px, camera.height_px) == (model, 640, 480)
    assert camera.D.tolist() == pytest.approx(d) and camera.K.ravel().tolist() == K


@pytest.mark.parametrize(
    ('text', 'words'),
    [
        (_ros(FISHEYE, '# no model'), 'four may be of a fisheye'),
        (_ros(EIGHT, '# no model'), '8 distortion coefficients and no distortion_model'),
        (_ros(FISHEYE, 'distortion_model: thin_prism'), "unknown distortion model 'thin_prism'"),
        (_ros(RADIAL[:3]), '4 or 5 coefficients, got 3'),
        (_ros([*EIGHT, 0.001, 0.002], 'distortion_model: rational_polynomial'), 'thin prism'),
        (_ros([*RADIAL, 0.1]), 'zeros behind'),
        (_ros(RADIAL).replace('320.0', '320,5'), 'decimal comma'),
        (_ros(RADIAL).replace('410.0, 0.0,', '410.0, -0.97,'), 'K must be'),
        (KALIBR + KALIBR.replace('cam0', 'cam1'), 'cam0, cam1; say which one'),
        (KALIBR.replace('pinhole', 'omni'), 'omni'),
        (KALIBR.replace('resolution', 'size'), 'resolution'),
        ('[1, 2]', 'expected a mapping'),
        ('a: &a [*a]\n' * 2, 'YAML'),
        (OST.replace('camera matrix', 'matrix'), 'camera matrix'),
        ('k: 1\n' + 'x' * 2**20, 'bytes'),
    ],
)
def test_what_cannot_be_known_is_refused_in_words(tmp_path: Path, text: str, words: str) -> None:
    file = tmp_path / 'camera.yaml'
    file.write_text(text, encoding='utf-8')
    with pytest.raises(CalibrationError, match=words):
        read_camera_info(file)


def _hand_eye(tmp_path: Path, text: str) -> Path:
    file = tmp_path / 'rig.calib'
    file.write_text(text)
    return file


def _parameters(frame: str = 'camera_color_optical_frame', base: str = 'panda_link0') -> str:
    return (
        f'parameters: {{calibration_type: eye_on_base, tracking_base_frame: {frame}, robot_base_frame: {base},'
        f' robot_effector_frame: panda_link8}}\ntransform: {POSE}\n'
    )


FLAT = """eye_on_hand: false
robot_base_frame: /panda_link0
tracking_base_frame: camera_color_optical_frame
transformation: {x: 1.2, y: -0.1, z: 0.6, qx: -0.7071068, qy: 0.7071068, qz: 0.0, qw: 0.0}
"""


@pytest.mark.parametrize('text', [_parameters(), _parameters(base='/panda_link0'), FLAT])
def test_a_hand_eye_file_in_any_form_is_the_same_pose(tmp_path: Path, text: str) -> None:
    camera = read_easy_handeye(_hand_eye(tmp_path, text), CAMERA).camera
    assert camera.parent_link == 'panda_link0'
    expected = [[0, -1, 0, 1.2], [-1, 0, 0, -0.1], [0, 0, -1, 0.6], [0, 0, 0, 1]]
    np.testing.assert_allclose(camera.T_parent_camera, expected, atol=1e-6)


@pytest.mark.parametrize('frame', ['camera_link', 'tracking_origin', '/kinect2_link'])
def test_a_frame_that_is_not_optical_needs_its_pose(tmp_path: Path, frame: str) -> None:
    file = _hand_eye(tmp_path, _parameters(frame))
    with pytest.raises(CalibrationError, match=rf'{frame.strip("/")}.*front.*--optical'):
        read_easy_handeye(file, CAMERA)
    turned = np.array([[0.0, 0, 1, 0.02], [-1, 0, 0, 0], [0, -1, 0, 0], [0, 0, 0, 1]])
    T = read_easy_handeye(file, CAMERA, turned).camera.T_parent_camera
    np.testing.assert_allclose(T[:3, 3], [1.2, -0.1 - 0.02, 0.6], atol=1e-6)


def test_a_solver_that_failed_is_warned_of(tmp_path: Path) -> None:
    nothing = '{translation: {x: 0.0, y: 0.0, z: 0.0}, rotation: {x: 0.0, y: 0.0, z: 0.0, w: 1.0}}'
    with pytest.warns(UserWarning, match='solver failed'):
        read_easy_handeye(_hand_eye(tmp_path, _parameters().replace(POSE, nothing)), CAMERA)


def test_numbers_that_are_none_are_refused(tmp_path: Path) -> None:
    with pytest.raises(CalibrationError, match='not finite'):
        read_easy_handeye(_hand_eye(tmp_path, _parameters().replace('1.2', '.nan')), CAMERA)
