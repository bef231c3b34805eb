# SPDX-License-Identifier: Apache-2.0
"""Each diagnosis speaks up where something is wrong, with the numbers, and is silent elsewhere."""

from dataclasses import replace

import numpy as np
import pytest
from made_failures import BOX, CAMERAS, PANDA, PICTURES, SPEC, START_S, Painting, beside, made, q_at, shifted

from genima.failures.arm_shapes import in_the_way
from genima.failures.diagnose import DIAGNOSES, SPEAKS_FOR, diagnose
from genima.failures.evidence import Evidence, JointSeries
from genima.failures.finding import Finding, longest_run
from genima.guard.workspace import Workspace
from genima.robots.kinematics import tcp_pose
from genima.sim.world import look_at


def _only(evidence: Evidence, name: str) -> Finding:
    findings = diagnose(evidence)
    assert [finding.name for finding in findings] == [name], [finding.text for finding in findings]
    return findings[0]


def test_sound_pictures_raise_no_suspicion() -> None:
    assert diagnose(made()) == []
    assert diagnose(made(Painting(pictures=0))) == []
    assert set(SPEAKS_FOR) == set(DIAGNOSES)


def test_spheres_below_the_table_are_outside() -> None:
    low = Painting(scene=lambda n, scene: shifted(scene, np.array([0, 0, -0.25]), 'gripper'))
    finding = _only(made(low), 'outside_workspace')
    lowest_m = min(tcp_pose(PANDA, q_at(START_S + 1 + 0.1 * n))[2, 3] - 0.25 for n in range(PICTURES))
    assert finding.figures['sphere'] == 'gripper' and finding.figures['axis'] == 'z'
    assert finding.figures['beyond_mm'] == pytest.approx(-1e3 * lowest_m, abs=15.0)
    assert 'below the allowed z of 0.00 m' in finding.text


def test_a_short_visit_outside_is_no_failure() -> None:
    def scene(number: int, spheres: list) -> list:
        return shifted(spheres, np.array([0, 0, -0.25])) if number % 6 == 0 and number else spheres

    names = [finding.name for finding in diagnose(made(Painting(scene=scene)))]
    assert 'outside_workspace' not in names


def test_the_box_decides_what_is_outside() -> None:
    tight = Workspace(BOX.min_xyz_m, (BOX.max_xyz_m[0], BOX.max_xyz_m[1], 0.3))
    finding = _only(made(workspace=tight), 'outside_workspace')
    assert finding.figures['sphere'] in ('wrist', 'elbow') and 'above the allowed z of 0.30 m' in finding.text


@pytest.mark.parametrize('camera', ['front', 'left_shoulder', 'wrist'])
@pytest.mark.parametrize(
    ('right_m', 'down_m', 'words'), [(-0.02, 0.0, 'mm to its left of'), (0.012, -0.012, 'mm to its right and')]
)
def test_the_camera_with_a_wrong_extrinsic_is_named(camera: str, right_m: float, down_m: float, words: str) -> None:
    finding = _only(made(Painting(cameras=beside(camera, right_m, down_m))), 'camera_offset')
    assert finding.figures['camera'] == camera and words in finding.text, finding.text
    assert finding.figures['right_mm'] == pytest.approx(1e3 * right_m, abs=3.0)
    assert finding.figures['down_mm'] == pytest.approx(1e3 * down_m, abs=3.0)


def test_an_arm_that_goes_elsewhere_is_no_wrong_camera() -> None:
    assert diagnose(made(Painting(scene=lambda n, scene: shifted(scene, np.array([0.04, -0.05, 0.06]))))) == []


def test_with_one_camera_the_arm_is_the_reference() -> None:
    spec = replace(SPEC, cameras=('front',), hidden={})
    evidence = made(Painting(cameras=beside('front', 0.0, 0.03)))
    targets = tuple(replace(each, views=each.views[:1]) for each in evidence.targets)
    alone = replace(evidence, spec=spec, targets=targets, cameras={'front': CAMERAS['front']})
    finding = _only(alone, 'camera_offset')
    assert 'camera front' in finding.text and '30 mm down of where the arm then went' in finding.text


