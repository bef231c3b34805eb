# SPDX-License-Identifier: Apache-2.0
"""Profiles from URDF files: kinematics against scipy, limits with their sources, and every odd file refused in words."""

import struct
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner
from urdfs import ChainJoint, chain_pose, random_chain, urdf_text, write

from genima.cli.main import app
from genima.errors import ProfileError
from genima.robots.inertia import link_inertia
from genima.robots.kinematics import link_poses, tcp_pose
from genima.robots.profile import Link, RobotProfile, Shape
from genima.robots.reading import profile_names
from genima.robots.urdf import to_urdf
from genima.robots.urdf_import import ImportOptions, import_urdf
from genima.sim.simulation import Simulation

HOME = ImportOptions(home_rad=(0.1,) * 6)  # a chain of chance has no pose above a table
RNG = np.random.default_rng(7)
CHAIN = random_chain(RNG, 6)
TIP = f'l{len(CHAIN)}'
PAIR = [ChainJoint('revolute', np.array([0, 0, 0.3]), np.zeros(3), np.array([0, 1.0, 0]))] * 2


def finger(name: str, sign: int, extra: str = '', limit: str = 'lower="0" upper="0.04"') -> str:
    return (
        f'<link name="{name}"/><joint name="{name}_joint" type="prismatic"><parent link="{TIP}"/><child link="{name}"/>'
        f'<origin xyz="0 0 0.06"/><axis xyz="0 {sign} 0"/><limit {limit} velocity="0.2" effort="20"/>{extra}</joint>'
    )


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(seed=st.integers(0, 2**32 - 1), moving=st.integers(1, 8))
def test_kinematics_are_those_of_the_urdf(seed: int, moving: int, tmp_path: Path) -> None:
    rng = np.random.default_rng(seed)
    joints = random_chain(rng, moving)
    options = ImportOptions(tip_link=f'l{len(joints)}', home_rad=(0.1,) * moving)
    profile = import_urdf(write(tmp_path / 'arm.urdf', urdf_text(joints)), options).profile
    again = import_urdf(write(tmp_path / 'again.urdf', to_urdf(profile)), options).profile
    for q_rad in rng.uniform(-2, 2, (5, moving)):
        np.testing.assert_allclose(tcp_pose(profile, q_rad), chain_pose(joints, q_rad), atol=1e-9)
        np.testing.assert_allclose(tcp_pose(again, q_rad), chain_pose(joints, q_rad), atol=1e-9)
    for key in ('position_min_rad', 'position_max_rad', 'velocity_rad_s', 'effort_nm'):
        np.testing.assert_array_equal(getattr(profile.limits, key), getattr(again.limits, key))


@pytest.mark.parametrize('name', profile_names())
def test_a_shipped_profile_survives_the_round_trip(name: str, tmp_path: Path) -> None:
    profile = RobotProfile.load(name)
    options = ImportOptions(
        tip_link=profile.gripper.tcp_link, home_rad=tuple(profile.home_rad), gripper_joints=profile.gripper.joints
    )
    path = write(tmp_path / 'out.urdf', to_urdf(profile))
    if profile.gripper.joints and profile.chain(profile.gripper.tcp_link):
        again = import_urdf(path, options).profile
        np.testing.assert_allclose(tcp_pose(again, profile.home_rad), tcp_pose(profile, profile.home_rad), atol=1e-9)
        assert again.arm_joints == profile.arm_joints and again.gripper.joints == profile.gripper.joints
        assert again.gripper.open_m == pytest.approx(profile.gripper.open_m)
        ours, theirs = (link_poses(each, profile.home_rad, 0.3) for each in (profile, again))
        for link in profile.links:
            np.testing.assert_allclose(ours[link.name], theirs[link.name], atol=1e-9)
        np.testing.assert_array_equal(again.limits.velocity_rad_s, profile.limits.velocity_rad_s)


