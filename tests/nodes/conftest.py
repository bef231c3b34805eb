# SPDX-License-Identifier: Apache-2.0
"""Nodes as processes, and a probe that talks to them."""

import genima_ros  # isort: skip  # noqa: F401  its gate decides which rclpy this is

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rclpy
from rclpy.node import Node
from rclpy.parameter import Parameter

PATIENCE_S = 20.0  # loading torch on a busy machine


class NodeProcess:
    """A node under test."""

    def __init__(self, name: str, parameters: dict[str, Any], ros_arguments: Sequence[str] = ()) -> None:
        arguments = [sys.executable, '-m', f'genima_ros.{name}', '--ros-args', *ros_arguments]
        for key, value in parameters.items():
            arguments += ['-p', f'{key}:={str(value).lower() if isinstance(value, bool) else value}']
        self.lines: list[str] = []
        self.process = subprocess.Popen(
            arguments, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True
        )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.lines.append(line)

    @property
    def text(self) -> str:
        return ''.join(self.lines)

    def wait_for(self, words: str, timeout_s: float = PATIENCE_S) -> None:
        end_s = time.monotonic() + timeout_s
        while words not in self.text:
            assert time.monotonic() < end_s, f'never said {words!r}:\n{self.text}'
            assert self.process.poll() is None or words in self.text, f'ended without saying {words!r}:\n{self.text}'
            time.sleep(0.02)

    def exit_code(self, timeout_s: float = PATIENCE_S) -> int:
        code = self.process.wait(timeout_s)
        self._reader.join(2.0)
        return code

    def end(self, number: signal.Signals = signal.SIGINT) -> tuple[int, float]:
        """Send a signal; return the exit code and the seconds it took."""
        started_s = time.monotonic()
        self.process.send_signal(number)
        return self.exit_code(5.0), time.monotonic() - started_s

    def kill(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()


class Probe(Node):
    """A node in the test's own process."""

    def __init__(self) -> None:
        super().__init__('probe', parameter_overrides=[Parameter('use_sim_time', value=False)])
        self.heard: dict[str, list[Any]] = {}

    def listen(self, kind: type, topic: str, qos: Any = 10) -> list[Any]:
        messages = self.heard.setdefault(topic, [])
        self.create_subscription(kind, topic, messages.append, qos)
        return messages

    def spin_until(self, condition: Callable[[], object], timeout_s: float = PATIENCE_S, why: str = '') -> None:
        end_s = time.monotonic() + timeout_s
        while not condition():
            assert time.monotonic() < end_s, f'waited {timeout_s} s in vain {why}'
            rclpy.spin_once(self, timeout_sec=0.05)

    def spin_for(self, duration_s: float) -> None:
        end_s = time.monotonic() + duration_s
        while time.monotonic() < end_s:
            rclpy.spin_once(self, timeout_sec=0.02)

    def call(self, kind: type, name: str, request: Any) -> Any:
        client = self.create_client(kind, name)
        assert client.wait_for_service(timeout_sec=PATIENCE_S), f'no service {name}'
        future = client.call_async(request)
        self.spin_until(future.done, 5.0, f'for an answer of {name}')
        self.destroy_client(client)
        return future.result()


@pytest.fixture(scope='session')
def node_environment() -> Iterator[None]:
    """Nodes that say at once what they have to say."""
    saved = dict(os.environ)
    os.environ['PYTHONUNBUFFERED'] = '1'
    yield
    os.environ.clear()
    os.environ.update(saved)


@pytest.fixture
def start(node_environment: None) -> Iterator[Callable[..., NodeProcess]]:
    """Start nodes; all are gone after the test."""
    nodes: list[NodeProcess] = []

    def start_node(
        name: str, ros_arguments: Sequence[str] = (), *, remap: dict[str, str] | None = None, **parameters: Any
    ) -> NodeProcess:
        remapped = [each for ours, theirs in (remap or {}).items() for each in ('-r', f'{ours}:={theirs}')]
        nodes.append(NodeProcess(name, parameters, [*ros_arguments, *remapped]))
        return nodes[-1]

    yield start_node
    for node in nodes:
        node.kill()


@pytest.fixture
def probe(node_environment: None) -> Iterator[Probe]:
    rclpy.init(args=[])
    node = Probe()
    yield node
    node.destroy_node()
    rclpy.try_shutdown()


@pytest.fixture(scope='session')
def policy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A policy directory with networks that learned nothing: all parts fit, and the arm barely moves."""
    from genima.contract.spec import PolicySpec
    from genima.controller.act import Act, ActConfig
    from genima.controller.controller import Controller
    from genima.controller.normalizer import Normalizer
    from genima.painter.folder import save_pipeline
    from genima.painter.pipeline import build_pipeline
    from genima.robots.profile import RobotProfile

    profile = RobotProfile.load('panda')
    normalizer = Normalizer(profile.home_rad, np.full(7, 0.3), np.full(7, 0.01))
    spec = PolicySpec.from_recipe('small', profile).with_normalizer(normalizer.to_dict())
    directory = tmp_path_factory.mktemp('policy')
    spec.save(directory)
    sizes = len(spec.joint_names), len(spec.cameras), len(spec.spheres), spec.view_size_px, spec.chunk_steps
    config = ActConfig(*sizes, width=8, dim=32, feedforward=32, reach_width=32)
    Controller(spec, Act(config), normalizer, (spec.instruction,)).save(directory)
    save_pipeline(build_pipeline(spec), directory)
    return directory
