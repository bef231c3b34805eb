# SPDX-License-Identifier: Apache-2.0
"""Hand-eye calibration against known truth: the pose, its uncertainty, bad pictures, and what is missing."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from genima.calibration.boards import DEFAULT, Board
from genima.calibration.diversity import Wanted, measure_diversity
from genima.calibration.hand_eye import HandEye, calibrate_hand_eye, half_widths, inside_region
from genima.calibration.intrinsics import calibrate_intrinsics
from genima.calibration.poses import difference, moved
from genima.calibration.problem import Problem, View
from genima.calibration.synthetic import KINDS, Rig, lens_sightings, make_rig, random_joints, sight
from genima.cameras.model import CameraModel
from genima.errors import CalibrationError
from genima.robots.profile import RobotProfile

K = np.array([[600.0, 0, 318], [0, 602, 243], [0, 0, 1]])
FISHEYE_K = np.array([[360.0, 0, 318], [0, 361.0, 243], [0, 0, 1]])
LENSES = {
    'plumb_bob': CameraModel('c', 640, 480, K, np.array([0.1, -0.2, 0.001, -0.001, 0.05]), 'plumb_bob'),
    'equidistant': CameraModel('c', 640, 480, FISHEYE_K, np.array([0.02, -0.01, 0.003, -0.001]), 'equidistant'),
}
BOARD = Board.parse(DEFAULT)
CORNERS = BOARD.corners_m()


def _rig(profile: RobotProfile, kind: str, lens: str, seed: int, poses: int = 15) -> tuple[Rig, list[View]]:
    rng = np.random.default_rng(seed)
    rig = make_rig(kind, profile, BOARD, LENSES[lens], rng)
    return rig, sight(rig, random_joints(rig, poses, rng), 0.3, rng)


def _errors(rig: Rig, found: HandEye) -> tuple[float, float]:
    d = difference(found.fit.T_parent_camera, rig.T_parent_camera)
    return 1e3 * float(np.linalg.norm(d[:3])), float(np.degrees(np.linalg.norm(d[3:])))


@given(seed=st.integers(0, 10_000))
def test_moved_and_difference_are_inverse(seed: int) -> None:
    rng = np.random.default_rng(seed)
    T, delta = moved(np.eye(4), rng.normal(0, 1, 6)), rng.normal(0, 0.5, 6)
    assert np.allclose(difference(T, moved(T, delta)), delta, atol=1e-9)


@pytest.mark.parametrize('kind', KINDS)
@pytest.mark.parametrize('lens', LENSES)
def test_derivatives_are_right_away_from_the_start_too(panda: RobotProfile, kind: str, lens: str) -> None:
    rig, views = _rig(panda, kind, lens, 0, poses=4)
    problem = Problem(CORNERS, views, rig.camera, rig.T_parent_camera, rig.T_other_board, True, None)
    delta = np.random.default_rng(0).normal(0, 0.02, problem.size)
    J, step = problem.jacobian(delta), 1e-7
    for place in range(problem.size):
        aside = step * np.eye(problem.size)[place]
        numeric = (problem.residuals(delta + aside) - problem.residuals(delta - aside)) / (2 * step)
        assert np.allclose(J[:, place], numeric, atol=1e-2, rtol=1e-4)


@pytest.mark.parametrize('kind', KINDS)
@pytest.mark.parametrize('lens', LENSES)
def test_the_camera_is_found_where_it_is_and_the_uncertainty_says_so(panda: RobotProfile, kind: str, lens: str) -> None:
    inside = []
    for seed in range(3):
        rig, views = _rig(panda, kind, lens, seed)
        found = calibrate_hand_eye(CORNERS, views, rig.camera, refine_intrinsics=False)
        mm, deg = _errors(rig, found)
        assert mm < 2 and deg < 0.1 and not found.rejected
        assert 0.35 < found.fit.rms_px < 0.5 and found.held_out.px < 0.55  # 0.3 px on each coordinate
        assert found.held_out.mm < 5 and found.held_out.deg < 2 and found.spread is not None and found.spread.mm < 3
        inside.append(inside_region(rig.T_parent_camera, found.fit))
    assert sum(inside) >= 2  # of three, each with 95 %


def test_what_is_known_of_the_lens_helps_and_is_needed(panda: RobotProfile) -> None:
    rig, views = _rig(panda, 'eye_in_hand', 'plumb_bob', 1)
    rng = np.random.default_rng(1)
    lens = calibrate_intrinsics(CORNERS, lens_sightings(BOARD, rig.camera, 25, 0.3, rng), (640, 480))
    with_prior = calibrate_hand_eye(CORNERS, views, lens.camera, True, lens.prior())
    without = calibrate_hand_eye(CORNERS, views, lens.camera, True)
    as_exact = calibrate_hand_eye(CORNERS, views, rig.camera, False)
    widths = [half_widths(found.fit.covariance)[1] for found in (as_exact, with_prior, without)]
    assert widths[0] < widths[1] < widths[2]
    assert _errors(rig, with_prior)[0] < 2 and inside_region(rig.T_parent_camera, with_prior.fit, 0.999)
    wrong = replace(rig.camera, K=rig.camera.K * [[1.02], [1.02], [1]])  # a focal length that is 2 % too long
    assert _errors(rig, calibrate_hand_eye(CORNERS, views, wrong, True))[0] < 2


def test_pictures_with_wrong_joints_are_left_out_with_a_reason(panda: RobotProfile) -> None:
    rig, views = _rig(panda, 'eye_to_hand', 'plumb_bob', 2, poses=20)
    for place in (3, 11):
        views[place] = replace(views[place], T_parent_other=moved(views[place].T_parent_other, np.full(6, 0.02)))
    found = calibrate_hand_eye(CORNERS, views, rig.camera, refine_intrinsics=False)
    assert set(found.rejected) == {'003', '011'} and 'still moving' in found.rejected['003']
    assert _errors(rig, found)[0] < 1


def test_pictures_that_do_not_fit_each_other_are_refused(panda: RobotProfile) -> None:
    rig, views = _rig(panda, 'eye_to_hand', 'plumb_bob', 2)
    rng = np.random.default_rng(0)
    views = [replace(view, T_parent_other=moved(view.T_parent_other, rng.normal(0, 0.1, 6))) for view in views]
    try:
        found = calibrate_hand_eye(CORNERS, views, rig.camera, refine_intrinsics=False)
    except CalibrationError:
        return
    assert found.fit.rms_px > 2  # the verdict refuses it


def test_an_arm_that_turned_about_one_axis_only_is_refused_or_uncertain(panda: RobotProfile) -> None:
    rng = np.random.default_rng(0)
    rig = make_rig('eye_in_hand', panda, BOARD, LENSES['plumb_bob'], rng)
    q = np.repeat(panda.home_rad[None], 8, axis=0)
    q[:, 0] += np.linspace(-0.15, 0.15, 8)
    with pytest.raises(CalibrationError, match=r'axes|determine|different'):
        found = calibrate_hand_eye(CORNERS, sight(rig, q, 0.3, rng), rig.camera, refine_intrinsics=False)
        if half_widths(found.fit.covariance)[0] > 50:  # 5 cm
            raise CalibrationError('not determined')


def test_too_few_pictures_are_refused(panda: RobotProfile) -> None:
    rig, views = _rig(panda, 'eye_to_hand', 'plumb_bob', 0, poses=2)
    with pytest.raises(CalibrationError, match='at least 3'):
        calibrate_hand_eye(CORNERS, views, rig.camera)


def test_guidance_says_what_is_missing(panda: RobotProfile) -> None:
    def poses(turns: list[list[float]]) -> list[np.ndarray]:
        made = [np.eye(4) for _ in turns]
        for T, turn in zip(made, turns, strict=True):
            T[:3, :3] = Rotation.from_rotvec(turn).as_matrix()
        return made

    few = measure_diversity(poses([[0, 0, 0.0], [0, 0, 0.2]]), [0.5, 0.5]).missing(Wanted())
    assert len(few) == 4 and few[0] == '2 of 15 poses'
    one_axis = measure_diversity(poses([[0, 0, angle] for angle in np.linspace(0, 1, 15)]), [0.4] * 14 + [0.6])
    (only,) = one_axis.missing(Wanted())
    assert 'one axis' in only
    rig, views = _rig(panda, 'eye_to_hand', 'plumb_bob', 0)
    distances = np.linalg.norm(rig.board_poses(random_joints(rig, 15, np.random.default_rng(0)))[:, :3, 3], axis=1)
    assert not measure_diversity([view.T_parent_other for view in views], distances.tolist()).missing(Wanted())
    assert len(measure_diversity([], []).missing(Wanted())) == 4
