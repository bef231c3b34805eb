# SPDX-License-Identifier: Apache-2.0
"""What the arm is commanded stays inside the FCI's limits, whatever trajectories, packets and clocks do."""

import numpy as np
import pytest

from genima.errors import GenimaError, LimitError
from genima.fci.door import CYCLE_S, ArmState
from genima.fci.motion import Motion
from genima.fci.robot_clock import RobotClock
from genima.robots.profile import RobotProfile

LIMITS = RobotProfile.load('fr3').limits
HOME = RobotProfile.load('fr3').home_rad
# a swing of 2 s, at rest at both ends
TIMES_S = np.arange(0.0, 2.001, 0.02)
SWING = (1 - np.cos(np.pi * TIMES_S / 2)) / 2
SWING_PER_S = np.pi / 4 * np.sin(np.pi * TIMES_S / 2)
SWING_PER_S[-1] = 0.0


class Robot:
    """Takes commands as the FCI does, and goes on by itself where one is lost."""

    def __init__(self) -> None:
        self.time_s, self.q, self.v, self.a = 0.0, HOME.copy(), np.zeros(7), np.zeros(7)
        self.commands: list[np.ndarray] = []
        self.worst = {'velocity': 0.0, 'acceleration': 0.0, 'jerk': 0.0}

    def state(self) -> ArmState:
        single = [tuple(np.float32(each).tolist()) for each in (self.q, self.v, self.a)]
        return ArmState(self.time_s, tuple(self.q), tuple(self.v), *single, 2, 1.0)  # type: ignore[arg-type]

    def lose(self, cycles: int) -> None:
        for _ in range(cycles):
            self.v = self.v + self.a * CYCLE_S
            self.q = self.q + self.v * CYCLE_S
            self.time_s += CYCLE_S

    def take(self, q: np.ndarray) -> None:
        v = (q - self.q) / CYCLE_S
        a = (v - self.v) / CYCLE_S
        jerk = np.abs(a - self.a) / CYCLE_S / LIMITS.jerk_rad_s3
        low, high = LIMITS.velocity_bounds_rad_s(self.q)
        shares = np.maximum(v / high, v / low).max(), (np.abs(a) / LIMITS.acceleration_rad_s2).max(), jerk.max()
        for name, share in zip(self.worst, shares, strict=True):
            self.worst[name] = max(self.worst[name], float(share))
        self.q, self.v, self.a = q.copy(), v, a
        self.time_s += CYCLE_S
        self.commands.append(q.copy())


def begin() -> tuple[Robot, Motion]:
    robot = Robot()
    return robot, Motion(LIMITS, 0.0, HOME)


def run(robot: Robot, motion: Motion, duration_s: float) -> None:
    for _ in range(round(duration_s / CYCLE_S)):
        robot.take(motion.step(robot.time_s, robot.state()))


def swing(motion: Motion, by: np.ndarray, stamp_s: float = 0.0) -> None:
    q_rad = motion.reference[0] + SWING[:, None] * by
    motion.take(stamp_s, TIMES_S + CYCLE_S, q_rad, SWING_PER_S[:, None] * by)


BY = np.array([0.3, 0.2, -0.2, -0.5, 0.3, 0.4, 0.5])


def test_it_holds_until_a_trajectory_comes_and_follows_that_exactly() -> None:
    robot, motion = begin()
    run(robot, motion, 0.2)
    assert all((q == HOME).all() for q in robot.commands) and motion.at_rest
    begun_s = robot.time_s
    swing(motion, BY)
    run(robot, motion, 2.2)
    assert motion.at_rest
    path = np.array(robot.commands[-2200:])
    t_s = np.clip(np.arange(len(path)) * CYCLE_S - CYCLE_S, 0.0, 2.0)
    expected = HOME + (1 - np.cos(np.pi * t_s / 2))[:, None] / 2 * BY
    assert np.abs(path - expected).max() < 5e-4 and np.abs(path[-1] - HOME - BY).max() < 1e-6
    assert max(robot.worst.values()) < 0.95 and motion.running_s == pytest.approx(begun_s, abs=2e-3)


