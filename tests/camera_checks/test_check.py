# SPDX-License-Identifier: Apache-2.0
"""A camera that was bumped, swapped, turned or wrongly calibrated is not ok, and the verdict says why; others are ok."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta, timezone

import numpy as np
import pytest

from genima.bench.camera_work import Bump, WorkingArm
from genima.camera_checks.check import CameraChecks, CheckLimits, Verdict
from genima.camera_checks.drift import guidance
from genima.camera_checks.motion import PictureMotion
from genima.camera_checks.pictures import Sight
from genima.camera_checks.reference import Reference
from genima.errors import CalibrationError

CAMERAS = ('wrist', 'front', 'right_shoulder', 'left_shoulder')


class Lab:
    """The arm works on; each call of `see` is half a second later."""

    t_s = 0.0

    def __init__(self, arm: WorkingArm) -> None:
        self.arm = arm
        self.checks = self.fresh()

    def fresh(self, limits: CheckLimits | None = None, dates: dict[str, str] | None = None) -> CameraChecks:
        checks = CameraChecks(self.arm.profile, CAMERAS, limits, dates)
        checks.use({name: Reference.of(sight, 'panda') for name, sight in self.sights().items()})
        return checks

    def sights(self) -> dict[str, Sight]:
        Lab.t_s += 0.5
        return self.arm.sights(Lab.t_s)

    def see(self, times: int = 2, change: dict[str, str] | None = None) -> dict[str, Verdict]:
        """Check all cameras some times; with `change`, a camera shows the picture of another one."""
        for _ in range(times):
            sights = self.sights()
            shown = {name: sights[(change or {}).get(name, name)].picture for name in sights}
            verdicts = {n: self.checks.check(n, replace(sight, picture=shown[n])) for n, sight in sights.items()}
        return verdicts

    def see_until_bad(self, camera: str, change: dict[str, str] | None = None) -> Verdict:
        """Check until a camera is not ok, 5 s at most: the fingers may just have moved."""
        for _ in range(10):
            verdict = self.see(1, change)[camera]
            if not verdict.ok:
                break
        return verdict


@pytest.fixture
def lab(arm: WorkingArm) -> Iterator[Lab]:
    yield Lab(arm)
    for name in CAMERAS:
        arm.bump(name, Bump())


def test_cameras_that_nobody_touched_are_ok_while_the_arm_works(lab: Lab) -> None:
    lab.see()
    for _ in range(6):
        verdicts = lab.see(1)
        assert all(verdict.ok for verdict in verdicts.values()), verdicts
    front = verdicts['front']
    assert front.drift_px < 0.2 and front.projection_error_px <= 2.0 and front.pictures == 8
    assert np.isnan(front.calibration_age_days)


@pytest.mark.parametrize(
    ('camera', 'bump', 'words'),
    [
        ('front', Bump(turn_rad=(0.0, 0.0087, 0.0)), 'turn left, 1.'),
        ('left_shoulder', Bump(shift_m=(0.005, 0.0, 0.0)), 'turn left, 0.'),
        ('right_shoulder', Bump(turn_rad=(0.0, 0.0, 0.0087)), 'roll counter-clockwise'),
    ],
)
def test_a_bump_is_noticed_in_two_pictures_and_gone_when_undone(lab: Lab, camera: str, bump: Bump, words: str) -> None:
    lab.see()
    lab.arm.bump(camera, bump)
    first = lab.see(1)[camera]
    assert first.ok and first.problems, 'seen once: not yet believed'
    verdicts = lab.see(1)
    assert [name for name in CAMERAS if not verdicts[name].ok] == [camera]
    (problem,) = verdicts[camera].problems
    assert problem.startswith('the camera has moved') and words in problem
    lab.arm.bump(camera, Bump())
    assert lab.see()[camera].ok


def test_a_bumped_camera_on_the_hand_is_noticed_by_hand_and_fingers(lab: Lab) -> None:
    for _ in range(10):
        if np.isfinite(lab.see(1)['wrist'].drift_px):
            break
    lab.arm.bump('wrist', Bump(shift_m=(0.0, 0.0, 0.005)))
    verdict = lab.see_until_bad('wrist')
    assert not verdict.ok and 'move back' in verdict.problems[0] and verdict.drift_px > 3.0


def test_fingers_at_another_opening_are_learned(lab: Lab) -> None:
    openings, measured = set(), 0
    for _ in range(24):
        sights = lab.sights()
        verdict = lab.checks.check('wrist', sights['wrist'])
        assert verdict.ok or not measured, verdict
        measured += bool(np.isfinite(verdict.drift_px))
        openings.add(sights['wrist'].gripper_open)
    assert len(openings) == 2 and measured >= 18


def test_swapped_cameras_are_refused_by_name(lab: Lab) -> None:
    lab.see()
    verdicts = lab.see(change={'front': 'left_shoulder', 'left_shoulder': 'front'})
    assert not verdicts['front'].ok and not verdicts['left_shoulder'].ok
    assert 'looks like that of camera left_shoulder' in ' '.join(verdicts['front'].problems)
    assert 'looks like that of camera front' in ' '.join(verdicts['left_shoulder'].problems)
    assert verdicts['right_shoulder'].ok
    for camera, shown in (('wrist', 'front'), ('right_shoulder', 'left_shoulder'), ('front', 'wrist')):
        assert not lab.see_until_bad(camera, {camera: shown}).ok


@pytest.mark.parametrize('camera', CAMERAS)
@pytest.mark.parametrize('turned_deg', [90, 180, 270])
def test_a_turned_picture_is_refused(lab: Lab, camera: str, turned_deg: int) -> None:
    for _ in range(10):
        sight = lab.sights()[camera]
        turned = np.ascontiguousarray(np.rot90(sight.picture, -turned_deg // 90))
        verdict = lab.checks.check(camera, replace(sight, picture=turned))
        if not verdict.ok and verdict.pictures > 1:
            break
    assert not verdict.ok and verdict.problems
    if camera != 'wrist':
        assert f'turned by {turned_deg} degrees clockwise' in ' '.join(verdict.problems)


def test_a_wrong_calibration_is_noticed_by_the_arm_in_the_picture(lab: Lab) -> None:
    lab.checks = CameraChecks(lab.arm.profile, CAMERAS)
    for _ in range(8):
        for name, sight in lab.sights().items():
            T = sight.camera.T_parent_camera.copy()
            T[:3, 3] += T[:3, 0] * 0.05  # 5 cm to the right
            wrong = replace(sight, camera=replace(sight.camera, T_parent_camera=T))
            verdict = lab.checks.check(name, wrong)
            if name == 'front':
                front = verdict
    assert not front.ok and front.projection_error_px > 4.0
    assert any('joints and calibration have it' in problem for problem in front.problems)


def test_without_a_reference_or_with_another_size_a_camera_is_not_ok(lab: Lab) -> None:
    checks = CameraChecks(lab.arm.profile, CAMERAS)
    sight = lab.sights()['front']
    verdict = checks.check('front', sight)
    assert not verdict.ok and 'camera_check_node/pin' in verdict.problems[0] and np.isnan(verdict.drift_px)
    verdict = lab.checks.check('front', replace(sight, picture=sight.picture[::2, ::2].copy()))
    assert not verdict.ok and 'pictures are 64x64, the calibration is for 128x128' in verdict.problems[0]


def test_an_old_calibration_is_refused_and_a_date_that_is_none_named(lab: Lab) -> None:
    old = (datetime.now(timezone.utc) - timedelta(days=40)).isoformat()
    lab.checks = lab.fresh(CheckLimits(age_days=30.0), {'front': old})
    verdicts = lab.see()
    assert not verdicts['front'].ok and '40 days old, 30 are allowed' in verdicts['front'].problems[0]
    assert verdicts['front'].calibration_age_days == pytest.approx(40.0, abs=0.1) and verdicts['right_shoulder'].ok
    lab.checks = lab.fresh(dates={'': old[:10]})
    assert lab.see()['wrist'].calibration_age_days == pytest.approx(40.0, abs=1.1)
    with pytest.raises(CalibrationError, match='the form is 2026-11-01'):
        lab.fresh(dates={'front': 'yesterday'})


def test_guidance_names_the_largest_part_first() -> None:
    motion = PictureMotion(np.array([-12.0, 0.2]), 13.0, 0.0, 1.0, 0.9, 500)
    assert guidance(motion, 640) == 'turn left, 12.0 px'
    motion = PictureMotion(np.array([0.0, 1.0]), 3.0, np.deg2rad(0.5), 0.99, 0.9, 500)
    assert guidance(motion, 640) == 'move closer, 1.00 % of the distance; roll clockwise, 0.50 degrees; tilt down, 1.0 px'
    assert guidance(PictureMotion(np.zeros(2), 0.0, 0.0, 1.0, 1.0, 500), 640) == 'nothing to do'
