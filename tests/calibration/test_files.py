# SPDX-License-Identifier: Apache-2.0
"""Calibration files: read back the same, read by others, and imported from others."""

from datetime import datetime, timezone
from pathlib import Path

import cv2
import numpy as np
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from genima.calibration.boards import DEFAULT, Board
from genima.calibration.camera_info import write_opencv_json
from genima.calibration.easy_handeye import read_easy_handeye
from genima.calibration.file import CameraCalibration, Residuals, read_calibration, write_calibration
from genima.calibration.intrinsics import calibrate_intrinsics
from genima.calibration.lens_file import read_prior, write_intrinsics
from genima.calibration.lens_formats import read_camera_info
from genima.calibration.poses import moved
from genima.calibration.synthetic import lens_sightings
from genima.calibration.verdict import Thresholds, judge, load_thresholds
from genima.cameras.model import CameraModel, MountedCamera
from genima.errors import CalibrationError

K = np.array([[600.25, 0, 318.1], [0, 602, 243], [0, 0, 1]])
LENSES = {
    'pinhole': [],
    'plumb_bob': [0.1, -0.2, 0.001, -0.001, 0.05],
    'rational_polynomial': [0.3, -0.2, 0.001, -0.001, 0.05, 0.2, -0.1, 0.02],
    'equidistant': [0.02, -0.01, 0.003, -0.001],
}
DATE = '2026-05-01T12:00:00Z'


def _calibration(model: str = 'plumb_bob', zero: bool = False, **more) -> CameraCalibration:  # type: ignore[no-untyped-def]
    D = np.array(LENSES[model]) * (0 if zero else 1)
    camera = MountedCamera(CameraModel('front', 640, 480, K, D, model), 'panda_link0', moved(np.eye(4), np.arange(6) / 7))
    covariance = np.diag([1e-3, 1e-3, 1e-3, 1e-3, 1e-3, 1e-3]) ** 2
    residuals = Residuals(0.4, 0.45, 1.2, 0.3, 0.2, 0.02, covariance)
    fields = {'date': DATE, 'residuals': residuals, 'poses': 25, 'kind': 'eye_to_hand', 'serial': '0123', **more}
    return CameraCalibration(camera, **fields)


@pytest.mark.parametrize('model', LENSES)
@pytest.mark.parametrize('zero', [False, True])
def test_a_file_is_read_back_the_same(tmp_path: Path, model: str, zero: bool) -> None:
    calibration = _calibration(model, zero, hardware='D435')
    write_calibration(tmp_path / 'front.yaml', calibration)
    again = read_calibration(tmp_path / 'front.yaml')
    assert again.camera.to_dict() == calibration.camera.to_dict() and again.id == calibration.id
    assert (again.date, again.poses, again.kind, again.hardware, again.serial) == (DATE, 25, 'eye_to_hand', 'D435', '0123')
    assert np.array_equal(again.residuals.covariance, calibration.residuals.covariance)
    assert again.residuals.held_out_mm == 1.2


@given(seed=st.integers(0, 10_000))
def test_any_pose_survives_to_the_bit(tmp_path_factory: pytest.TempPathFactory, seed: int) -> None:
    path = tmp_path_factory.mktemp('calibration') / 'c.yaml'
    T = moved(np.eye(4), np.random.default_rng(seed).normal(0, 10.0 ** np.random.default_rng(seed).integers(-8, 1), 6))
    camera = MountedCamera(CameraModel('c', 640, 480, K), 'base', T)
    write_calibration(path, CameraCalibration(camera, DATE))
    assert np.array_equal(read_calibration(path).camera.T_parent_camera, T)


def test_what_was_not_measured_stays_so(tmp_path: Path) -> None:
    write_calibration(tmp_path / 'c.yaml', _calibration(residuals=Residuals()))
    residuals = read_calibration(tmp_path / 'c.yaml').residuals
    assert np.isnan(residuals.reprojection_px) and np.isnan(residuals.covariance).all()


