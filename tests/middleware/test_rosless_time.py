# SPDX-License-Identifier: Apache-2.0
"""Times, clocks, timers, and simulated time."""

import threading
import time
from typing import Any

import pytest
from rclpy.clock import Clock, ClockType, JumpThreshold, ROSClock
from rclpy.duration import Duration
from rclpy.parameter import Parameter
from rclpy.time import Time
from rosgraph_msgs.msg import Clock as ClockMessage

SIM_TIME = [Parameter('use_sim_time', Parameter.Type.BOOL, True)]


class SimulatedClock:
    """Publishes /clock and lets others see it."""

    def __init__(self, ros: Any) -> None:
        self.ros, self.node = ros, ros.node('simulation')
        self.publisher = self.node.create_publisher(ClockMessage, '/clock', 10)

    def connect(self, count: int = 1) -> None:
        assert self.ros.until(lambda: self.publisher.get_subscription_count() == count)

    def set(self, seconds: float, clock: Any = None) -> None:
        message = ClockMessage(clock=Time(seconds=seconds).to_msg())
        self.publisher.publish(message)
        if clock is not None:
            assert self.ros.until(lambda: clock.now().nanoseconds == round(seconds * 1e9), 5.0), clock.now()
        else:
            self.ros.spin(0.03)


def test_the_clock_can_be_remapped(ros: Any) -> None:
    ros.init('-r', 'watcher:/clock:=/other_clock')
    simulation = SimulatedClock(ros)
    other = simulation.node.create_publisher(ClockMessage, '/other_clock', 10)
    watcher = ros.node('watcher', parameter_overrides=SIM_TIME)
    assert ros.until(lambda: other.get_subscription_count() == 1)
    assert simulation.publisher.get_subscription_count() == 0
    other.publish(ClockMessage(clock=Time(seconds=7).to_msg()))
    assert ros.until(lambda: watcher.get_clock().now().nanoseconds == 7_000_000_000)


def test_time_and_duration() -> None:
    five, three = Time(seconds=5), Time(seconds=3, nanoseconds=5)
    assert (five - three) == Duration(nanoseconds=1999999995) and five > three
    assert (five + Duration(seconds=1.5)).nanoseconds == 6500000000
    assert (five - Duration(seconds=1)).seconds_nanoseconds() == (4, 0)
    assert Time.from_msg(five.to_msg(), clock_type=ClockType.SYSTEM_TIME) == five
    assert Duration.from_msg(Duration(seconds=-0.5).to_msg()).nanoseconds == -500000000
    with pytest.raises(TypeError, match='different clock types'):
        _ = five < Time(seconds=1, clock_type=ClockType.ROS_TIME)
    with pytest.raises(ValueError):
        Time(seconds=-1)


def test_clocks() -> None:
    assert abs(Clock().now().nanoseconds - time.time_ns()) < 1e9
    assert abs(Clock(clock_type=ClockType.STEADY_TIME).now().nanoseconds - time.monotonic_ns()) < 1e9
    assert ROSClock().now().clock_type == ClockType.ROS_TIME


def test_a_timer_keeps_its_rate(ros: Any) -> None:
    node = ros.node()
    calls: list[Any] = []
    timer = node.create_timer(0.01, lambda: calls.append(time.monotonic()))
    ros.spin(1.0)
    assert 60 <= len(calls) <= 102  # 100 on an idle machine
    timer.cancel()
    count = len(calls)
    ros.spin(0.05)
    assert len(calls) == count and timer.is_canceled()
    timer.reset()
    assert not timer.is_canceled() and ros.until(lambda: len(calls) > count)
    assert node.destroy_timer(timer) and not node.destroy_timer(timer)


def test_a_late_timer_leaves_calls_out_and_keeps_its_grid(ros: Any) -> None:
    node = ros.node()
    calls: list[Any] = []
    start = time.monotonic()

    def call() -> None:
        calls.append(time.monotonic() - start)
        if len(calls) == 2:
            time.sleep(0.33)

    node.create_timer(0.1, call)
    ros.spin(1.05)
    # the call that was missed comes at once, then those on the grid
    assert 7 <= len(calls) <= 9
    assert abs(calls[-1] - round(calls[-1], 1)) < 0.04


