# SPDX-License-Identifier: Apache-2.0
"""Joints at any time: linear between samples, by name, and never made up where nothing was heard."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from genima.align.joints import JointTrack, opening_joint, openings
from genima.errors import DatasetError
from genima.robots.profile import RobotProfile

GAPS_S = st.lists(st.floats(1e-3, 0.09), min_size=1, max_size=30)


def line(names: list[str], gaps_s: list[float], start_s: float = 5.0) -> JointTrack:
    track = JointTrack()
    for time_s in start_s + np.cumsum([0.0, *gaps_s]):
        track.add(names, [2.0 * time_s, -time_s][: len(names)], float(time_s))
    return track


@given(GAPS_S, st.lists(st.floats(0.0, 1.0), min_size=1, max_size=10))
def test_a_steady_motion_is_met_at_every_time(gaps_s: list[float], shares: list[float]) -> None:
    track = line(['a', 'b'], gaps_s)
    first_s, last_s = track.span_s(['a', 'b'])
    times_s = np.array([first_s + share * (last_s - first_s) for share in shares])
    np.testing.assert_allclose(track.at(['b', 'a'], times_s, 0.1), np.stack([-times_s, 2.0 * times_s], axis=-1), rtol=1e-12)


def test_a_sample_is_met_exactly() -> None:
    track = JointTrack()
    for time_s, position in ((0.1, 0.3), (0.2, 1e-17), (0.3, -0.7)):
        track.add(['a'], [position], time_s)
    np.testing.assert_array_equal(track.at(['a'], [0.1, 0.2, 0.3], 0.1)[:, 0], [0.3, 1e-17, -0.7])


def test_joints_may_come_in_parts_and_at_other_times() -> None:
    track = line(['a'], [0.1, 0.1])
    track.add(['c', 'ignored'], [1.0], 5.05)
    track.add(['c'], [2.0], 5.15)
    np.testing.assert_allclose(track.at(['a', 'c'], 5.1, 0.11), [10.2, 1.5])
    assert track.span_s(['a', 'c']) == (5.05, 5.15)


def test_a_gap_is_refused_with_joint_time_and_length() -> None:
    track = line(['a'], [0.05, 0.3, 0.05])
    with pytest.raises(DatasetError, match=r'joint a: nothing was heard for 0\.300 s around 5\.200 s, allowed 0\.100 s'):
        track.at(['a'], [5.02, 5.2, 5.38], 0.1)
    np.testing.assert_allclose(track.at(['a'], [5.05, 5.35], 0.1)[:, 0], [10.1, 10.7])  # its ends are no gap


@pytest.mark.parametrize(('time_s', 'position'), [(4.95, 10.0), (5.15, 10.2)])
def test_the_ends_hold_for_a_moment_and_no_longer(time_s: float, position: float) -> None:
    track = line(['a'], [0.1])
    assert track.at(['a'], time_s, 0.1)[0] == pytest.approx(position)
    with pytest.raises(DatasetError, match=r'nothing was heard for 0\.050 s'):
        track.at(['a'], time_s, 0.049)


def test_an_unknown_joint_is_refused_with_those_that_are_known() -> None:
    with pytest.raises(DatasetError, match='joint c was never heard of; heard a, b'):
        line(['a', 'b'], [0.1]).at(['a', 'c'], 5.0, 0.1)


def test_late_messages_are_counted_and_left_out() -> None:
    track = line(['a'], [0.1, 0.1])
    track.add(['a'], [99.0], 5.1)
    assert (track.newest('a'), track.overtaken, track.restarts) == ((5.2, 10.4), 1, 0)


def test_a_clock_that_was_set_begins_anew() -> None:
    track = line(['a'], [0.1, 0.1])
    track.add(['a'], [7.0], 1.0)
    assert (track.newest('a'), track.restarts, list(track.times_s('a'))) == ((1.0, 7.0), 1, [1.0])


def test_a_second_message_with_the_same_stamp_replaces_the_first() -> None:
    track = line(['a'], [0.1])
    track.add(['a'], [3.0], 5.1)
    assert track.newest('a') == (5.1, 3.0)
    assert len(track.times_s('a')) == 2


@pytest.mark.parametrize('bad', [float('nan'), float('inf')])
def test_what_is_not_finite_is_left_out(bad: float) -> None:
    track = line(['a'], [0.1])
    track.add(['a', 'b'], [bad, 1.0], 5.2)
    assert track.newest('a') == (5.1, 10.2)
    assert track.newest('b') == (5.2, 1.0)


def test_memory_is_bounded() -> None:
    track = JointTrack(keep_s=0.5)
    for k in range(1000):
        track.add(['a'], [0.0], 0.01 * k)
    assert len(track.times_s('a')) == 51


def test_an_opening_comes_from_the_joint_of_the_driver() -> None:
    gripper = RobotProfile.load('ur5e').gripper
    driver = next(iter(gripper.drivers.values()))
    assert opening_joint(gripper, ['x', driver.joint]) == (driver.joint, driver.closed, driver.open)
    assert opening_joint(gripper, ['x']) == (gripper.joints[0], gripper.closed_m, gripper.open_m)
    np.testing.assert_allclose(openings([driver.open, driver.closed], driver.closed, driver.open), [1.0, 0.0])