def test_the_file_is_one_of_ros(tmp_path: Path) -> None:
    write_calibration(tmp_path / 'c.yaml', _calibration())
    data = yaml.safe_load((tmp_path / 'c.yaml').read_text())
    shapes = {'camera_matrix': (3, 3), 'distortion_coefficients': (1, 5), 'rectification_matrix': (3, 3)}
    for name, (rows, cols) in {**shapes, 'projection_matrix': (3, 4)}.items():
        assert (data[name]['rows'], data[name]['cols'], len(data[name]['data'])) == (rows, cols, rows * cols)
        assert all(isinstance(value, float) for value in data[name]['data'])
    assert (data['image_width'], data['image_height'], data['camera_name']) == (640, 480, 'front')
    assert data['distortion_model'] == 'plumb_bob'
    theirs = {key: value for key, value in data.items() if key != 'genima'}
    (tmp_path / 'theirs.yaml').write_text(yaml.safe_dump(theirs))
    assert read_camera_info(tmp_path / 'theirs.yaml') == _calibration().camera.model
    with pytest.raises(CalibrationError, match='no pose'):
        read_calibration(tmp_path / 'theirs.yaml')


def test_opencv_reads_the_json(tmp_path: Path) -> None:
    camera = _calibration().camera
    write_opencv_json(tmp_path / 'c.json', camera.model, camera.T_parent_camera)
    storage = cv2.FileStorage(str(tmp_path / 'c.json'), cv2.FILE_STORAGE_READ)
    assert np.array_equal(storage.getNode('camera_matrix').mat(), K)
    assert np.allclose(storage.getNode('distortion_coefficients').mat().ravel(), camera.model.D)
    assert np.allclose(storage.getNode('T_parent_camera').mat(), camera.T_parent_camera)
    assert storage.getNode('image_width').real() == 640 and storage.getNode('camera_name').string() == 'front'


@pytest.mark.parametrize(
    ('change', 'said'),
    [
        (lambda data: data['genima'].update(version=9), 'version 9'),
        (lambda data: data['genima']['T_parent_camera'][0].__setitem__(3, 1.0), 'by hand'),
        (lambda data: data['genima'].pop('parent_link'), 'parent_link'),
        (lambda data: data['genima'].update(date='yesterday', id=None), 'ISO 8601'),
        (lambda data: data['genima'].update(covariance=[[1.0]]), 'shape'),
        (lambda data: data['camera_matrix']['data'].__setitem__(0, 0.0), 'never calibrated'),
        (lambda data: data.pop('image_width'), 'image_width'),
    ],
)
def test_a_damaged_file_is_refused_by_name(tmp_path: Path, change, said: str) -> None:  # type: ignore[no-untyped-def]
    path = tmp_path / 'c.yaml'
    write_calibration(path, _calibration())
    data = yaml.safe_load(path.read_text())
    change(data)
    path.write_text(yaml.safe_dump(data))
    with pytest.raises(CalibrationError, match=said) as error:
        read_calibration(path)
    assert str(path) in str(error.value)


@pytest.mark.parametrize('text', ['', '[1, 2]', '{a: [', 'a: 1'])
def test_what_is_no_calibration_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / 'c.yaml').write_text(text)
    with pytest.raises(CalibrationError):
        read_calibration(tmp_path / 'c.yaml')
    with pytest.raises(CalibrationError):
        read_calibration(tmp_path / 'none.yaml')


def test_a_lens_file_says_how_sure_it_is(tmp_path: Path) -> None:
    board, camera = Board.parse(DEFAULT), CameraModel('c', 640, 480, K, np.array(LENSES['plumb_bob']), 'plumb_bob')
    seen = lens_sightings(board, camera, 12, 0.3, np.random.default_rng(0))
    found = calibrate_intrinsics(board.corners_m(), seen, (640, 480), name='front')
    write_intrinsics(tmp_path / 'lens.yaml', found, board.text, serial='7')
    prior = read_prior(tmp_path / 'lens.yaml')
    assert prior is not None and np.allclose(prior.covariance, found.covariance)
    assert read_camera_info(tmp_path / 'lens.yaml') == found.camera
    with pytest.raises(CalibrationError, match='hand-eye'):
        read_calibration(tmp_path / 'lens.yaml')
    write_calibration(tmp_path / 'c.yaml', _calibration())
    assert read_prior(tmp_path / 'c.yaml') is None


TRANSFORM = {'translation': {'x': 1.0, 'y': 0.25, 'z': 0.5}, 'rotation': {'x': 0.0, 'y': 0.0, 'z': 1.0, 'w': 0.0}}
OLD = {'x': 1.0, 'y': 0.25, 'z': 0.5, 'qx': 0.0, 'qy': 0.0, 'qz': 1.0, 'qw': 0.0}
FRAMES = {'robot_base_frame': 'base', 'robot_effector_frame': 'tool', 'tracking_base_frame': 'camera'}