def test_limits_say_where_they_are_from(tmp_path: Path) -> None:
    joints = [ChainJoint('continuous', np.array([0, 0, 0.3]), np.zeros(3), np.array([0, 0, 1.0]))] * 2
    text = urdf_text(joints).replace('velocity="1.5"', 'velocity="0"')
    made = import_urdf(write(tmp_path / 'my.urdf', text), ImportOptions(home_rad=(0.0, 0.0)))
    sources = made.profile.limits.sources
    assert sources['effort_nm'] == 'from URDF my.urdf'
    assert (
        'j0, j1 turn without end' in sources['position_min_rad']
        and 'proposed, not from the maker' in sources['velocity_rad_s']
    )
    assert all('proposed, not from the maker' in sources[key] for key in ('acceleration_rad_s2', 'jerk_rad_s3'))
    assert any('acceleration and jerk' in line for line in made.proposed)


def test_fingers_are_found_and_turned_to_one_sense(tmp_path: Path) -> None:
    mimic = '<mimic joint="a_joint" multiplier="-1" offset="0"/>'
    text = urdf_text(CHAIN, finger('a', 1) + finger('b', 1, mimic))
    gripper = import_urdf(write(tmp_path / 'arm.urdf', text), HOME).profile.gripper
    assert gripper.joints == ('a_joint', 'b_joint') and (gripper.closed_m, gripper.open_m) == (0.0, 0.04)
    profile = import_urdf(tmp_path / 'arm.urdf', HOME).profile
    wide, narrow = (link_poses(profile, profile.home_rad, opening) for opening in (1.0, 0.0))
    gaps = [np.linalg.norm(poses['a'][:3, 3] - poses['b'][:3, 3]) for poses in (wide, narrow)]
    np.testing.assert_allclose(gaps, [0.08, 0.0], atol=1e-9)


def test_fingers_that_close_upwards_keep_their_drivers_numbers(tmp_path: Path) -> None:
    """Positions of 0 to 0.04 m bring these fingers together, from 0.08 m apart."""
    halves = [
        finger('a', -1).replace('xyz="0 0 0.06"', 'xyz="0 0.04 0.06"'),
        finger('b', 1).replace('xyz="0 0 0.06"', 'xyz="0 -0.04 0.06"'),
    ]
    profile = import_urdf(write(tmp_path / 'arm.urdf', urdf_text(CHAIN, ''.join(halves))), HOME).profile
    driver = profile.gripper.driver('jazzy')
    assert (driver.joint, driver.opening(0.0), driver.opening(0.04)) == ('a_joint', 1.0, 0.0)
    wide = link_poses(profile, profile.home_rad, 1.0)
    assert np.linalg.norm(wide['a'][:3, 3] - wide['b'][:3, 3]) == pytest.approx(0.08)


def test_turning_fingers_are_held_and_said(tmp_path: Path) -> None:
    text = urdf_text(CHAIN, finger('a', 1).replace('prismatic', 'revolute'))
    made = import_urdf(write(tmp_path / 'arm.urdf', text), ImportOptions(tip_link=TIP, home_rad=(0.1,) * 6))
    assert not made.profile.gripper.is_there and any('the fingers turn' in line for line in made.human)
    mounted = import_urdf(
        tmp_path / 'arm.urdf', ImportOptions(tip_link=TIP, home_rad=(0.1,) * 6, gripper_from='ur5e')
    ).profile
    assert mounted.gripper.kind == 'robotiq_2f_85' and mounted.link('robotiq_base').parent == TIP
    Simulation(mounted, render=False)


def test_two_arms_are_told_apart(tmp_path: Path) -> None:
    left, right = (
        urdf_text(PAIR).replace('"l', f'"{side}_l').replace('"j', f'"{side}_j') for side in ('left', 'right')
    )
    body = [text[text.index('<link') : -len('</robot>')] for text in (left, right)]
    text = '<robot name="two"><link name="body"/>' + ''.join(body)
    for side in ('left', 'right'):
        text += f'<joint name="{side}" type="fixed"><parent link="body"/><child link="{side}_l0"/></joint>'
    path = write(tmp_path / 'two.urdf', text + '</robot>')
    with pytest.raises(ProfileError, match=r'2 arms; choose one with --tip-link: (left|right)_l\d \(2 joints\), '):
        import_urdf(path)
    profile = import_urdf(path, ImportOptions(tip_link='left_l2', home_rad=(0.0, 0.0))).profile
    assert profile.arm_joints == ('left_j0', 'left_j1') and 'right_l1' not in profile.link_by_name


