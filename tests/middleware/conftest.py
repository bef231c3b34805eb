# SPDX-License-Identifier: Apache-2.0
"""Nodes that clean up, and child processes.

Tests that only use `rclpy` run with the real one, too, where it is sourced; the others are marked `subset_only`.
"""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import rosless

SUBSET = rosless.ensure()

import pytest  # noqa: E402
import rclpy  # noqa: E402
from rclpy.executors import SingleThreadedExecutor  # noqa: E402
from rclpy.node import Node  # noqa: E402

PATIENCE_S = 30.0  # a busy machine


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Leave tests of rosless's own code out where the real rclpy is used."""
    if not SUBSET:
        for item in items:
            if item.get_closest_marker('subset_only'):
                item.add_marker(pytest.mark.skip(reason='a real rclpy is sourced'))


def pytest_configure(config: pytest.Config) -> None:
    """Declare the marker."""
    config.addinivalue_line('markers', 'subset_only: tests code that exists in rosless only')


class Ros:
    """One `rclpy.init()` with nodes and an executor."""

    def __init__(self) -> None:
        self.nodes: list[Node] = []
        self.executor: SingleThreadedExecutor | None = None

    def init(self, *ros_arguments: str) -> 'Ros':
        """Start ROS with arguments after --ros-args."""
        rclpy.init(args=['test', '--ros-args', *ros_arguments] if ros_arguments else ['test'])
        self.executor = SingleThreadedExecutor()
        return self

    def node(self, name: str = 'node', **options: object) -> Node:
        """Return a new node that is spun by `until`."""
        if self.executor is None:
            self.init()
        node = Node(name, **options)
        self.nodes.append(node)
        assert self.executor is not None
        self.executor.add_node(node)
        return node

    def until(self, condition: Callable[[], object], timeout_s: float = PATIENCE_S) -> bool:
        """Spin until a condition holds; return whether it does."""
        assert self.executor is not None
        end_s = time.monotonic() + timeout_s
        while not condition():
            if time.monotonic() > end_s:
                return False
            self.executor.spin_once(timeout_sec=0.02)
        return True

    def spin(self, seconds: float) -> None:
        """Spin for a while."""
        self.until(lambda: False, seconds)

    def close(self) -> None:
        """Destroy everything."""
        if self.executor is not None:
            self.executor.shutdown()
        for node in self.nodes:
            node.destroy_node()
        rclpy.try_shutdown()


@pytest.fixture
def ros() -> Iterator[Ros]:
    """A running ROS; nodes come from `ros.node()`."""
    running = Ros()
    try:
        yield running
    finally:
        running.close()


class Child:
    """A Python process with `rclpy` available."""

    def __init__(self, script: Path, arguments: tuple[str, ...], environment: dict[str, str]) -> None:
        self.process = subprocess.Popen(
            [sys.executable, '-u', '-m', 'rosless', str(script), *arguments],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, **environment},
            # a shell's background jobs ignore Ctrl-C, and so would their children
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
        )

    def line(self) -> str:
        """Return the next line of the output."""
        assert self.process.stdout is not None
        return self.process.stdout.readline().strip()

    def end(self, number: int | None = None) -> tuple[int, str, str, float]:
        """Send a signal, wait; return exit code, remaining output, errors and how long it took."""
        start_s = time.monotonic()
        if number is not None:
            self.process.send_signal(number)
        output, errors = self.process.communicate(timeout=PATIENCE_S)
        return self.process.returncode, output, errors, time.monotonic() - start_s


@pytest.fixture
def child(tmp_path: Path) -> Iterator[Callable[..., Child]]:
    """Start child processes: `child(source code, *arguments, **environment)`."""
    children: list[Child] = []

    def start(source: str, *arguments: str, **environment: str) -> Child:
        script = tmp_path / f'child_{len(children)}.py'
        script.write_text(source, encoding='utf-8')
        children.append(Child(script, arguments, environment))
        return children[-1]

    yield start
    for started in children:
        if started.process.poll() is None:
            started.process.kill()
            started.process.communicate()
