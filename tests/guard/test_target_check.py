# SPDX-License-Identifier: Apache-2.0
"""Painted spheres against the motion of the chunk: agreement, a wrong motion, a wrong view, a blank picture."""

from dataclasses import replace

import numpy as np
import pytest

from genima.cameras.model import MountedCamera
from genima.cameras.triangulate import nearest_point
from genima.chunks.plan import Chunk
from genima.collision.obstacles import parse_obstacles, table
from genima.contract.spec import PolicySpec
from genima.contract.targets import paint_targets
from genima.guard.target_check import TargetCheck, check_target
from genima.guard.workspace import Workspace
from genima.robots.kinematics import tcp_pose
from genima.robots.profile import RobotProfile
from genima.sim.simulation import Simulation

Cameras = dict[str, MountedCamera]
STAMP_S = 5.0


@pytest.fixture(scope='module')
def cameras(panda: RobotProfile) -> Cameras:
    return Simulation(panda, render=False).cameras


def _chunk(panda: RobotProfile, shift_rad: float = 0.0) -> Chunk:
    goal = panda.home_rad + np.array([0.2, 0.1, 0.0, -0.1, 0.0, 0.1, 0.0])
    share = np.linspace(0.1, 1.0, 10)[:, None]
    q = (1 - share) * panda.home_rad + share * goal
    q[:, 0] += shift_rad
    return Chunk(STAMP_S, 0.1, q, np.ones(10))


def _check(spec: PolicySpec, panda: RobotProfile, cameras: Cameras, painted: np.ndarray, chunk: Chunk) -> TargetCheck:
    return check_target(spec, panda, cameras, painted, STAMP_S, panda.home_rad, chunk)


def _painted(spec: PolicySpec, panda: RobotProfile, cameras: Cameras) -> np.ndarray:
    gray = np.full((len(spec.cameras), spec.view_size_px, spec.view_size_px, 3), 150, dtype=np.uint8)
    return paint_targets(spec, panda, cameras, gray, panda.home_rad, _chunk(panda).q_rad[-1], 1.0)


def test_a_target_agrees_with_the_chunk_that_it_asks_for(
    small_spec: PolicySpec, panda: RobotProfile, cameras: Cameras
) -> None:
    check = _check(small_spec, panda, cameras, _painted(small_spec, panda, cameras), _chunk(panda))
    assert check.distance_m is not None and check.distance_m < 0.003
    assert check.disagreement(0.01) is None
    assert all(max(sphere.residual_px.values(), default=0.0) < 1.0 for sphere in check.spheres)


def test_distance_is_that_of_a_chunk_that_goes_elsewhere(
    small_spec: PolicySpec, panda: RobotProfile, cameras: Cameras
) -> None:
    painted = _painted(small_spec, panda, cameras)
    wrong = _chunk(panda, 0.15)
    check = _check(small_spec, panda, cameras, painted, wrong)
    apart_m = np.linalg.norm(tcp_pose(panda, wrong.q_rad[-1])[:3, 3] - tcp_pose(panda, _chunk(panda).q_rad[-1])[:3, 3])
    distances = {sphere.name: sphere.distance_m for sphere in check.spheres}
    assert distances['gripper'] == pytest.approx(apart_m, abs=0.006)
    words = check.disagreement(0.02)
    assert words is not None and 'mm' in words and 'in view' in words


def test_the_view_that_disagrees_is_named(small_spec: PolicySpec, panda: RobotProfile, cameras: Cameras) -> None:
    painted = _painted(small_spec, panda, cameras)
    front = small_spec.cameras.index('front')
    painted[front] = np.roll(painted[front], 20, axis=1)
    words = _check(small_spec, panda, cameras, painted, _chunk(panda)).disagreement(0.01)
    assert words is not None and 'in view front' in words


def test_without_spheres_there_is_no_agreement(small_spec: PolicySpec, panda: RobotProfile, cameras: Cameras) -> None:
    blank = np.full_like(_painted(small_spec, panda, cameras), 150)
    check = _check(small_spec, panda, cameras, blank, _chunk(panda))
    assert check.distance_m is None and check.disagreement(1.0) == 'no painted sphere was found in two views'
    assert any('front' in sphere.missing for sphere in check.spheres)


