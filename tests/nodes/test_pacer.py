# SPDX-License-Identifier: Apache-2.0
"""Simulated time: at most real time, and never away from a policy that is alive."""

from itertools import pairwise

import pytest
from genima_ros.sim.pacer import Pace, Pacer

STEP_S = 0.005


class World:
    """A wall clock and a simulated clock that a pacer drives."""

    def __init__(self, pace: Pace, step_cost_s: float = 0.0) -> None:
        self.pacer = Pacer(pace)
        self.now_s = 0.0
        self.wall_s = 100.0
        self.step_cost_s = step_cost_s

    def advance(self) -> bool:
        """Do one round as sim_node does; return whether it stepped."""
        wait_s = self.pacer.wait_s(self.now_s + STEP_S, self.wall_s)
        if wait_s is None or wait_s > 0:
            self.wall_s += 0.02 if wait_s is None else wait_s
            return False
        self.now_s += STEP_S
        self.wall_s += self.step_cost_s
        self.pacer.stepped(STEP_S, self.wall_s)
        return True

    def run(self, wall_s: float) -> None:
        end_s = self.wall_s + wall_s
        while self.wall_s < end_s:
            self.advance()


@pytest.mark.parametrize('factor', [0.5, 1.0, 4.0])
def test_time_runs_at_the_real_time_factor(factor: float) -> None:
    world = World(Pace(real_time_factor=factor))
    world.run(10.0)
    assert world.now_s == pytest.approx(10.0 * factor, rel=0.01)


def test_a_slow_step_is_caught_up_with_but_not_without_end() -> None:
    world = World(Pace(max_debt_s=0.1))
    world.run(1.0)
    world.wall_s += 5.0  # the machine was asleep
    world.run(1.0)
    assert world.now_s == pytest.approx(2.1, abs=0.03)


def test_without_a_policy_nothing_is_held() -> None:
    world = World(Pace())
    world.run(5.0)
    assert world.pacer.holds == 0


def test_time_never_leaves_the_newest_target_behind() -> None:
    world = World(Pace(max_target_lag_s=0.35))
    world.pacer.target_seen(0.0)
    for _ in range(150):
        world.advance()
    assert world.now_s == pytest.approx(0.35)
    world.pacer.target_seen(0.3)
    for _ in range(160):
        world.advance()
    assert world.now_s == pytest.approx(0.65)
    assert world.pacer.holds == 2
    assert world.pacer.holds_given_up == 0


def test_chunks_that_take_changing_wall_time_arrive_in_step_with_simulated_time() -> None:
    world = World(Pace(rate_hz=10.0))
    arrivals_s = []
    for tick in range(1, 60):
        while world.now_s < 0.1 * tick - 1e-9:
            world.advance()
        end_s = world.wall_s + 0.02 + 0.12 * (tick % 4 == 0)  # every fourth takes longer than the period
        while world.wall_s < end_s:
            world.advance()
        arrivals_s.append(world.now_s)
        world.pacer.tick_seen(0.1 * tick)
    periods_s = [b - a for a, b in pairwise(arrivals_s)]
    assert max(arrivals_s[i] - 0.1 * (i + 1) for i in range(len(arrivals_s))) <= 0.035 + 1e-6
    assert max(periods_s) <= 0.1 + 0.035
    assert world.pacer.holds_given_up == 0


def test_a_policy_that_died_costs_one_hold_and_counts() -> None:
    world = World(Pace(patience_s=2.0))
    world.pacer.target_seen(0.0)
    world.pacer.tick_seen(0.0)
    world.run(10.0)
    assert world.pacer.holds_given_up in (1, 2)  # one for the chunk, one for the target
    assert world.now_s > 5.0


def test_a_policy_that_comes_back_is_waited_for_again() -> None:
    world = World(Pace(patience_s=0.5))
    world.pacer.target_seen(0.0)
    world.run(3.0)
    world.pacer.target_seen(world.now_s)
    held_at_s = world.now_s + 0.35
    while world.now_s < held_at_s - 1e-6:
        world.advance()
    assert not world.advance()


def test_time_waits_for_the_guard_to_judge_a_chunk() -> None:
    world = World(Pace(rate_hz=1.0, max_guard_lag_s=0.02))
    world.pacer.chunk_judged(0.0)
    world.pacer.chunk_seen(0.0, 0.5)
    for _ in range(40):
        world.advance()
    assert world.now_s == pytest.approx(0.02)
    world.pacer.chunk_judged(0.5)
    for _ in range(40):
        world.advance()
    assert world.now_s > 0.06
