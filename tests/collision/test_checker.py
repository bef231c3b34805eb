# SPDX-License-Identifier: Apache-2.0
"""What the checker lets through keeps its distances at every moment, and what it refuses it names."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from genima.chunks.plan import Plan
from genima.collision.bodies import Bodies, Frames, arm_frames, make_bodies
from genima.collision.checker import CollisionChecker
from genima.collision.motion import SAG_M
from genima.collision.obstacles import Obstacles, parse_obstacles, table
from genima.collision.pairs import Pairs, distances_m, find_pairs
from genima.collision.points import link_origins_m
from genima.errors import ProfileError
from genima.robots.kinematics import link_poses, tcp_pose
from genima.robots.profile import RobotProfile
from genima.robots.reading import profile_names

GRID_S = 0.02
PANDA = RobotProfile.load('panda')
POST = {'center_m': [0.45, 0.35, 0.3], 'size_m': [0.1, 0.1, 0.6]}
CROWDED = parse_obstacles({'boxes': {'post': POST, 'table': {'center_m': [0, 0, -0.05], 'size_m': [3, 3, 0.1]}}})


@pytest.fixture(scope='module')
def crowded() -> CollisionChecker:
    return CollisionChecker(PANDA, CROWDED)


@pytest.fixture(scope='module')
def watched() -> tuple[Frames, Bodies, Pairs]:
    frames, places = arm_frames(PANDA)
    bodies = make_bodies(PANDA, places, CROWDED.boxes)
    return frames, bodies, find_pairs(PANDA, frames, bodies, CROWDED)


def _way(q_rad: np.ndarray, to_rad: np.ndarray, knots: int) -> Plan:
    """From rest to rest."""
    x = np.linspace(0.0, 1.0, knots)[:, None]
    speed = 6 * x * (1 - x) / ((knots - 1) * GRID_S)
    return Plan(1, GRID_S, q_rad + x * x * (3 - 2 * x) * (to_rad - q_rad), speed * (to_rad - q_rad))


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 2**32 - 1))
def test_what_passes_keeps_its_distances_between_knots_as_well(
    crowded: CollisionChecker, watched: tuple[Frames, Bodies, Pairs], seed: int
) -> None:
    rng, limits = np.random.default_rng(seed), PANDA.limits
    goal = rng.uniform(limits.position_min_rad, limits.position_max_rad)
    plan = _way(PANDA.home_rad, PANDA.home_rad + rng.uniform(0.2, 0.7) * (goal - PANDA.home_rad), int(rng.integers(3, 30)))
    contact = crowded.contact(plan.q_rad, plan.v_rad_s, GRID_S)
    times_s = np.linspace(plan.start_s, plan.end_s, 60)
    frames, bodies, pairs = watched
    if contact is None:
        assert (distances_m(plan.at(times_s)[0], frames, bodies, pairs) >= pairs.least_m - SAG_M).all()
    else:
        q_rad = plan.at(plan.start_s + contact.after_s)[0]
        found = distances_m(q_rad[None], frames, bodies, pairs)[0]
        named = [(bodies.names[a], bodies.names[b]) for a, b in zip(pairs.one, pairs.other, strict=True)]
        column = np.array([pair == (contact.one, contact.other) for pair in named])
        assert np.abs(found[column] - contact.distance_m).min() < 1e-4 and contact.distance_m < contact.allowed_m


@pytest.mark.parametrize('robot', profile_names())
def test_every_shipped_robot_is_clear_at_home_and_frames_are_those_of_the_kinematics(robot: str) -> None:
    profile = RobotProfile.load(robot)
    checker = CollisionChecker(profile, table())
    assert checker.contact(profile.home_rad[None], np.zeros((1, profile.n_joints)), GRID_S) is None
    assert any(other == 'table' for _, other in checker.pairs) and any(other != 'table' for _, other in checker.pairs)
    places = arm_frames(profile)[1]
    bodies = make_bodies(profile, places, ())
    poses = link_poses(profile, profile.home_rad, 0.0)
    row = 0
    for link in profile.links:
        place = places[link.name]
        above = poses[link.name] @ np.linalg.inv(place.T)  # the frame that moves it
        for _shape in link.shapes:
            assert bodies.names[row] == link.name and bodies.frame[row] == place.frame
            row += 1
        if place.frame:
            joint = profile.arm_joints[place.frame - 1]
            moved = next(each for each in profile.links if each.joint and each.joint.name == joint)
            np.testing.assert_allclose(above, poses[moved.name], atol=1e-12)
    assert row == len(bodies.names)


def test_a_motion_between_two_knots_is_not_overlooked(crowded: CollisionChecker) -> None:
    left, right = PANDA.home_rad.copy(), PANDA.home_rad.copy()
    left[[0, 1, 3]], right[[0, 1, 3]] = (0.2, 0.2, -1.9), (1.15, 0.2, -1.9)
    still = np.zeros((1, 7))
    assert crowded.contact(left[None], still, GRID_S) is None and crowded.contact(right[None], still, GRID_S) is None
    contact = crowded.contact(np.stack((left, right)), np.zeros((2, 7)), GRID_S)
    assert contact is not None and contact.other == 'post' and 0.0 < contact.after_s < GRID_S


def test_reasons_name_the_pair_and_the_distance(crowded: CollisionChecker) -> None:
    down = PANDA.home_rad + np.array([0, 0.9, 0, 0, 0, 0, 0])
    plan = _way(PANDA.home_rad, down, 25)
    contact = crowded.contact(plan.q_rad, plan.v_rad_s, GRID_S)
    assert contact is not None and contact.other == 'table'
    words = contact.text
    assert f'{contact.one} and table' in words and f'{1e3 * contact.distance_m:.1f} mm' in words and 'are kept' in words
    touching = crowded.contact(down[None], np.zeros((1, 7)), GRID_S)
    assert touching is not None and touching.distance_m <= 0.0 and 'touch where the arm is' in touching.text


def test_an_arm_that_is_too_near_may_leave_and_come_no_nearer() -> None:
    height_m = tcp_pose(PANDA, PANDA.home_rad)[2, 3] - 0.009 - 0.004  # the finger tips are 9 mm beyond the TCP
    shelf = {'center_m': [0.3, 0.0, height_m - 0.05], 'size_m': [1.0, 0.5, 0.1], 'gripper_margin_m': 0.01}
    checker = CollisionChecker(PANDA, parse_obstacles({'boxes': {'shelf': shelf}}))
    assert abs(checker.nearest(PANDA.home_rad)[2] - 0.004) < 1e-3
    up, down = (_way(PANDA.home_rad, PANDA.home_rad + sign * 0.02 * np.eye(7)[1], 25) for sign in (-1, 1))
    assert checker.contact(up.q_rad, up.v_rad_s, GRID_S) is None
    contact = checker.contact(down.q_rad, down.v_rad_s, GRID_S)
    assert contact is not None and contact.other == 'shelf' and 'hand' not in contact.one


@pytest.mark.parametrize(
    ('data', 'words'),
    [
        ([], 'expected a mapping'),
        ({'boxes': []}, 'boxes: expected a mapping of name to box'),
        ({'boxes': {'a': POST}, 'table': 1}, 'unknown key(s) table'),
        ({'boxes': {'a': {**POST, 'size_m': [1, 1, 0]}}}, 'boxes.a.size_m'),
        ({'boxes': {'a': {**POST, 'size_m': [1000, 1, 1]}}}, 'lengths are metres'),
        ({'boxes': {'a': {**POST, 'center_m': [float('nan'), 1, 1]}}}, 'finite'),
        ({'boxes': {'a': {**POST, 'margin_m': 0.0}}}, 'margin_m'),
        ({'boxes': {'a': {**POST, 'margin_m': 10}}}, '0.0005 to 0.5'),
        ({'boxes': {7: POST}}, 'non-empty text'),
        ({'boxes': {str(i): POST for i in range(65)}}, '64 at most'),
        ({'boxes': {}, 'ignore': [['a', 'a']]}, 'two different names'),
    ],
)
def test_a_file_that_does_not_fit_is_refused_with_its_place(data: object, words: str) -> None:
    with pytest.raises(ProfileError) as error:
        parse_obstacles(data, 'cell.yaml')
    assert words in str(error.value) and 'cell.yaml' in str(error.value)


def test_names_of_the_file_are_those_of_the_robot(tmp_path) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(ProfileError, match='panda_link5 is a link'):
        CollisionChecker(PANDA, parse_obstacles({'boxes': {'panda_link5': POST}}))
    with pytest.raises(ProfileError, match='ignore names nobody'):
        CollisionChecker(PANDA, parse_obstacles({'boxes': {'a': POST}, 'ignore': [['nobody', 'a']]}))
    with pytest.raises(ProfileError, match='give one of table'):
        Obstacles.load('nowhere')
    (tmp_path / 'cell.yaml').write_text('boxes: {a: ')
    with pytest.raises(ProfileError, match='not valid YAML'):
        Obstacles.load(tmp_path / 'cell.yaml')
    ignoring = parse_obstacles({'boxes': {'a': POST}, 'ignore': [['panda_hand', 'a']]})
    assert ('panda_hand', 'a') not in CollisionChecker(PANDA, ignoring).pairs


@pytest.mark.parametrize('robot', profile_names())
def test_compiled_origins_are_those_of_the_kinematics(robot: str) -> None:
    profile = RobotProfile.load(robot)
    q_rad = np.random.default_rng(0).uniform(-2.0, 2.0, (5, profile.n_joints))
    links = profile.gripper.tcp_link, profile.elbow_link, profile.base_link
    poses = link_poses(profile, q_rad, 0.0)
    expected = np.stack([poses[link][:, :3, 3] for link in links], axis=1)
    np.testing.assert_allclose(link_origins_m(profile, links, q_rad), expected, atol=1e-12)