def test_an_error_in_a_callback_reaches_the_one_who_spins(ros: Any) -> None:
    ros.node().create_timer(0.01, lambda: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        ros.spin(1.0)


def test_simulated_time_drives_clock_and_timers(ros: Any) -> None:
    simulation = SimulatedClock(ros)
    node = ros.node('robot', parameter_overrides=SIM_TIME)
    clock = node.get_clock()
    calls: list[Any] = []
    node.create_timer(0.1, lambda: calls.append(clock.now().nanoseconds // 10**6))
    simulation.connect()
    assert clock.now().nanoseconds == 0 and clock.ros_time_is_active
    ros.spin(0.15)
    assert calls == []
    for tick in range(1, 71):
        simulation.set(tick * 0.005, clock)
        ros.executor.spin_once(timeout_sec=0.0)
    assert ros.until(lambda: calls == [100, 200, 300]), calls


def test_time_goes_back_when_a_simulation_starts_again(ros: Any) -> None:
    simulation = SimulatedClock(ros)
    node = ros.node('robot', parameter_overrides=SIM_TIME)
    clock = node.get_clock()
    calls: list[Any] = []
    node.create_timer(1.0, lambda: calls.append(round(clock.now().nanoseconds / 1e9, 3)))
    simulation.connect()
    simulation.set(100.0, clock)
    assert ros.until(lambda: calls == [100.0])
    for seconds in (100.5, 0.25, 0.75):
        simulation.set(seconds, clock)
        ros.spin(0.05)
    assert calls == [100.0]
    simulation.set(1.3, clock)
    assert ros.until(lambda: calls == [100.0, 1.3])


def test_the_clock_is_right_within_a_long_callback(ros: Any) -> None:
    simulation = SimulatedClock(ros)
    clock = ros.node('robot', parameter_overrides=SIM_TIME).get_clock()
    simulation.connect()
    simulation.set(1.0, clock)
    simulation.publisher.publish(ClockMessage(clock=Time(seconds=2).to_msg()))
    end = time.monotonic() + 2.0
    while clock.now().nanoseconds != 2 * 10**9 and time.monotonic() < end:
        time.sleep(0.005)  # nobody spins
    if not hasattr(clock, 'simulated'):
        pytest.skip('real rclpy updates its clock only while it spins')
    assert clock.now().nanoseconds == 2 * 10**9


def test_jump_callbacks_and_switching_simulated_time(ros: Any) -> None:
    simulation = SimulatedClock(ros)
    node = ros.node('robot')
    clock = node.get_clock()
    jumps: list[Any] = []
    threshold = JumpThreshold(min_forward=None, min_backward=Duration(seconds=-1), on_clock_change=True)
    handle = clock.create_jump_callback(threshold, post_callback=jumps.append)
    assert node.set_parameters([Parameter('use_sim_time', value=True)])[0].successful
    simulation.connect()
    assert len(jumps) == 1
    for seconds in (10.0, 9.5, 2.0):
        simulation.set(seconds, clock)
        ros.spin(0.05)
    assert len(jumps) == 2 and jumps[1].delta.nanoseconds == -7500000000
    handle.unregister()
    assert node.set_parameters([Parameter('use_sim_time', value=False)])[0].successful
    assert abs(clock.now().nanoseconds - time.time_ns()) < 1e9
    assert not node.set_parameters([Parameter('use_sim_time', value=3)])[0].successful


def test_sleeping_and_rates(ros: Any) -> None:
    node = ros.node()
    start = time.monotonic()
    assert node.get_clock().sleep_for(Duration(seconds=0.1))
    assert 0.1 <= time.monotonic() - start < 1.0
    rate, thread = node.create_rate(50), threading.Thread(target=ros.spin, args=(1.0,))
    thread.start()
    start = time.monotonic()
    for _ in range(5):
        rate.sleep()
    assert 0.07 < time.monotonic() - start < 1.0
    thread.join()
    assert node.destroy_rate(rate)


def test_sleeping_in_simulated_time(ros: Any) -> None:
    simulation = SimulatedClock(ros)
    clock = ros.node('robot', parameter_overrides=SIM_TIME).get_clock()
    simulation.connect()
    simulation.set(1.0, clock)
    ended: list[bool] = []
    thread = threading.Thread(target=lambda: ended.append(clock.sleep_for(Duration(seconds=1))))
    thread.start()
    ros.spin(0.1)
    assert not ended
    for seconds in (1.5, 2.0, 2.1):
        simulation.set(seconds)
    assert ros.until(lambda: ended, 5.0)
    thread.join()


@pytest.mark.parametrize('payload', [b'\0\1\0\0\5\0\0\0', b'\0\1\0\0\xff\xff\xff\xff\0\0\0\0'])
def test_a_clock_that_is_too_short_or_before_the_beginning_is_ignored(ros: Any, payload: bytes) -> None:
    ros.init()
    simulation = SimulatedClock(ros)
    node = ros.node('watcher', parameter_overrides=SIM_TIME)
    simulation.connect()
    simulation.set(3.0, node.get_clock())
    simulation.publisher.publish(payload)
    ros.spin(0.05)
    assert node.get_clock().now().nanoseconds == 3 * 10**9
    simulation.set(4.0, node.get_clock())
