# SPDX-License-Identifier: Apache-2.0
"""Serves a simulator to GENIMA from a Python environment of its own; what to write is the class `ServedSimulator`.

All of it runs in the thread that calls `serve_forever`: an OpenGL context belongs to one thread.
"""

from __future__ import annotations

import math
import queue
import threading
from typing import Any, NamedTuple, Protocol

import numpy as np

from genima_client.connection import ServerError
from genima_client.server import Server
from genima_client.wire import PROTOCOL, WireError, pack, unpack

PORT = 8710
KINDS = ('start', 'reset', 'step', 'place', 'render')
MAX_QUESTION = 4 * 1024 * 1024
MOST_ROWS, MOST_NAMES, MOST_PX = 5000, 64, 4096


class Setup(NamedTuple):
    """What the simulation shall show.

    Attributes:
        robot: Name of the robot profile.
        joint_names: Order of all joint positions.
        task: Its name.
        cameras: Name to the camera of the simulator that stands behind it; both are the same where nobody chose.
        width_px: Of the images, and `height_px`.
    """

    robot: str
    joint_names: tuple[str, ...]
    task: str
    cameras: dict[str, str]
    width_px: int
    height_px: int


class Camera(NamedTuple):
    """A camera without distortion, in its optical frame: x right, y down, z forward.

    Attributes:
        K: (3, 3) intrinsics [px].
        T_parent_camera: (4, 4) pose in `parent` [m].
        parent: Link that it is mounted on, as the robot profile calls it; empty: the base of the robot.
    """

    K: np.ndarray
    T_parent_camera: np.ndarray
    parent: str = ''


class Seen(NamedTuple):
    """The state of a simulation.

    Attributes:
        q_rad: (n,) joint positions.
        gripper_open: 0 closed to 1 open.
        success: Whether the task is done.
        poses: Object to T_base_object (4, 4) [m].
        measures: Figures of how the task stands, by name with unit, such as `lifted_m`.
    """

    q_rad: np.ndarray
    gripper_open: float
    success: bool
    poses: dict[str, np.ndarray]
    measures: dict[str, float]


class ServedSimulator(Protocol):
    """A simulator; what it raises is told to who asked, and it is asked again.

    It may also have `place(q_rad, gripper_open, poses) -> Seen`, which puts everything somewhere at rest: demonstrations
    then begin anywhere above the table.

    Attributes:
        software: Name and version, for reports.
        period_s: Time between two joint targets.
    """

    software: str
    period_s: float

    def start(self, setup: Setup) -> dict[str, Camera]:
        """Build a world, or refuse to; return its cameras under the names of `setup`."""

    def reset(self, seed: int) -> Seen:
        """Begin an episode that the seed determines."""

    def step(self, q_rad: np.ndarray, v_rad_s: np.ndarray, gripper_open: float) -> Seen:
        """Go through joint targets (N, n), one a period, with the velocities there; return the state in the end."""

    def render(self) -> dict[str, np.ndarray]:
        """Return what the cameras see, (H, W, 3) uint8 RGB by name."""


class SimulatorServer:
    """A simulator at an address, for one client at a time.

    Attributes:
        port: Where it listens, also when 0 was asked for.
    """

    def __init__(self, simulator: ServedSimulator, host: str = '127.0.0.1', port: int = PORT, token: str = '') -> None:
        """Listen; `serve_forever` answers.

        Raises:
            ServerError: if a network address is given without a token, or the port is taken.
        """
        self._simulator = simulator
        self._joints, self._has_begun = 0, False  # none before `start`; by `reset`
        self._asked: queue.Queue[tuple[str | bytes, queue.Queue[bytes]] | None] = queue.Queue()
        greeting = pack({'protocol': PROTOCOL, 'simulator': simulator.software, 'period_s': float(simulator.period_s)})
        self._server = Server(greeting, self._wait, host, port, token, 1, MAX_QUESTION)
        self.port = self._server.port

    def serve_forever(self) -> None:
        """Simulate, in this thread, until `close` is called."""
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        while True:
            asked = self._asked.get()
            if asked is None:
                return
            data, answer = asked
            answer.put(self._answer(data))

    def close(self) -> None:
        """End; a client sees a lost connection."""
        self._server.close()
        self._asked.put(None)

    def _wait(self, data: str | bytes) -> bytes:
        answer: queue.Queue[bytes] = queue.Queue()
        self._asked.put((data, answer))
        return answer.get()

    def _answer(self, data: str | bytes) -> bytes:
        try:
            if isinstance(data, str):
                raise WireError('got text, allowed: MessagePack')
            return pack(self._do(unpack(data, MAX_QUESTION)))
        except WireError as error:
            text = str(error)
        except Exception as error:  # of a simulator that is not ours; the next question may go well
            text = f'the simulator failed: {type(error).__name__}: {error}'
        return pack({'type': 'error', 'text': text[:2000]})

    def _do(self, message: dict[Any, Any]) -> dict[str, Any]:
        kind = message.get('type')
        if not isinstance(kind, str) or kind not in KINDS:
            raise WireError(f'type: got {kind!r:.50}, allowed: {", ".join(KINDS)}')
        if kind == 'start':
            setup, self._joints, self._has_begun = _setup(message), 0, False
            cameras = self._simulator.start(setup)
            self._joints = len(setup.joint_names)
            plain = {name: Camera(*each)._asdict() for name, each in cameras.items()}
            return {'type': 'started', 'cameras': plain, 'places': hasattr(self._simulator, 'place')}
        if not self._joints:
            raise WireError('the simulation has not been started')
        if kind == 'reset':
            seen = self._simulator.reset(_whole(message, 'seed', 0, 2**32 - 1))
            self._has_begun = True
            return _state(seen)
        if not self._has_begun:
            raise WireError('no episode has begun: reset it')
        if kind == 'step':
            q_rad = _array(message, 'q_rad', (None, self._joints))
            v_rad_s = _array(message, 'v_rad_s', q_rad.shape)
            return _state(self._simulator.step(q_rad, v_rad_s, _opening(message)))
        if kind == 'place':
            if not hasattr(self._simulator, 'place'):
                raise WireError(f'{self._simulator.software} cannot place: it has no such method')
            poses = _mapping(message, 'poses')
            checked = {name: _array(poses, name, (4, 4)) for name in poses}
            q_rad = _array(message, 'q_rad', (self._joints,))
            return _state(self._simulator.place(q_rad, _opening(message), checked))
        images = self._simulator.render()
        return {'type': 'images', 'images': {name: np.ascontiguousarray(each) for name, each in images.items()}}


