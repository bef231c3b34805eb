# SPDX-License-Identifier: Apache-2.0
"""What it costs to have a policy behind the wire of `genima serve`: both sides by turns in one process, on loopback."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from genima.chunks.plan import Chunk
from genima.contract.spec import PolicySpec
from genima.policy.local import LocalPolicy
from genima.policy.protocols import Observation, Policy
from genima.policy.remote import RemotePolicy
from genima.policy.server import PolicyServer


class Ready:
    """A policy that has its answer already: what is left is the wire.

    Attributes:
        spec: The contract of the policy that gave the answer.
        targets: None, it paints nothing.
    """

    def __init__(self, spec: PolicySpec, chunk: Chunk) -> None:
        self.spec, self.targets, self._chunk = spec, None, chunk

    def reset(self) -> None:
        """Do nothing."""

    def infer(self, observation: Observation, instruction: str | None = None) -> Chunk:
        """Return the answer."""
        return self._chunk


def measure(policy: Path | str, rounds: int, wire_rounds: int, device: str = 'cpu') -> dict[str, dict[str, float]]:
    """Ask a policy here and behind a server, by turns, and an answer without networks behind a server.

    Returns:
        {side: {p50, p95, p99, max}} in milliseconds; sides are `here`, `served`, `wire alone`.
    """
    here = LocalPolicy.load(policy, device)
    size, views = here.spec.view_size_px, len(here.spec.cameras)
    pixels = np.random.default_rng(0).integers(0, 256, (views, size, size, 3), dtype=np.uint8)
    observation = Observation(1.0, pixels, 1.0, here.profile.home_rad, 1.0)
    chunk = here.infer(observation)
    with _served(here) as served, _served(Ready(here.spec, chunk)) as wire:
        times: dict[str, list[float]] = {'here': [], 'served': [], 'wire alone': []}
        for _ in range(rounds):
            times['here'].append(_time_s(lambda: here.infer(observation)))
            times['served'].append(_time_s(lambda: served.infer(observation)))
        times['wire alone'] = [_time_s(lambda: wire.infer(observation)) for _ in range(wire_rounds)]
    return {side: _summary(1000.0 * np.array(values)) for side, values in times.items()}


@contextmanager
def _served(policy: Policy) -> Iterator[RemotePolicy]:
    server = PolicyServer(policy, port=0)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    client = RemotePolicy(f'ws://127.0.0.1:{server.port}')
    try:
        yield client
    finally:
        client.close()
        server.close()


def _time_s(call: Callable[[], object]) -> float:
    begun = time.perf_counter()
    call()
    return time.perf_counter() - begun


def _summary(times_ms: NDArray[np.float64]) -> dict[str, float]:
    p50, p95, p99 = np.percentile(times_ms, (50, 95, 99)).tolist()
    return {'p50': p50, 'p95': p95, 'p99': p99, 'max': float(times_ms.max())}
