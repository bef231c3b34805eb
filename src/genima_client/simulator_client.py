# SPDX-License-Identifier: Apache-2.0
"""Asks a simulator in another process; what it answers is for the asker to check."""

from __future__ import annotations

from typing import Any

import numpy as np

from genima_client.connection import Connection

START_S = 120.0
ANSWER_S = 30.0


class SimulatorClient:
    """A connection to a `SimulatorServer`.

    Attributes:
        greeting: What it said at once: `simulator`, its software, and `period_s`.
    """

    def __init__(self, address: str, token: str = '') -> None:
        """Connect to ws://host:port.

        Raises:
            ServerError: if there is no such server, it refuses, or has another client.
        """
        self._connection = Connection(address, token, ANSWER_S, 'simulator', 'has it been started')
        self.greeting = self._connection.greeting

    def start(self, **setup: Any) -> dict[str, Any]:
        """Have a world built; the values are those of `simulator.Setup`."""
        return self._connection.ask({'type': 'start', **setup}, START_S)

    def reset(self, seed: int) -> dict[str, Any]:
        """Begin an episode."""
        return self._connection.ask({'type': 'reset', 'seed': seed}, ANSWER_S)

    def place(self, q_rad: np.ndarray, gripper_open: float, poses: dict[str, np.ndarray]) -> dict[str, Any]:
        """Put arm and objects somewhere."""
        question = {'type': 'place', 'q_rad': q_rad, 'gripper_open': gripper_open, 'poses': poses}
        return self._connection.ask(question, ANSWER_S)

    def step(self, q_rad: np.ndarray, v_rad_s: np.ndarray, gripper_open: float) -> dict[str, Any]:
        """Go through joint targets (N, n), one a period."""
        question = {'type': 'step', 'q_rad': q_rad, 'v_rad_s': v_rad_s, 'gripper_open': gripper_open}
        return self._connection.ask(question, ANSWER_S)

    def render(self) -> dict[str, Any]:
        """Return `images`, (H, W, 3) uint8 by camera."""
        return self._connection.ask({'type': 'render'}, ANSWER_S)

    def close(self) -> None:
        """Say good-bye."""
        self._connection.close()
