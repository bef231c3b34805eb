# SPDX-License-Identifier: Apache-2.0
"""A simulator in another process, with Python packages of its own."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from genima.errors import SimulatorError
from genima.sim.base import Setup
from genima.sim.stepped import Stepped
from genima_client import simulator as served
from genima_client.connection import ServerError
from genima_client.simulator_client import SimulatorClient

Answer = Mapping[str, Any]


class RemoteSimulator(Stepped):
    """A `Simulator` at ws://host:port."""

    def __init__(self, address: str, setup: Setup, token: str = '') -> None:
        """Connect and have a world built.

        Raises:
            SimulatorError: if there is none, or it refuses.
        """
        wire = _Wire(address, token)
        try:
            super().__init__(wire, setup)
        except BaseException:
            wire.close()
            raise


def ask_software(address: str, token: str = '') -> str:
    """Return name and version of the simulator at an address.

    Raises:
        SimulatorError: if there is none.
    """
    wire = _Wire(address, token)
    wire.close()
    return wire.software


class _Wire:
    """A `ServedSimulator` that asks the one at the other end; `place` is there where the other one has it."""

    def __init__(self, address: str, token: str) -> None:
        self._client = _asked(lambda: SimulatorClient(address, token))
        greeting = self._client.greeting
        self.software = f'{greeting["simulator"]}'
        self.period_s = _value(greeting, 'period_s', (int, float))

    def start(self, setup: served.Setup) -> dict[str, served.Camera]:
        values = {**setup._asdict(), 'joint_names': list(setup.joint_names)}
        answer = _asked(lambda: self._client.start(**values))
        if _value(answer, 'places', (bool,)):
            self.place = self._place
        cameras = _value(answer, 'cameras', (dict,))
        return {str(name): _camera(each) for name, each in cameras.items()}

    def reset(self, seed: int) -> served.Seen:
        return _seen(_asked(lambda: self._client.reset(seed)))

    def step(self, q_rad: NDArray[np.float64], v_rad_s: NDArray[np.float64], gripper_open: float) -> served.Seen:
        return _seen(_asked(lambda: self._client.step(q_rad, v_rad_s, gripper_open)))

    def render(self) -> dict[str, NDArray[np.uint8]]:
        images: dict[str, NDArray[np.uint8]] = _value(_asked(self._client.render), 'images', (dict,))
        return images

    def close(self) -> None:
        self._client.close()

    def _place(self, q_rad: NDArray[np.float64], gripper_open: float, poses: dict[str, NDArray[np.float64]]) -> served.Seen:
        return _seen(_asked(lambda: self._client.place(q_rad, gripper_open, poses)))


def _asked(question: Callable[[], Any]) -> Any:
    try:
        return question()
    except ServerError as error:
        raise SimulatorError(str(error)) from error


def _camera(values: Any) -> served.Camera:
    if not isinstance(values, dict):
        raise SimulatorError(f'the simulator, cameras: got {type(values).__name__}, allowed: a mapping')
    K, T = _value(values, 'K', (np.ndarray,)), _value(values, 'T_parent_camera', (np.ndarray,))
    return served.Camera(K, T, _value(values, 'parent', (str,)))


def _seen(answer: Answer) -> served.Seen:
    poses, measures = _value(answer, 'poses', (dict,)), _value(answer, 'measures', (dict,))
    for name, each in poses.items():
        _value(poses, name, (np.ndarray,))
        if each.dtype.kind not in 'fiu':
            raise SimulatorError(f'the simulator, pose of {name}: got {each.dtype}, allowed: numbers')
    opening = _value(answer, 'gripper_open', (int, float))
    return served.Seen(_value(answer, 'q_rad', (np.ndarray,)), opening, _value(answer, 'success', (bool,)), poses, measures)


def _value(answer: Answer, name: str, kinds: tuple[type, ...]) -> Any:
    value = answer.get(name)
    if not isinstance(value, kinds):
        allowed = ' or '.join(kind.__name__ for kind in kinds)
        raise SimulatorError(f'the simulator, {name}: got {type(value).__name__}, allowed: {allowed}')
    return value
