# SPDX-License-Identifier: Apache-2.0
"""Executors, callback groups, futures and tasks."""

import threading
import time
from typing import Any

import pytest
import rclpy
from rclpy.callback_groups import MutuallyExclusiveCallbackGroup, ReentrantCallbackGroup
from rclpy.executors import MultiThreadedExecutor, SingleThreadedExecutor
from rclpy.task import Future
from std_msgs.msg import String


class Overlap:
    """A slow callback that notes how many run at the same time."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._now, self.most, self.calls = 0, 0, 0

    def __call__(self, *_: Any) -> None:
        with self._lock:
            self._now += 1
            self.most = max(self.most, self._now)
        time.sleep(0.05)
        with self._lock:
            self._now -= 1
            self.calls += 1


@pytest.mark.parametrize(('group', 'several'), [(MutuallyExclusiveCallbackGroup, False), (ReentrantCallbackGroup, True)])
def test_callback_groups(ros: Any, group: Any, several: bool) -> None:
    node, overlap, shared = ros.node(), Overlap(), group()
    for _ in range(3):
        node.create_timer(0.02, overlap, shared)
    executor = MultiThreadedExecutor(4)
    ros.executor.remove_node(node)
    executor.add_node(node)
    end = time.monotonic() + 0.6
    while time.monotonic() < end:
        executor.spin_once(timeout_sec=0.05)
    assert executor.shutdown(5.0)
    assert (overlap.most > 1) is several and overlap.calls >= 3


def test_messages_for_a_busy_group_wait_and_do_not_keep_a_core_busy(ros: Any) -> None:
    node, overlap = ros.node(), Overlap()
    node.create_subscription(String, 'words', overlap, 10)
    publisher = node.create_publisher(String, 'words', 10)
    assert ros.until(lambda: publisher.get_subscription_count() == 1)
    executor = MultiThreadedExecutor(4)
    ros.executor.remove_node(node)
    executor.add_node(node)
    for _ in range(8):
        publisher.publish(String(data='x'))
    cpu, end = time.process_time(), time.monotonic() + 5.0
    while overlap.calls < 8 and time.monotonic() < end:
        executor.spin_once(timeout_sec=0.5)
    assert overlap.calls == 8 and overlap.most == 1
    assert time.process_time() - cpu < 0.25  # 0.4 s pass
    executor.shutdown()


def test_errors_in_threads_reach_the_one_who_spins(ros: Any) -> None:
    node = ros.node()
    node.create_timer(0.01, lambda: 1 / 0)
    executor = MultiThreadedExecutor(2)
    ros.executor.remove_node(node)
    executor.add_node(node)
    with pytest.raises(ZeroDivisionError):
        for _ in range(50):
            executor.spin_once(timeout_sec=0.05)
    executor.shutdown()


def test_futures() -> None:
    future = Future()
    seen: list[Any] = []
    future.add_done_callback(seen.append)
    assert not future.done() and future.result() is None
    future.set_result(3)
    future.add_done_callback(seen.append)
    assert future.done() and future.result() == 3 and seen == [future, future]
    failed = Future()
    failed.set_exception(KeyError('x'))
    with pytest.raises(KeyError):
        failed.result()
    dropped = Future()
    dropped.cancel()
    assert dropped.cancelled()


def test_tasks_and_coroutines(ros: Any) -> None:
    ros.node()
    gate = Future()
    steps: list[str] = []

    async def work(name: str) -> str:
        steps.append(f'{name} starts')
        value = await gate
        steps.append(f'{name} got {value}')
        return name

    task = ros.executor.create_task(work, 'a')
    plain = ros.executor.create_task(lambda: 7)
    assert ros.until(lambda: plain.done() and steps) and not task.done()
    gate.set_result(5)
    assert ros.until(task.done)
    assert task.result() == 'a' and plain.result() == 7 and steps == ['a starts', 'a got 5']


def test_spin_until_future_complete(ros: Any) -> None:
    node, future = ros.node(), Future()
    node.create_timer(0.05, lambda: future.set_result(1))
    start = time.monotonic()
    rclpy.spin_until_future_complete(node, Future(), executor=ros.executor, timeout_sec=0.02)
    rclpy.spin_until_future_complete(node, future, executor=ros.executor)
    assert future.done() and time.monotonic() - start < 2.0


def test_spin_once_waits_no_longer_than_told(ros: Any) -> None:
    node = ros.node()
    ros.spin(0.05)
    start = time.monotonic()
    ros.executor.spin_once(timeout_sec=0.15)
    assert 0.1 <= time.monotonic() - start < 1.5
    start = time.monotonic()
    rclpy.spin_once(node, executor=ros.executor, timeout_sec=0.0)
    assert time.monotonic() - start < 1.0


def test_nodes_and_entities_can_come_while_spinning(ros: Any) -> None:
    node = ros.node()
    got: list[Any] = []
    thread = threading.Thread(target=ros.executor.spin, daemon=True)
    thread.start()
    time.sleep(0.05)
    node.create_subscription(String, 'words', got.append, 10)
    publisher = node.create_publisher(String, 'words', 10)
    other = rclpy.create_node('other')
    ros.nodes.append(other)
    ticks: list[int] = []
    other.create_timer(0.01, lambda: ticks.append(1))
    assert ros.executor.add_node(other) and not ros.executor.add_node(other)
    end = time.monotonic() + 5.0
    while not (got and ticks) and time.monotonic() < end:
        publisher.publish(String(data='x'))
        time.sleep(0.02)
    assert got and ticks and set(ros.executor.get_nodes()) == {node, other}
    ros.executor.shutdown()
    thread.join(2.0)
    assert not thread.is_alive()


def test_an_executor_needs_a_running_context() -> None:
    with pytest.raises(Exception, match=r'init|context'):
        SingleThreadedExecutor().add_node(rclpy.create_node('node'))
