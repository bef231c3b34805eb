# SPDX-License-Identifier: Apache-2.0
"""Asks a policy on another computer for chunks, and learns how its clock differs from ours."""

from __future__ import annotations

import time
from collections import deque
from typing import Any, NamedTuple

import numpy as np

from genima_client.connection import Connection

ROUNDS_KEPT = 64
"""Of the last round trips, the fastest one says what the clocks are apart: it waited least."""


class Answer(NamedTuple):
    """What the policy wants.

    Attributes:
        q_rad: (T, n) absolute joint positions [rad], point i for `stamp_s + (i + 1) * dt_s`.
        gripper_open: (T,) openings, 0 closed to 1 open.
        stamp_s: Of the observation, as it was sent.
        dt_s: Time between points.
        targets: (V, S, S, 3) uint8 views as the policy painted them; None from a policy that paints none.
        round_trip_s: From question to answer.
        outward_s: Of it, from sending to arrival at the server; None until the clocks are known.
    """

    q_rad: np.ndarray
    gripper_open: np.ndarray
    stamp_s: float
    dt_s: float
    targets: np.ndarray | None
    round_trip_s: float
    outward_s: float | None


class PolicyClient:
    """A connection to `genima serve`.

    Attributes:
        metadata: What the server said of its policy: contract (the hash), policy (the contract itself, a mapping).
        clock_ahead_s: How much the server's clock is ahead of ours; None before the first answer.
    """

    def __init__(self, address: str, token: str = '', timeout_s: float = 5.0) -> None:
        """Connect.

        Args:
            address: ws://host:port or wss://host:port.
            token: Of the server, where it needs one.
            timeout_s: For connecting, and for each answer.

        Raises:
            ServerError: if there is no such server, or it refuses.
        """
        self._timeout_s = timeout_s
        self._connection = Connection(address, token, timeout_s, 'policy', 'is `genima serve` running')
        self._rounds: deque[tuple[float, float]] = deque(maxlen=ROUNDS_KEPT)  # duration, offset
        self.metadata = self._connection.greeting

    def infer(
        self,
        views: np.ndarray,
        q_rad: np.ndarray,
        gripper_open: float,
        instruction: str = '',
        stamp_s: float = 0.0,
        views_stamp_s: float | None = None,
        want_targets: bool = False,
    ) -> Answer:
        """Return what the arm should do.

        Args:
            views: (V, S, S, 3) uint8 RGB in the contract's order of cameras, prepared as it says.
            q_rad: (n,) measured joint positions in the contract's order [rad].
            gripper_open: Measured opening, 0 closed to 1 open.
            instruction: What to do; empty: the policy's own.
            stamp_s: Time of the joint positions, on any clock; the answer counts from it.
            views_stamp_s: Capture time of the views on the same clock; None: `stamp_s`.
            want_targets: Send the painted views along.

        Raises:
            ServerError: if the server refuses the question, or is lost.
        """
        question = {
            'type': 'infer',
            'contract': self.metadata['contract'],
            'views': np.ascontiguousarray(views),
            'q_rad': np.asarray(q_rad, dtype=np.float64),
            'gripper_open': float(gripper_open),
            'instruction': instruction,
            'stamp_s': float(stamp_s),
            'views_stamp_s': float(stamp_s if views_stamp_s is None else views_stamp_s),
            'want_targets': want_targets,
        }
        sent_s = time.time()
        answer = self._ask(question)
        arrived_s = time.time()
        self._learn(sent_s, arrived_s, answer)
        return self._answer(answer, sent_s, arrived_s)

    def reset(self) -> None:
        """Tell the policy that an episode begins."""
        self._ask({'type': 'reset'})

    @property
    def clock_ahead_s(self) -> float | None:
        """How much the server's clock is ahead of ours, from the fastest of the last round trips [s]."""
        return min(self._rounds)[1] if self._rounds else None

    @property
    def is_lost(self) -> bool:
        """Whether the connection has ended."""
        return self._connection.is_lost

    def close(self) -> None:
        """Say good-bye."""
        self._connection.close()

    def __enter__(self) -> PolicyClient:
        """Return the client."""
        return self

    def __exit__(self, *_: object) -> None:
        """Say good-bye."""
        self.close()

    def _ask(self, question: dict[str, Any]) -> dict[str, Any]:
        return self._connection.ask(question, self._timeout_s)

    def _learn(self, sent_s: float, arrived_s: float, answer: dict[str, Any]) -> None:
        received_s, replied_s = float(answer['received_s']), float(answer['replied_s'])
        travelled_s = (arrived_s - sent_s) - (replied_s - received_s)
        self._rounds.append((travelled_s, ((received_s - sent_s) + (replied_s - arrived_s)) / 2))

    def _answer(self, answer: dict[str, Any], sent_s: float, arrived_s: float) -> Answer:
        ahead_s = self.clock_ahead_s
        outward_s = None if ahead_s is None else float(answer['received_s']) - ahead_s - sent_s
        return Answer(
            np.asarray(answer['q_rad'], dtype=np.float64),
            np.asarray(answer['gripper_open'], dtype=np.float64),
            float(answer['stamp_s']),
            float(answer['dt_s']),
            answer.get('targets'),
            arrived_s - sent_s,
            outward_s,
        )