@pytest.mark.parametrize(
    ('text', 'words'),
    [
        ('<!DOCTYPE r [<!ENTITY x SYSTEM "file:///etc/passwd">]><robot name="&x;"/>', 'DOCTYPE'),
        ('<!DOCTYPE r [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]><robot>&b;</robot>', 'DOCTYPE'),
        ('<robot xmlns:xacro="http://x"><xacro:include filename="a"/></robot>', 'ros2 run xacro xacro'),
        ('<robot><link name="${prefix}a"/></robot>', 'ros2 run xacro xacro'),
        ('<a>' * 100, '64 levels'),
        ('<sdf/>', '<robot>'),
        ('not xml', 'not XML'),
        ('<robot><link name="a"/><link name="a"/></robot>', 'twice'),
        ('<robot><link name=""/></robot>', 'give it one'),
        ('<robot><link name="a"/><link name="b"/></robot>', 'without a parent: a, b'),
        ('<robot/>', 'without a parent: none'),
        (urdf_text(CHAIN).replace('type="revolute"', 'type="spiral"').replace('continuous', 'spiral'), 'spiral'),
        (urdf_text(CHAIN).replace('velocity="1.5"', 'velocity="nan"'), 'finite'),
        (urdf_text(CHAIN).replace('velocity="1.5"', 'velocity="fast"'), 'fast'),
        (urdf_text(CHAIN).replace('<parent link="l0"/>', '<parent link="moon"/>'), 'moon'),
        (urdf_text(CHAIN).replace('"revolute"', '"prismatic"').replace('"continuous"', '"prismatic"'), 'prismatic'),
        (urdf_text([ChainJoint('revolute', np.zeros(3), np.zeros(3), np.zeros(3))]), 'no direction'),
        (urdf_text([ChainJoint('fixed', np.zeros(3), np.zeros(3), np.ones(3))]), 'no joint moves'),
    ],
)
def test_what_is_no_urdf_of_an_arm_is_refused(text: str, words: str, tmp_path: Path) -> None:
    with pytest.raises(ProfileError, match=words):
        import_urdf(write(tmp_path / 'odd.urdf', text))


def test_meshes_give_boxes_but_only_from_the_package(tmp_path: Path) -> None:
    corners = np.array([[0, 0, 0], [0.1, 0.2, 0], [0, 0.2, 0.4]], dtype='<f4')
    stl = bytes(80) + struct.pack('<I', 1) + bytes(12) + corners.tobytes() + bytes(2)
    package = tmp_path / 'my_description'
    (package / 'urdf').mkdir(parents=True)
    (package / 'a.stl').write_bytes(stl)
    (tmp_path / 'outside.stl').write_bytes(stl)
    joint = ChainJoint('revolute', np.array([0, 0, 0.3]), np.zeros(3), np.array([0, 0, 1.0]))
    for uri, kind in (
        ('package://my_description/a.stl', 'box'),
        ('../a.stl', 'sphere'),
        ('package://my_description/../outside.stl', 'sphere'),
        ('package://my_description/a.dae', 'sphere'),
    ):
        mesh = f'<collision><geometry><mesh filename="{uri}"/></geometry></collision></link>'
        text = urdf_text([joint]).replace('</inertial></link>', '</inertial>' + mesh)
        profile = import_urdf(write(package / 'urdf' / 'a.urdf', text), ImportOptions(home_rad=(0.0,))).profile
        assert [shape.kind for shape in profile.link('l1').shapes] == [kind], uri
    np.testing.assert_allclose(
        import_urdf(package / 'urdf' / 'a.urdf', ImportOptions(home_rad=(0.0,))).profile.limits.effort_nm, 30
    )