def serve_simulator(simulator: ServedSimulator, host: str = '127.0.0.1', port: int = PORT, token: str = '') -> None:
    """Serve a simulator in this thread until Ctrl-C.

    Raises:
        ServerError: if a network address is given without a token, or the port is taken.
    """
    server = SimulatorServer(simulator, host, port, token)
    print(f'serving {simulator.software} at ws://{host}:{server.port}', flush=True)
    try:
        server.serve_forever()
    except KeyboardInterrupt:
        server.close()


def _state(seen: Seen) -> dict[str, Any]:
    return {
        'type': 'state',
        'q_rad': np.asarray(seen.q_rad, dtype=np.float64),
        'gripper_open': float(seen.gripper_open),
        'success': bool(seen.success),
        'poses': {str(name): np.asarray(T, dtype=np.float64) for name, T in seen.poses.items()},
        'measures': {str(name): float(value) for name, value in seen.measures.items()},
    }


def _setup(message: dict[Any, Any]) -> Setup:
    cameras = {_text(name, 'cameras'): _text(source, 'cameras') for name, source in _mapping(message, 'cameras').items()}
    names = message.get('joint_names')
    if not isinstance(names, (list, tuple)) or not 1 <= len(names) <= MOST_NAMES:
        raise WireError(f'joint_names: got {names!r:.50}, allowed: 1 to {MOST_NAMES} names')
    return Setup(
        _text(message.get('robot'), 'robot'),
        tuple(_text(name, 'joint_names') for name in names),
        _text(message.get('task'), 'task'),
        cameras,
        _whole(message, 'width_px', 8, MOST_PX),
        _whole(message, 'height_px', 8, MOST_PX),
    )


def _text(value: Any, name: str) -> str:
    if not isinstance(value, str) or len(value) > 200:
        raise WireError(f'{name}: got {value!r:.50}, allowed: text of at most 200 characters')
    return value


def _mapping(message: dict[Any, Any], name: str) -> dict[str, Any]:
    value = message.get(name)
    if not isinstance(value, dict) or len(value) > MOST_NAMES or not all(isinstance(key, str) for key in value):
        raise WireError(f'{name}: got {type(value).__name__}, allowed: a mapping of at most {MOST_NAMES} names')
    return value


def _whole(message: dict[Any, Any], name: str, least: int, most: int) -> int:
    value = message.get(name)
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
        raise WireError(f'{name}: got {value!r:.50}, allowed: a whole number from {least} to {most}')
    return value


def _opening(message: dict[Any, Any]) -> float:
    value = message.get('gripper_open')
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not (math.isfinite(value) and 0 <= value <= 1):
        raise WireError(f'gripper_open: got {value!r:.50}, allowed: 0 to 1')
    return float(value)


def _array(message: dict[Any, Any], name: str, shape: tuple[int | None, ...]) -> np.ndarray:
    value = message.get(name)
    allowed = f'finite numbers {shape}, at most {MOST_ROWS} rows'
    if not isinstance(value, np.ndarray):
        raise WireError(f'{name}: got {type(value).__name__}, allowed: {allowed}')
    fits = value.ndim == len(shape) and 1 <= len(value) <= MOST_ROWS and value.dtype.kind in 'fiu'
    if not fits or value.shape != tuple(size or len(value) for size in shape) or not np.isfinite(value).all():
        raise WireError(f'{name}: got {value.dtype} {value.shape}, allowed: {allowed}')
    return np.array(value, dtype=np.float64)


__all__ = ['Camera', 'Seen', 'ServedSimulator', 'ServerError', 'Setup', 'SimulatorServer', 'serve_simulator']
