# SPDX-License-Identifier: Apache-2.0
"""A policy without networks, and a server of it."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import numpy as np

from genima.chunks.plan import Chunk
from genima.contract.spec import PolicySpec
from genima.errors import ContractError
from genima.policy.protocols import Observation, Policy
from genima.policy.server import PolicyServer
from genima.robots.profile import RobotProfile

PANDA = RobotProfile.load('panda')
SPEC = replace(PolicySpec.from_recipe('small', PANDA), cameras=('front', 'wrist'), hidden={}, view_size_px=16)


class Nodding:
    """Turns the first joint, further for a second instruction; knows no others."""

    def __init__(self, spec: PolicySpec = SPEC) -> None:
        self.spec = spec
        self.targets: np.ndarray | None = None
        self.asked: list[Observation] = []

    def reset(self) -> None:
        self.asked = []

    def infer(self, observation: Observation, instruction: str | None = None) -> Chunk:
        far = {self.spec.instruction: 0.01, 'nod': 0.02}
        text = instruction or self.spec.instruction
        if text == 'fall over':
            raise RuntimeError('fell over')
        if text not in far:
            raise ContractError(f'unknown instruction {text!r}; this policy knows {sorted(far)}')
        self.asked.append(observation)
        self.targets = 255 - observation.views
        steps = np.arange(1, self.spec.chunk_steps + 1)[:, None] * far[text]
        q_rad = observation.q_rad + steps * np.eye(len(observation.q_rad))[0]
        return Chunk(
            observation.stamp_s, 1 / self.spec.control_rate_hz, q_rad, np.full(len(steps), observation.gripper_open)
        )


@contextmanager
def served(policy: Policy, token: str = '') -> Iterator[str]:
    """Serve a policy at a free port; the address."""
    server = PolicyServer(policy, port=0, token=token)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f'ws://127.0.0.1:{server.port}'
    finally:
        server.close()
        thread.join(5)
        assert not thread.is_alive()
