# SPDX-License-Identifier: Apache-2.0
import numpy as np

from genima.chunks.plan import Chunk, Plan
from genima.guard.workspace import Workspace
from genima.robots.kinematics import link_poses, solve_ik, tcp_pose
from genima.robots.profile import RobotProfile


def _chunk(profile: RobotProfile, heights_m: list[float]) -> Chunk:
    T, q = np.diag([1.0, -1.0, -1.0, 1.0]), profile.home_rad
    rows = []
    for height in heights_m:
        T[:3, 3] = 0.5, 0.1, height
        q = solve_ik(profile, T, q)
        rows.append(q)
    return Chunk(0.0, 0.1, np.array(rows), np.ones(len(rows)))


def test_points_a_little_below_the_table_plane_are_lifted_and_nothing_else_changes(panda: RobotProfile) -> None:
    chunk = _chunk(panda, [0.05, 0.02, 0.0, -0.015])
    inside = Workspace().bring_inside(panda, chunk)
    before, after = tcp_pose(panda, chunk.q_rad)[:, :3, 3], tcp_pose(panda, inside.q_rad)[:, :3, 3]
    np.testing.assert_array_equal(inside.q_rad[:2], chunk.q_rad[:2])
    assert (after[:, 2] >= 0.01).all()
    np.testing.assert_allclose(after[:, :2], before[:, :2], atol=1e-3)
    assert np.abs(inside.q_rad - chunk.q_rad).max() < 0.1


def test_points_far_outside_are_left_to_be_refused(panda: RobotProfile) -> None:
    chunk = _chunk(panda, [0.05, -0.08])
    np.testing.assert_array_equal(Workspace().bring_inside(panda, chunk).q_rad, chunk.q_rad)


def test_the_elbow_has_to_stay_in_the_box_too(panda: RobotProfile) -> None:
    elbow, tcp = (link_poses(panda, panda.home_rad)[link][:3, 3] for link in (panda.elbow_link, panda.gripper.tcp_link))
    ceiling_m = elbow[2] - 0.05
    assert tcp[2] < ceiling_m
    plan = Plan.hold(panda.home_rad, 0, 0.02)
    outside_m, where = Workspace(max_xyz_m=(2.0, 2.0, ceiling_m)).outside_m(panda, plan, 0.0)
    assert abs(outside_m - 0.05) < 1e-9 and panda.elbow_link in where