@pytest.mark.parametrize(
    ('data', 'parent'),
    [
        ({'parameters': {'calibration_type': 'eye_on_base', **FRAMES}, 'transform': TRANSFORM}, 'base'),
        ({'parameters': {'calibration_type': 'eye_in_hand', **FRAMES}, 'transform': TRANSFORM}, 'tool'),
        ({'parameters': {'eye_in_hand': True, **FRAMES}, 'transform': TRANSFORM}, 'tool'),
        ({'parameters': {'eye_on_hand': False, **FRAMES}, 'transformation': OLD}, 'base'),
    ],
)
def test_easy_handeye2_files_are_imported(tmp_path: Path, data: dict, parent: str) -> None:  # type: ignore[type-arg]
    (tmp_path / 'x.calib').write_text(yaml.safe_dump(data))
    optical = np.eye(4)
    optical[0, 3] = 0.1
    got = read_easy_handeye(tmp_path / 'x.calib', CameraModel('front', 640, 480, K), optical)
    assert got.camera.parent_link == parent and got.kind == 'imported' and got.name == 'front'
    expected = [[-1, 0, 0, 0.9], [0, -1, 0, 0.25], [0, 0, 1, 0.5], [0, 0, 0, 1]]
    assert np.allclose(got.camera.T_parent_camera, expected)


def test_other_files_are_not_imported(tmp_path: Path) -> None:
    camera = CameraModel('front', 640, 480, K)
    zero = {'translation': TRANSFORM['translation'], 'rotation': dict.fromkeys('xyzw', 0.0)}
    for data in ({}, {'parameters': {}}, {'parameters': {'calibration_type': 'eye_on_base', **FRAMES}, 'transform': zero}):
        (tmp_path / 'x.calib').write_text(yaml.safe_dump(data))
        with pytest.raises(CalibrationError, match='easy_handeye2'):
            read_easy_handeye(tmp_path / 'x.calib', camera, np.eye(4))


def test_a_good_calibration_passes_and_each_fault_is_said() -> None:
    now = datetime(2026, 5, 2, 12, tzinfo=timezone.utc)
    age = _calibration().age_days(now)
    assert age == pytest.approx(1.0)
    assert all(one.ok for one in judge(_calibration(), Thresholds(), 10, age))
    good = {'reprojection_px': 0.4, 'held_out_px': 0.5, 'held_out_mm': 1.0, 'held_out_deg': 0.1, 'spread_mm': 0.1,
            'spread_deg': 0.1, 'covariance': np.eye(6) * 1e-8}  # fmt: skip
    for name, value, said in [
        ('reprojection_px', 0.51, 'reprojection'), ('held_out_px', 2.1, 'not used'),
        ('held_out_mm', 5.1, 'place of the board'),
        ('held_out_deg', 2.1, 'orientation'), ('spread_mm', 5.1, 'half'), ('covariance', np.eye(6) * 1e-4, 'two sigma'),
        ('reprojection_px', np.nan, 'not measured'),
    ]:  # fmt: skip
        calibration = _calibration(residuals=Residuals(**{**good, name: value}))
        bad = [one for one in judge(calibration, Thresholds(), 0, 1.0) if not one.ok]
        assert bad and said in bad[0].text, name
    (reminder,) = (one for one in judge(_calibration(), Thresholds(), 50, 1.0) if not one.ok)
    assert reminder.text == '50 demonstrations since: calibrate again every 50'
    (old,) = (one for one in judge(_calibration(), Thresholds(), 0, 31.0) if not one.ok)
    assert '31 days old' in old.text


def test_thresholds_come_from_the_config_and_can_be_changed(tmp_path: Path) -> None:
    assert load_thresholds() == Thresholds()
    (tmp_path / 't.yaml').write_text('translation_mm: 3\n')
    assert load_thresholds(tmp_path / 't.yaml').translation_mm == 3
    for text in ('speed: 3\n', 'translation_mm: -1\n', 'translation_mm: fast\n'):
        (tmp_path / 't.yaml').write_text(text)
        with pytest.raises(CalibrationError):
            load_thresholds(tmp_path / 't.yaml')
