# SPDX-License-Identifier: Apache-2.0
"""Lenses against known truth, pictures that are left out, and which parts of the picture were never seen."""

import numpy as np
import pytest

from genima.calibration.boards import DEFAULT, Board
from genima.calibration.coverage import Shown, measure_coverage
from genima.calibration.detect import Sighting
from genima.calibration.intrinsics import calibrate_intrinsics
from genima.calibration.lens import lens_vector
from genima.calibration.synthetic import lens_sightings
from genima.cameras.model import CameraModel
from genima.errors import CalibrationError

K = np.array([[600.0, 0, 318], [0, 602, 243], [0, 0, 1]])
FISHEYE_K = np.array([[300.0, 0, 318], [0, 301.0, 243], [0, 0, 1]])
CAMERAS = {
    'plumb_bob': CameraModel('c', 640, 480, K, np.array([0.1, -0.2, 0.001, -0.001, 0.05]), 'plumb_bob'),
    'rational_polynomial': CameraModel(
        'c', 640, 480, K, np.array([0.3, -0.2, 0.001, -0.001, 0.05, 0.2, -0.1, 0.02]), 'rational_polynomial'
    ),
    'equidistant': CameraModel('c', 640, 480, FISHEYE_K, np.array([0.02, -0.01, 0.003, -0.001]), 'equidistant'),
}
BOARD = Board.parse(DEFAULT)
CORNERS, SIZE = BOARD.corners_m(), (640, 480)


@pytest.mark.parametrize('model', CAMERAS)
def test_a_lens_is_found_within_its_uncertainty(model: str) -> None:
    camera = CAMERAS[model]
    found = calibrate_intrinsics(CORNERS, lens_sightings(BOARD, camera, 25, 0.3, np.random.default_rng(0)), SIZE, model)
    assert 0.38 < found.reprojection_px < 0.45 and found.noise_px == pytest.approx(0.3, abs=0.02)
    assert found.held_out_px < (1.5 if model == 'rational_polynomial' else 0.5)  # eight coefficients bend at the border
    assert not found.rejected and len(found.errors_px) == 25
    off = (lens_vector(found.camera) - lens_vector(camera)) / np.sqrt(np.diag(found.covariance))
    assert np.abs(off[:4]).max() < 4  # standard deviations
    u, v = np.meshgrid(np.linspace(40, 600, 8), np.linspace(40, 440, 6))
    rays = camera.rays()[v.astype(int), u.astype(int)]
    assert np.abs(found.camera.project(rays)[0] - camera.project(rays)[0]).max() < 12  # one turned camera is another lens


def test_bad_pictures_are_left_out_with_a_reason() -> None:
    rng = np.random.default_rng(1)
    seen = lens_sightings(BOARD, CAMERAS['plumb_bob'], 20, 0.3, rng)
    seen['004'] = Sighting(seen['004'].ids, seen['004'].pixels + rng.normal(0, 4, seen['004'].pixels.shape))
    seen['few'] = Sighting(seen['000'].ids[:7], seen['000'].pixels[:7])
    row = np.arange(7)
    seen['line'] = Sighting(np.append(row, 0), np.stack([10.0 + 20 * np.append(row, 7), np.full(8, 50.0)], axis=1))
    found = calibrate_intrinsics(CORNERS, seen, SIZE)
    assert set(found.rejected) == {'004', 'few', 'line'}
    assert 'px off' in found.rejected['004'] and '7 corners' in found.rejected['few'] and 'line' in found.rejected['line']
    assert found.reprojection_px < 0.5


def test_what_cannot_be_calibrated_is_refused() -> None:
    seen = lens_sightings(BOARD, CAMERAS['plumb_bob'], 3, 0.3, np.random.default_rng(1))
    with pytest.raises(CalibrationError, match='at least 4'):
        calibrate_intrinsics(CORNERS, seen, SIZE)
    with pytest.raises(CalibrationError, match='allowed'):
        calibrate_intrinsics(CORNERS, seen, SIZE, 'mirror')


def test_coverage_names_what_was_never_seen() -> None:
    seen = lens_sightings(BOARD, CAMERAS['plumb_bob'], 40, 0.3, np.random.default_rng(0))
    all_over = measure_coverage(CORNERS, list(seen.values()), SIZE)
    assert all_over.share > 0.9 and all_over.missing(Shown()) == []
    left = [Sighting(one.ids, one.pixels * [0.3, 1.0]) for one in seen.values()]
    half = measure_coverage(CORNERS, left, SIZE)
    assert {'upper right', 'right', 'lower right'} <= set(half.unseen()) and half.share < 0.5
    assert 'upper right' in ' '.join(half.missing(Shown()))
    nothing = measure_coverage(CORNERS, [], SIZE)
    assert nothing.share == 0 and nothing.missing(Shown())[0] == '0 of 15 pictures'
