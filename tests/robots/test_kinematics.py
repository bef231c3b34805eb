# SPDX-License-Identifier: Apache-2.0
"""Forward kinematics against two independent opinions, the Jacobian against differences, inverse against forward."""

from xml.etree import ElementTree

import mujoco
import numpy as np
import pytest
from pytransform3d.urdf import UrdfTransformManager

from genima.errors import LimitError
from genima.robots.kinematics import jacobian, link_poses, solve_ik, tcp_pose
from genima.robots.profile import RobotProfile
from genima.robots.reading import profile_names
from genima.robots.urdf import to_urdf
from genima.sim.simulation import Simulation

TOLERANCE_M = 1e-6
NEAR_YUMI_M = [0.36, 0.06, 0.12], [0.48, 0.18, 0.28]  # its arms are short


@pytest.fixture(params=profile_names())
def profile(request: pytest.FixtureRequest) -> RobotProfile:
    return RobotProfile.load(request.param)


def _random_q(profile: RobotProfile, count: int) -> np.ndarray:
    limits = profile.limits
    shape = (count, profile.n_joints)
    return np.random.default_rng(0).uniform(limits.position_min_rad, limits.position_max_rad, shape)


def test_agrees_with_mujoco(profile: RobotProfile) -> None:
    simulation = Simulation(profile, render=False)
    for q in _random_q(profile, 100):
        simulation.data.qpos[:] = 0.0
        for name, value in zip(profile.arm_joints, q, strict=True):
            simulation.data.joint(name).qpos[0] = value
        for name in profile.gripper.joints:
            simulation.data.joint(name).qpos[0] = profile.gripper.position_m(0.3)
        mujoco.mj_kinematics(simulation.model, simulation.data)
        for link, T in link_poses(profile, q, gripper_open=0.3).items():
            body = simulation.data.body(link)
            np.testing.assert_allclose(T[:3, 3], body.xpos, atol=TOLERANCE_M)
            np.testing.assert_allclose(T[:3, :3], body.xmat.reshape(3, 3), atol=TOLERANCE_M)


def test_agrees_with_a_urdf_library(profile: RobotProfile) -> None:
    other = UrdfTransformManager()
    other.load_urdf(to_urdf(profile))
    for q in _random_q(profile, 20):
        for name, value in zip(profile.arm_joints, q, strict=True):
            other.set_joint(name, value)
        for name in profile.gripper.joints:
            other.set_joint(name, profile.gripper.position_m(0.7))
        for link, T in link_poses(profile, q, gripper_open=0.7).items():
            np.testing.assert_allclose(T, other.get_transform(link, profile.base_link), atol=TOLERANCE_M)


def test_is_batched(profile: RobotProfile) -> None:
    q = _random_q(profile, 6).reshape(2, 3, -1)
    batch = link_poses(profile, q)
    for link, T in link_poses(profile, q[1, 2]).items():
        np.testing.assert_allclose(np.broadcast_to(batch[link], (2, 3, 4, 4))[1, 2], T, atol=1e-12)


def test_jacobian_is_the_derivative(profile: RobotProfile) -> None:
    q, step = _random_q(profile, 1)[0], 1e-6
    J = jacobian(profile, q)
    for joint in range(profile.n_joints):
        move = step * np.eye(profile.n_joints)[joint]
        before, after = tcp_pose(profile, q - move), tcp_pose(profile, q + move)
        np.testing.assert_allclose(J[:3, joint], (after - before)[:3, 3] / (2 * step), atol=1e-6)
        spin = (after[:3, :3] - before[:3, :3]) / (2 * step) @ tcp_pose(profile, q)[:3, :3].T
        np.testing.assert_allclose(J[3:, joint], [spin[2, 1], spin[0, 2], spin[1, 0]], atol=1e-6)


def test_inverse_kinematics_reaches_poses_above_the_table(profile: RobotProfile) -> None:
    rng = np.random.default_rng(1)
    for _ in range(20):
        T = np.diag([1.0, -1.0, -1.0, 1.0])
        near = profile.name == 'yumi_left'
        T[:3, 3] = rng.uniform(*(NEAR_YUMI_M if near else ([0.45, -0.2, 0.05], [0.6, 0.2, 0.4])))
        q = solve_ik(profile, T, profile.home_rad)
        np.testing.assert_allclose(tcp_pose(profile, q), T, atol=1e-4)
        assert (q > profile.limits.position_min_rad).all() and (q < profile.limits.position_max_rad).all()


def test_wrong_number_of_joints_is_refused(profile: RobotProfile) -> None:
    with pytest.raises(LimitError, match=f'{profile.n_joints} arm joints'):
        tcp_pose(profile, np.zeros(3))


def test_ur5e_agrees_with_the_makers_table() -> None:
    """Universal Robots, 'DH parameters for calculations of kinematics and dynamics', UR5e; their base is turned by pi."""
    profile = RobotProfile.load('ur5e')
    table = zip(
        (0.0, -0.425, -0.3922, 0.0, 0.0, 0.0),
        (0.1625, 0.0, 0.0, 0.1333, 0.0997, 0.0996),
        (np.pi / 2, 0.0, 0.0, np.pi / 2, -np.pi / 2, 0.0),
        strict=True,
    )
    rows = list(table)
    for q in _random_q(profile, 20):
        T = np.diag([-1.0, -1.0, 1.0, 1.0])
        for angle, (a, d, alpha) in zip(q, rows, strict=True):
            c, s, ca, sa = np.cos(angle), np.sin(angle), np.cos(alpha), np.sin(alpha)
            T = T @ np.array([[c, -s * ca, s * sa, a * c], [s, c * ca, -c * sa, a * s], [0, sa, ca, d], [0, 0, 0, 1]])
        np.testing.assert_allclose(link_poses(profile, q)['tool0'], T, atol=TOLERANCE_M)


def test_mock_hardware_holds_the_home_pose(profile: RobotProfile) -> None:
    root = ElementTree.fromstring(to_urdf(profile, mock_hardware=True))
    joints = {joint.get('name'): joint for joint in root.findall('ros2_control/joint')}
    assert set(joints) == {*profile.arm_joints, *profile.gripper.joints}
    for name, home_rad in zip(profile.arm_joints, profile.home_rad, strict=True):
        assert joints[name].find('command_interface').get('name') == 'position'  # type: ignore[union-attr]
        start = joints[name].find("state_interface[@name='position']/param")
        assert start is not None and float(start.text or 'nan') == pytest.approx(home_rad)
    assert ElementTree.fromstring(to_urdf(profile)).find('ros2_control') is None