@pytest.mark.parametrize('seed', range(3))
def test_lost_packets_and_knots_never_lead_out_of_the_limits(seed: int) -> None:
    robot, motion = begin()
    rng = np.random.default_rng(seed)
    swing(motion, rng.uniform(-0.5, 0.5, 7))
    for _ in range(2200):
        if rng.random() < 0.02:
            robot.lose(int(rng.integers(1, 15)))
        command = motion.step(robot.time_s, robot.state())
        if rng.random() < 0.05:
            robot.lose(1)  # our answer does not arrive
        else:
            robot.take(command)
    run(robot, motion, 0.5)
    assert max(robot.worst.values()) <= 1.0, robot.worst
    assert motion.at_rest


def test_a_jump_is_refused_and_a_small_one_is_smoothed() -> None:
    robot, motion = begin()
    swing(motion, BY)
    run(robot, motion, 0.8)
    q_rad = motion.reference[0]
    with pytest.raises(LimitError, match=r'joint 4 starts 0\.\d+ rad off the plan that runs'):
        motion.take(0.0, np.array([CYCLE_S, 0.5]), np.tile(q_rad + 0.1 * np.eye(7)[3], (2, 1)), np.zeros((2, 7)))
    with pytest.raises(LimitError, match='times its greatest velocity'):
        motion.take(0.0, np.array([0.1]), (q_rad + 1.0)[None], None)
    with pytest.raises(LimitError, match='rad beyond its range'):
        motion.take(0.0, np.array([5.0]), np.array([[0.0, 0.0, 0.0, 0.2, 0.0, 2.0, 0.0]]), None)
    motion.take(0.0, np.array([0.0, 0.5]), np.tile(q_rad + 0.015, (2, 1)), np.zeros((2, 7)))
    run(robot, motion, 1.0)
    assert np.abs(motion.reference[0] - q_rad - 0.015).max() < 1e-4 and motion.at_rest
    assert max(robot.worst.values()) <= 1.0, robot.worst


def test_a_stop_stays_on_the_path_ends_at_rest_and_refuses_trajectories_meanwhile() -> None:
    robot, motion = begin()
    swing(motion, BY)
    run(robot, motion, 1.0)
    before = motion.reference[0]
    motion.stop()
    with pytest.raises(LimitError, match='brought to rest'):
        swing(motion, BY)
    run(robot, motion, 1.0)
    assert motion.at_rest and not motion.stopping and max(robot.worst.values()) < 1.0
    went = motion.reference[0] - before
    assert np.abs(went / BY - went[0] / BY[0]).max() < 1e-3 and 0.05 < went[0] / BY[0] < 0.3
    swing(motion, -BY)
    run(robot, motion, 2.2)
    assert np.abs(motion.reference[0] - before - went + BY).max() < 1e-6 and max(robot.worst.values()) < 1.0


def test_positions_without_velocities_are_followed_inside_the_limits() -> None:
    robot, motion = begin()
    motion.take(0.0, np.array([1.0, 2.0]), np.stack([HOME + BY, HOME - BY]), None)
    run(robot, motion, 3.0)
    assert np.abs(motion.reference[0] - HOME + BY).max() < 1e-4 and max(robot.worst.values()) <= 1.0


def test_the_robots_time_is_kept_in_step_with_the_computers_without_jitter() -> None:
    rng = np.random.default_rng(1)
    clock, steps = RobotClock(100.0, 1.7e9), []
    for i in range(1, 30_000):
        before_s = clock.time_s
        robot_s = 100.0 + i * CYCLE_S
        clock.advance(robot_s, 1.7e9 + i * CYCLE_S * (1 + 5e-5) + rng.exponential(2e-4), at_rest=False)
        steps.append(clock.time_s - before_s)
    steps_s = np.array(steps)
    assert np.abs(steps_s - CYCLE_S).max() < 1.1e-3 * CYCLE_S and np.abs(np.diff(steps_s)).max() < 1.1e-6 * CYCLE_S
    assert abs(clock.time_s - 30_000 * CYCLE_S * (1 + 5e-5)) < 2e-3
    with pytest.raises(GenimaError, match='went back'):
        clock.advance(3.0, 1.7e9, at_rest=True)


def test_without_the_computers_clock_the_robots_time_is_the_time() -> None:
    clock = RobotClock(4.0, None)
    assert clock.epoch_s == 4.0 and clock.advance(4.5, None, at_rest=False) == pytest.approx(0.5)
