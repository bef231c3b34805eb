# SPDX-License-Identifier: Apache-2.0
"""The emulated joint_trajectory_controller replaces, ramps, jumps and refuses as the real one does."""

import numpy as np
import pytest

from genima.errors import LimitError
from genima.sim.trajectory_controller import TrajectoryController

TIMES_S = np.array([0.1, 0.2, 0.3])
Q_RAD = np.array([[0.1, -0.1], [0.3, -0.2], [0.4, -0.2]])
V_RAD_S = np.array([[1.0, -1.0], [1.5, -0.5], [0.0, 0.0]])


def controller() -> TrajectoryController:
    return TrajectoryController(2, np.zeros(2))


def test_it_holds_the_start_without_a_message() -> None:
    q, v = controller().sample(12.0)
    assert np.array_equal(q, np.zeros(2)) and np.array_equal(v, np.zeros(2))


def test_stamp_zero_starts_at_the_next_cycle() -> None:
    arm = controller()
    arm.set_trajectory(4.9, 0.0, TIMES_S, Q_RAD, V_RAD_S)
    arm.sample(5.0)
    for time_s, q, v in zip(TIMES_S, Q_RAD, V_RAD_S, strict=True):
        got_q, got_v = arm.sample(5.0 + time_s)
        np.testing.assert_allclose(got_q, q, atol=1e-9)
        np.testing.assert_allclose(got_v, v, atol=1e-9)
    assert arm.end_s == pytest.approx(5.3)


def test_last_point_is_held() -> None:
    arm = controller()
    arm.set_trajectory(0.0, 0.0, TIMES_S, Q_RAD)
    arm.sample(0.0)
    q, v = arm.sample(0.31)
    np.testing.assert_array_equal(q, Q_RAD[-1])
    np.testing.assert_array_equal(v, np.zeros(2))


def test_positions_alone_are_joined_by_straight_lines() -> None:
    arm = controller()
    arm.set_trajectory(0.0, 0.0, TIMES_S, Q_RAD)
    arm.sample(0.0)
    q, v = arm.sample(0.15)
    np.testing.assert_allclose(q, (Q_RAD[0] + Q_RAD[1]) / 2)
    np.testing.assert_allclose(v, (Q_RAD[1] - Q_RAD[0]) / 0.1)


def test_cubic_between_points_with_velocities() -> None:
    arm = controller()
    arm.set_trajectory(0.0, 0.0, TIMES_S, Q_RAD, V_RAD_S)
    arm.sample(0.0)
    middle = (Q_RAD[0] + Q_RAD[1]) / 2 + 0.1 * (V_RAD_S[0] - V_RAD_S[1]) / 8
    np.testing.assert_allclose(arm.sample(0.15)[0], middle)


def test_future_stamp_ramps_from_one_cycle_ahead_and_drops_the_old_plan() -> None:
    arm = controller()
    arm.set_trajectory(0.0, 0.0, TIMES_S, Q_RAD, V_RAD_S)
    arm.sample(0.0)
    q, v = arm.sample(0.15)
    arm.set_trajectory(0.15, 1.0, np.array([0.0]), np.array([[0.5, 0.5]]), np.zeros((1, 2)))
    np.testing.assert_allclose(arm.sample(0.15)[0], q + 0.002 * v, atol=5e-5)
    np.testing.assert_allclose(arm.sample(0.15)[1], v, atol=0.05)
    assert arm.start_s == 1.0 and not np.allclose(arm.sample(0.3)[0], Q_RAD[2])
    np.testing.assert_allclose(arm.sample(1.0)[0], [0.5, 0.5])


def test_past_stamp_jumps_onto_the_plan() -> None:
    arm = controller()
    arm.set_trajectory(10.25, 10.0, TIMES_S, Q_RAD, V_RAD_S)
    assert np.abs(arm.sample(10.25)[0]).max() > 0.3


def test_the_newest_of_two_messages_in_one_cycle_wins() -> None:
    arm = controller()
    arm.set_trajectory(0.0, 0.0, TIMES_S, Q_RAD)
    arm.set_trajectory(0.0, 0.0, TIMES_S, -Q_RAD)
    arm.sample(0.0)
    np.testing.assert_allclose(arm.sample(0.3)[0], -Q_RAD[-1])


def test_reset_forgets_plan_and_pending_message() -> None:
    arm = controller()
    arm.set_trajectory(0.0, 0.0, TIMES_S, Q_RAD)
    arm.reset(np.array([0.7, 0.7]))
    np.testing.assert_array_equal(arm.sample(5.0)[0], [0.7, 0.7])


NAN = np.array([[np.nan, 0.0], [0.0, 0.0], [0.0, 0.0]])


@pytest.mark.parametrize(
    ('stamp_s', 'times_s', 'q_rad', 'v_rad_s', 'reason'),
    [
        (0.0, np.zeros(0), np.zeros((0, 2)), None, 'at least one point'),
        (0.0, TIMES_S, np.zeros((3, 3)), None, 'shape'),
        (0.0, TIMES_S, Q_RAD, np.zeros((2, 2)), 'shape'),
        (0.0, np.array([0.1, 0.1, 0.2]), Q_RAD, None, 'increase strictly'),
        (0.0, TIMES_S, NAN, None, 'position is not finite'),
        (0.0, TIMES_S, Q_RAD, NAN, 'velocity is not finite'),
        (float('nan'), TIMES_S, Q_RAD, None, 'not finite'),
        (0.0, TIMES_S, Q_RAD, V_RAD_S[::-1], 'last point must be zero'),
        (9.0, TIMES_S, Q_RAD, V_RAD_S, '0.700 s in the past'),
    ],
)
def test_refusals(stamp_s: float, times_s: np.ndarray, q_rad: np.ndarray, v_rad_s: np.ndarray, reason: str) -> None:
    arm = controller()
    with pytest.raises(LimitError, match=reason):
        arm.set_trajectory(10.0, stamp_s, times_s, q_rad, v_rad_s)
    np.testing.assert_array_equal(arm.sample(10.0)[0], np.zeros(2))
