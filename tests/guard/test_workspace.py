# SPDX-License-Identifier: Apache-2.0
import numpy as np

from genima.chunks.plan import Chunk
from genima.guard.workspace import Workspace
from genima.robots.kinematics import solve_ik, tcp_pose
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
