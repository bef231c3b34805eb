# SPDX-License-Identifier: Apache-2.0
"""A process that was stopped does not act on the time of before."""

from types import SimpleNamespace

import pytest
from genima_ros.guard import sleep_watch
from genima_ros.guard.sleep_watch import SleepWatch


class World:
    """A node whose executor runs when it is told to, and a clock."""

    def __init__(self) -> None:
        self.now_s = 100.0

    def create_timer(self, period_s: float, callback, clock) -> None:  # type: ignore[no-untyped-def]
        self.beat = callback


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> World:
    world = World()
    steady = SimpleNamespace(now=lambda: SimpleNamespace(nanoseconds=1e9 * world.now_s))
    monkeypatch.setattr(sleep_watch, 'Clock', lambda clock_type: steady)
    return world


def test_a_node_that_runs_is_awake(world: World) -> None:
    watch = SleepWatch(world)  # type: ignore[arg-type]
    for _ in range(100):
        world.now_s += 0.1
        world.beat()
        assert not watch.drowsy()


@pytest.mark.parametrize('timer_first', [True, False])
def test_after_a_sleep_it_is_drowsy_for_a_moment(world: World, timer_first: bool) -> None:
    watch = SleepWatch(world)  # type: ignore[arg-type]
    world.now_s += 2.0
    if timer_first:
        world.beat()
    for _ in range(10):
        assert watch.drowsy()
        world.now_s += 0.02
    world.now_s += 0.1
    assert not watch.drowsy()