def test_the_command_writes_a_profile_that_loads(tmp_path: Path) -> None:
    path, out = write(tmp_path / 'arm.urdf', urdf_text(CHAIN, finger('a', 1) + finger('b', -1))), tmp_path / 'arm.yaml'
    command = ['robot', 'import', str(path), '--out', str(out), '--home', '0 0 0 0 0 0.1', '--name', 'mine']
    result = CliRunner().invoke(app, command)
    assert result.exit_code == 0, result.output
    assert all(word in result.output for word in ('taken:', 'proposed:', 'for you to look at:'))
    assert RobotProfile.load(out).name == 'mine'
    shown = CliRunner().invoke(app, ['robot', 'show', str(out)])
    assert shown.exit_code == 0 and 'from URDF arm.urdf' in shown.output
    with pytest.raises(ProfileError, match='--force'):
        CliRunner().invoke(app, command, catch_exceptions=False)


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), count=st.integers(0, 4))
def test_inertia_is_that_of_a_body_that_can_exist(seed: int, count: int) -> None:
    rng = np.random.default_rng(seed)
    sizes = {'box': 3, 'cylinder': 2, 'capsule': 2, 'sphere': 1}
    shapes = []
    for kind in rng.choice(list(sizes), count):
        size = rng.uniform(0.01, 0.5, sizes[str(kind)])
        shapes.append(Shape(str(kind), rng.uniform(-0.3, 0.3, 3), rng.uniform(-3, 3, 3), size, np.ones(4)))
    inertia = link_inertia(Link('a', None, None, 2.0, np.zeros(3), tuple(shapes)))
    a, b, c = np.linalg.eigvalsh(inertia)
    assert a > 0 and a + b >= c * (1 - 1e-9)
    np.testing.assert_array_equal(inertia, inertia.T)


def test_inertia_of_a_cylinder_is_that_of_the_book() -> None:
    rod = Shape('cylinder', np.array([1.0, 2.0, 3.0]), np.zeros(3), np.array([0.1, 0.6]), np.ones(4))
    inertia = link_inertia(Link('a', None, None, 5.0, np.zeros(3), (rod,)))
    np.testing.assert_allclose(inertia, np.diag([5 * (3 * 0.01 + 0.36) / 12] * 2 + [5 * 0.01 / 2]))


UR10E_TABLE = (
    (0.0, -0.6127, -0.57155, 0, 0, 0),
    (0.1807, 0, 0, 0.17415, 0.11985, 0.11655),
    (np.pi / 2, 0, 0, np.pi / 2, -np.pi / 2, 0),
)


def test_ur10e_agrees_with_the_makers_table() -> None:
    """Universal Robots, 'DH parameters for calculations of kinematics and dynamics', UR10e; their base is turned by pi."""
    profile = RobotProfile.load('ur10e')
    for q in np.random.default_rng(0).uniform(-3, 3, (20, 6)):
        T = np.diag([-1.0, -1.0, 1.0, 1.0])
        for angle, a, d, alpha in zip(q, *UR10E_TABLE, strict=True):
            c, s, ca, sa = np.cos(angle), np.sin(angle), np.cos(alpha), np.sin(alpha)
            T = T @ np.array([[c, -s * ca, s * sa, a * c], [s, c * ca, -c * sa, a * s], [0, sa, ca, d], [0, 0, 0, 1]])
        np.testing.assert_allclose(link_poses(profile, q)['tool0'], T, atol=1e-6)


# yumi_description 0.0.4 (kth-ros-pkg/yumi), urdf/yumi.xacro: origin xyz, rpy of the joints of the left arm
YUMI = [
    ((0.05355, 0.0725, 0.41492), (0.9781, -0.5716, 2.3180)),
    ((0.03, 0, 0.1), (np.pi / 2, 0, 0)),
    ((-0.03, 0.17283, 0), (-np.pi / 2, 0, 0)),
    ((-0.04188, 0, 0.07873), (np.pi / 2, -np.pi / 2, 0)),
    ((0.0405, 0.16461, 0), (-np.pi / 2, 0, 0)),
    ((-0.027, 0, 0.10039), (np.pi / 2, 0, 0)),
    ((0.027, 0.029, 0), (-np.pi / 2, 0, 0)),
]


def test_yumi_agrees_with_its_description() -> None:
    profile = RobotProfile.load('yumi_left')
    joints = [ChainJoint('revolute', np.array(xyz), np.array(rpy), np.array([0, 0, 1.0])) for xyz, rpy in YUMI]
    for q_rad in np.random.default_rng(0).uniform(-1.5, 1.5, (20, 7)):
        np.testing.assert_allclose(link_poses(profile, q_rad)['yumi_link_7_l'], chain_pose(joints, q_rad), atol=1e-9)
    np.testing.assert_allclose(
        np.rad2deg(profile.limits.position_max_rad), [168.5, 43.5, 168.5, 80, 290, 138, 229], atol=1e-6
    )