def test_jumping_spheres_jitter() -> None:
    rng = np.random.default_rng(0)
    shifts = rng.normal(0.0, 0.045, (PICTURES, 3))
    finding = _only(made(Painting(scene=lambda n, scene: shifted(scene, shifts[n], 'hand'))), 'jitter')
    assert finding.figures['sphere'] == 'hand' and 'picture to picture' in finding.text
    assert float(finding.figures['jump_mm']) > 25.0


def test_a_smooth_motion_does_not_jitter() -> None:
    def scene(number: int, spheres: list) -> list:
        return shifted(spheres, 0.1 * np.array([0.0, np.sin(0.4 * number), 0.0]))

    assert diagnose(made(Painting(scene=scene))) == []


def test_a_gripper_that_does_the_opposite_of_its_colour() -> None:
    finding = _only(made(Painting(opening=lambda t: 0.0)), 'gripper_color')
    assert 'that of closed where the gripper was open' in finding.text and 'training data' in finding.text
    finding = _only(made(Painting(opening=lambda t: 0.0), gripper_commands=((START_S, 0.0),)), 'gripper_color')
    assert finding.figures['as_commanded'] == finding.figures['wrong'] and 'look at the gripper' in finding.text


def test_a_gripper_that_is_a_little_late_or_holds_something_is_right() -> None:
    closing = Painting(opening=lambda t: float(t < START_S + 2.0), measured=lambda t: 1.0 if t < START_S + 2.3 else 0.5)
    assert diagnose(made(closing)) == []


def _without_gripper(number: int, camera: str, view: np.ndarray) -> np.ndarray:
    if camera != 'right_shoulder':
        return view
    out = view.copy()
    out[(view[..., 1] > 1.5 * view[..., 0]) & (view[..., 1] > 1.5 * view[..., 2])] = 140
    return out


def test_a_sphere_that_the_arm_hides_is_named_with_its_view() -> None:
    tcp = tcp_pose(PANDA, q_at(START_S + 2.0))[:3, 3]
    behind = replace(
        CAMERAS['right_shoulder'], T_parent_camera=look_at(np.array([-0.7, -0.05, 0.55]), tcp, np.array([0.0, 0.0, 1.0]))
    )
    cameras = {**CAMERAS, 'right_shoulder': behind}
    evidence = made(Painting(cameras=cameras, view=_without_gripper), cameras=cameras)
    finding = _only(evidence, 'hidden_by_arm')
    assert finding.figures['camera'] == 'right_shoulder' and finding.figures['sphere'] == 'gripper'
    assert 'panda_' in finding.text and 'move the camera' in finding.text


def test_a_sphere_that_is_not_painted_in_the_open_is_not_hidden() -> None:
    assert diagnose(made(Painting(view=_without_gripper))) == []


def test_the_shapes_of_the_arm_are_in_the_way() -> None:
    T = tcp_pose(PANDA, PANDA.home_rad)
    above, tip = T[:3, 3] + [0.0, 0.0, 1.0], T[:3, 3]
    assert in_the_way(PANDA, PANDA.home_rad, 1.0, above, tip, 0.03) is not None
    assert in_the_way(PANDA, PANDA.home_rad, 1.0, above + np.array([2.0, 0.0, -0.9]), tip, 0.05) is None
    assert in_the_way(PANDA, PANDA.home_rad, 1.0, tip + np.array([0.0, 0.0, 0.02]), tip, 0.05) is None


def test_joints_are_known_between_samples_only() -> None:
    series = JointSeries(np.array([1.0, 1.1, 2.0]), np.array([[0.0], [1.0], [2.0]]), np.array([1.0, 0.0, 0.0]))
    q, opening = series.at(1.05) or (np.zeros(1), -1.0)
    assert q[0] == pytest.approx(0.5) and opening == pytest.approx(0.5)
    assert series.at(1.0) is not None and series.at(0.9) is None and series.at(2.1) is None and series.at(1.5) is None
    assert series.openings_within(0.9, 1.1).size == 0 and series.openings_within(1.0, 1.1).tolist() == [1.0, 0.0]


def test_the_longest_run() -> None:
    assert longest_run([]) == 0 and longest_run([True, False, True, True]) == 2
