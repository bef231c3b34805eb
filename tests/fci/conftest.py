# SPDX-License-Identifier: Apache-2.0
"""A simulated FCI with the limits of motion and of communication, and the control loop on it."""

import threading
import time
from collections.abc import Callable, Iterator
from importlib.util import find_spec

import numpy as np
import pytest

from genima.fci.packets import LoopState
from genima.fci.process import LoopProcess
from genima.fci.simulated import MISSING, SimulatedFci, server_python


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip what needs the simulated FCI where it, or the extra, is not installed, and say why."""
    wanted = [item for item in items if item.get_closest_marker('fci')]
    if not wanted:
        return
    missing = [name for name in ('pylibfranka', 'franka') if find_spec(name) is None]
    reason = f"no {', '.join(missing)}: pip install 'genima[fci]'" if missing else '' if server_python() else MISSING
    for item in wanted if reason else []:
        item.add_marker(pytest.mark.skip(reason=reason))


@pytest.fixture(scope='session')
def node_environment() -> None:
    """The processes inherit what is set for all tests."""


@pytest.fixture
def simulated_fci() -> Iterator[SimulatedFci]:
    with SimulatedFci() as server:
        yield server


class Arm:
    """The loop's process on a simulated arm, with a heart that beats."""

    def __init__(self) -> None:
        self.loop = LoopProcess('127.0.0.1', 'fr3', realtime=False, wall=False)
        self.states: list[LoopState] = []
        self.texts: list[str] = []
        self.beating = True
        threading.Thread(target=self._listen, daemon=True).start()
        threading.Thread(target=self._beat, daemon=True).start()
        self.wait(lambda: bool(self.states) and self.states[-1].active)

    def _listen(self) -> None:
        for said in self.loop.said():
            if isinstance(said, LoopState):
                self.states.append(said)
            else:
                self.texts.append(said[1])

    def _beat(self) -> None:
        while True:
            if self.beating:
                self.loop.beat()
            time.sleep(0.05)

    @property
    def now(self) -> LoopState:
        return self.states[-1]

    @property
    def reference_rad(self) -> np.ndarray:
        return np.array(self.now.reference_rad)

    def wait(self, condition: Callable[[], bool], wall_s: float = 60.0) -> None:
        end_s = time.monotonic() + wall_s
        while not condition():
            assert time.monotonic() < end_s, f'waited in vain; it said {self.texts}'
            time.sleep(0.01)

    def let_pass(self, robot_s: float) -> None:
        end_s = self.now.robot_s + robot_s
        self.wait(lambda: self.now.robot_s >= end_s)


@pytest.fixture
def arm(simulated_fci: SimulatedFci) -> Iterator[Arm]:
    driven = Arm()
    yield driven
    driven.loop.close()
