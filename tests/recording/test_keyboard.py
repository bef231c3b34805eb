# SPDX-License-Identifier: Apache-2.0
"""Keys move the arm as their names say, and letting go of them stops it."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from genima.recording.jog import DT_S, STEPS, Jog, moved
from genima.recording.keyboard import EXPIRE_S, FAILURE_KEYS, HELP, MOTIONS, SPEEDS_M_S, TURN_PER_SPEED, Keyboard
from genima.robots.kinematics import tcp_pose
from genima.robots.profile import RobotProfile
from genima.robots.transforms import rotation_vector


def test_a_key_moves_until_it_is_not_heard_again() -> None:
    keys = Keyboard()
    assert keys.press('w', 10.0) is None
    np.testing.assert_allclose(keys.twist(10.0), [SPEEDS_M_S[2], 0, 0, 0, 0, 0])
    assert keys.twist(10.0 + EXPIRE_S - 0.01).any() and not keys.twist(10.0 + EXPIRE_S).any()


def test_opposite_keys_cancel_and_different_ones_add() -> None:
    keys = Keyboard()
    for key in 'wsau':
        keys.press(key, 0.0)
    speed = SPEEDS_M_S[2]
    np.testing.assert_allclose(keys.twist(0.1), [0, speed, 0, 0, 0, TURN_PER_SPEED * speed])


def test_speed_stays_on_its_scale_and_space_is_the_gripper() -> None:
    keys = Keyboard()
    for _ in range(9):
        keys.press('+', 0.0)
    keys.press('W', 0.0)
    assert keys.twist(0.0)[0] == SPEEDS_M_S[-1]
    for _ in range(9):
        keys.press('-', 0.0)
    assert keys.twist(0.0)[0] == SPEEDS_M_S[0]
    assert keys.gripper_open
    keys.press(' ', 0.0)
    assert not keys.gripper_open


@given(st.characters())
def test_only_the_recorders_keys_are_passed_on(key: str) -> None:
    keys = Keyboard()
    passed = keys.press(key, 0.0)
    assert (passed is not None) == (key.lower() in {'b', 'y', 'x', 'm', *FAILURE_KEYS})
    assert keys.twist(0.0).any() == (key.lower() in MOTIONS)


def test_the_help_names_every_key() -> None:
    words = HELP.replace('1-5', '1 2 3 4 5').replace('+ -', '+ - space').split()
    assert {*MOTIONS, *FAILURE_KEYS, 'b', 'y', 'x', 'm', '+', '-', 'space'} <= set(words)


@pytest.mark.parametrize('key', MOTIONS)
def test_the_arm_goes_where_the_key_says(panda: RobotProfile, key: str) -> None:
    keys, jog = Keyboard(), Jog(panda)
    keys.press(key, 0.0)
    q = panda.home_rad
    start = tcp_pose(panda, q)
    for index in range(5):
        chunk = jog.chunk(index * DT_S, q, keys.twist(0.0), 1.0)
        q = chunk.q_rad[0]
    reached = tcp_pose(panda, q)
    wanted = np.array(MOTIONS[key]) * np.repeat([0.05, 0.2], 3)  # half a second at 0.1 m/s and 0.4 rad/s
    np.testing.assert_allclose(reached[:3, 3] - start[:3, 3], wanted[:3], atol=2e-3)
    np.testing.assert_allclose(rotation_vector(reached[:3, :3] @ start[:3, :3].T), wanted[3:], atol=0.01)


def test_a_chunk_rests_when_the_key_would_have_expired(panda: RobotProfile) -> None:
    twist = np.array([0.1, 0, 0, 0, 0, 0])
    chunk = Jog(panda).chunk(5.0, panda.home_rad, twist, 0.0)
    assert chunk.q_rad.shape == (STEPS, 7) and chunk.stamp_s == 5.0 and not chunk.gripper_open.any()
    moving = np.abs(np.diff(chunk.q_rad, axis=0)).max(axis=1) > 1e-9
    assert moving.sum() == round(EXPIRE_S / DT_S) - 1 and not moving[2:].any()
    np.testing.assert_allclose(
        tcp_pose(panda, chunk.q_rad[-1])[0, 3] - tcp_pose(panda, panda.home_rad)[0, 3], 0.03, atol=1e-3
    )


def test_without_keys_the_arm_is_held_where_it_was_meant_to_be(panda: RobotProfile) -> None:
    jog = Jog(panda)
    rng = np.random.default_rng(0)
    first = jog.chunk(0.0, panda.home_rad, np.zeros(6), 1.0)
    for index in range(20):  # noise of the encoders does not add up
        chunk = jog.chunk(index * DT_S, panda.home_rad + rng.normal(0, 0.01, 7), np.zeros(6), 1.0)
        np.testing.assert_array_equal(chunk.q_rad, first.q_rad)


def test_an_arm_that_was_set_elsewhere_is_not_pulled_back(panda: RobotProfile) -> None:
    jog = Jog(panda)
    jog.chunk(0.0, panda.home_rad, np.zeros(6), 1.0)
    elsewhere = panda.home_rad + 0.3
    np.testing.assert_array_equal(jog.chunk(0.1, elsewhere, np.zeros(6), 1.0).q_rad[0], elsewhere)


def test_turning_keeps_the_tcp_in_its_place() -> None:
    T = np.eye(4)
    T[:3, 3] = 0.4, 0.1, 0.3
    turned = moved(T, np.array([0, 0, 0, 0, 0, 0.5]), 0.2)
    np.testing.assert_allclose(turned[:3, 3], T[:3, 3])
    np.testing.assert_allclose(rotation_vector(turned[:3, :3]), [0, 0, 0.1], atol=1e-9)
