# SPDX-License-Identifier: Apache-2.0
"""A policy beside the control loop, with the timing of the node graph: what is slow never blocks what is fast.

Ours paints beside the loop: a target image becomes usable some time after its views were taken, and the painter starts on
new views as soon as it is free, while the controller acts at every tick. Any other policy is asked as soon as it is free,
and its chunk becomes usable as much later.
"""

import time
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from genima.chunks.plan import Chunk
from genima.policy.local import LocalPolicy
from genima.policy.protocols import Observation, Policy

Timing = dict[str, list[float]]


class Actor(Protocol):
    """Sees every control tick, and has a chunk for it or not."""

    @property
    def target(self) -> np.ndarray | None:
        """The newest finished target views (V, S, S, 3); None where nothing is painted."""

    def tick(self, observation: Observation) -> Chunk | None:
        """Take what there is at a tick; return the chunk that is published at it."""


def actor_of(policy: Policy, latency_s: float, timing_ms: Timing, instruction: str = '') -> Actor:
    """Return who runs a policy.

    Args:
        policy: Ours, or any other.
        latency_s: From views to a usable target image, or to a usable chunk.
        timing_ms: Wall times are appended to it, by stage.
        instruction: What the policy is told; the contract's if empty.
    """
    said = instruction or policy.spec.instruction
    if isinstance(policy, LocalPolicy):
        return _Painting(policy, latency_s, timing_ms, said)
    return _Asking(policy, latency_s, timing_ms, said)


@dataclass
class _Target:
    stamp_s: float
    ready_s: float
    views: np.ndarray


class _Painting:
    """Painter and controller at their own rates; at most one image is being painted."""

    def __init__(self, policy: LocalPolicy, latency_s: float, timing_ms: Timing, instruction: str) -> None:
        self._policy, self._latency_s, self._timing_ms = policy, latency_s, timing_ms
        self._instruction = instruction
        self._in_work: _Target | None = None
        self._newest: _Target | None = None

    @property
    def target(self) -> np.ndarray | None:
        return None if self._newest is None else self._newest.views

    def tick(self, observation: Observation) -> Chunk | None:
        now_s, policy = observation.stamp_s, self._policy
        if self._in_work is not None and self._in_work.ready_s <= now_s + 1e-9:
            self._newest, self._in_work = self._in_work, None
        if self._in_work is None:
            started = time.perf_counter()
            painted = policy.painter.paint(observation.views, self._instruction)
            self._timing_ms['paint'].append(1e3 * (time.perf_counter() - started))
            self._in_work = _Target(now_s, now_s + self._latency_s, painted)
        if self._newest is None:
            return None
        started = time.perf_counter()
        chunk = policy.controller.act(
            self._newest.views,
            observation.q_rad,
            observation.gripper_open,
            now_s - self._newest.stamp_s,
            self._instruction,
            stamp_s=now_s,
        )
        self._timing_ms['act'].append(1e3 * (time.perf_counter() - started))
        return chunk


class _Asking:
    """A policy that answers an observation with a chunk; at most one question is open."""

    def __init__(self, policy: Policy, latency_s: float, timing_ms: Timing, instruction: str) -> None:
        self._policy, self._latency_s, self._timing_ms = policy, latency_s, timing_ms
        self._instruction = instruction
        self._in_work: tuple[float, Chunk] | None = None
        self.target: np.ndarray | None = None

    def tick(self, observation: Observation) -> Chunk | None:
        now_s, ready = observation.stamp_s, None
        if self._in_work is not None and self._in_work[0] <= now_s + 1e-9:
            ready, self._in_work = self._in_work[1], None
            self.target = self._policy.targets
        if self._in_work is None:
            started = time.perf_counter()
            chunk = self._policy.infer(observation, self._instruction)
            self._timing_ms['infer'].append(1e3 * (time.perf_counter() - started))
            self._in_work = now_s + self._latency_s, chunk
        return ready