def test_nearest_point_of_rays() -> None:
    rng = np.random.default_rng(0)
    point, origins = np.array([0.3, -0.2, 0.5]), rng.normal(size=(4, 3))
    directions = (point - origins) / np.linalg.norm(point - origins, axis=1, keepdims=True)
    np.testing.assert_allclose(nearest_point(list(origins), list(directions)), point, atol=1e-9)
    assert nearest_point([origins[0], origins[1]], [directions[0], directions[0]]) is None
    assert nearest_point([origins[0]], [directions[0]]) is None


@pytest.mark.parametrize('camera', ['front', 'wrist', 'right_shoulder'])
def test_one_camera_compares_across_its_view(
    small_spec: PolicySpec, panda: RobotProfile, cameras: Cameras, camera: str
) -> None:
    spec = replace(small_spec, cameras=(camera,), radius_scale={}, hidden={})
    painted = _painted(spec, panda, cameras)
    check = _check(spec, panda, cameras, painted, _chunk(panda))
    assert check.across and check.distance_m is not None and check.distance_m < 0.005
    assert check.disagreement(0.02) is None

    wrong = _chunk(panda, 0.3)
    words = _check(spec, panda, cameras, painted, wrong).disagreement(0.02)
    assert words is not None and ('across the view' in words or words == 'no painted sphere was found')
    blank = np.full_like(painted, 150)
    assert _check(spec, panda, cameras, blank, _chunk(panda)).disagreement(1.0) == 'no painted sphere was found'


def test_the_distance_across_a_view_is_in_metres(small_spec: PolicySpec, panda: RobotProfile, cameras: Cameras) -> None:
    spec = replace(small_spec, cameras=('front',), radius_scale={}, hidden={})
    wrong = _chunk(panda, 0.15)
    check = _check(spec, panda, cameras, _painted(spec, panda, cameras), wrong)
    tcp_m = [tcp_pose(panda, chunk.q_rad[-1])[:3, 3] for chunk in (wrong, _chunk(panda))]
    distances = {sphere.name: sphere.distance_m for sphere in check.spheres}
    apart_m = float(np.linalg.norm(tcp_m[0] - tcp_m[1]))
    assert distances['gripper'] is not None and 0.7 * apart_m < distances['gripper'] < 1.1 * apart_m


def test_two_cameras_from_the_same_side_compare_across(
    small_spec: PolicySpec, panda: RobotProfile, cameras: Cameras
) -> None:
    beside = np.array(cameras['front'].T_parent_camera)
    beside[:3, 3] += 0.03 * beside[:3, 0]
    stereo = {**cameras, 'wrist': replace(cameras['front'], T_parent_camera=beside)}
    spec = replace(small_spec, cameras=('front', 'wrist'), radius_scale={}, hidden={})
    check = _check(spec, panda, stereo, _painted(spec, panda, stereo), _chunk(panda))
    assert check.across and check.disagreement(0.02) is None


def test_spheres_that_are_painted_in_a_box_or_below_the_table_are_named(
    small_spec: PolicySpec, panda: RobotProfile, cameras: Cameras
) -> None:
    chunk = _chunk(panda)
    check = _check(small_spec, panda, cameras, _painted(small_spec, panda, cameras), chunk)
    gripper = next(sphere for sphere in check.spheres if sphere.name == 'gripper')
    tcp_m = tcp_pose(panda, chunk.q_rad[-1])[:3, 3]
    np.testing.assert_allclose(gripper.painted_m, tcp_m, atol=0.01)
    assert check.misplaced(table(), Workspace(), 0.06) is None
    bin_ = {'center_m': tcp_m.tolist(), 'size_m': [0.2, 0.2, 0.2], 'rpy_rad': [0.0, 0.0, 0.5]}
    text = check.misplaced(parse_obstacles({'boxes': {'bin': bin_}}), Workspace(), 0.06)
    assert text is not None and 'sphere gripper' in text and 'bin, inside of it' in text and 'allowed are 60 mm' in text
    high = Workspace(min_xyz_m=(-2.0, -2.0, float(tcp_m[2]) + 0.1))
    text = check.misplaced(table(), high, 0.06)
    assert text is not None and 'the workspace, outside of it' in text
