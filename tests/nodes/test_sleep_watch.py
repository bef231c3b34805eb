# SPDX-License-Identifier: Apache-2.0
"""A process that was stopped does not act on the time of before."""

from types import SimpleNamespace

import pytest
from genima_ros.sleep_watch import SleepWatch

from genima_ros import sleep_watch


class World:
    """A node whose executor runs when `after` says so, and its two clocks."""

    def __init__(self) -> None:
        self.steady_s, self.ros_ns = 100.0, 5_000_000_000

    def create_timer(self, period_s: float, callback, clock) -> None:  # type: ignore[no-untyped-def]
        self.beat = callback

    def get_clock(self) -> SimpleNamespace:
        return SimpleNamespace(now=lambda: SimpleNamespace(nanoseconds=self.ros_ns))

    def after(self, steady_s: float, ros_s: float) -> None:
        self.steady_s += steady_s
        self.ros_ns += round(1e9 * ros_s)


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> World:
    world = World()
    monkeypatch.setattr(sleep_watch, 'time', SimpleNamespace(monotonic=lambda: world.steady_s))
    return world


def test_simulated_time_that_stands_still_is_no_sleep(world: World) -> None:
    watch = SleepWatch(world)  # type: ignore[arg-type]
    for _ in range(100):
        world.after(0.02, 0.0)
        world.beat()
        assert not watch.clock_is_stale()


@pytest.mark.parametrize('timer_first', [True, False])
def test_after_a_sleep_the_clock_is_stale_until_it_goes_on(world: World, timer_first: bool) -> None:
    watch = SleepWatch(world)  # type: ignore[arg-type]
    world.after(2.0, 0.0)
    if timer_first:
        world.beat()
    assert watch.clock_is_stale()
    world.after(0.02, 0.0)
    assert watch.clock_is_stale()
    world.after(0.01, 1.4)
    assert not watch.clock_is_stale()
    world.after(0.02, 0.0)
    assert not watch.clock_is_stale()


def test_the_time_of_a_real_robot_goes_on_while_we_sleep(world: World) -> None:
    watch = SleepWatch(world)  # type: ignore[arg-type]
    world.after(2.0, 2.0)
    watch.clock_is_stale()
    world.after(0.0001, 0.0001)
    assert not watch.clock_is_stale()
