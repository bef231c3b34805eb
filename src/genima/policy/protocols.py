# SPDX-License-Identifier: Apache-2.0
"""What a policy promises to whoever runs it: evaluation, nodes and server."""

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from genima.chunks.plan import Chunk
from genima.contract.spec import PolicySpec


@dataclass(frozen=True)
class Observation:
    """What a policy answers to.

    Attributes:
        stamp_s: Time of the joint positions, ROS time [s].
        views: (V, S, S, 3) uint8 RGB in the contract's order, as `Preprocessor` makes them.
        views_stamp_s: Capture time of the views on the same clock [s].
        q_rad: (n,) measured joint positions in the contract's order.
        gripper_open: Measured opening, 0 closed to 1 open.
    """

    stamp_s: float
    views: NDArray[np.uint8]
    views_stamp_s: float
    q_rad: NDArray[np.float64]
    gripper_open: float


class Policy(Protocol):
    """A policy.

    `infer` returns a chunk with the observation's stamp, or raises a GenimaError that says why not; it never clamps what it
    wants, which is the guard's work.
    """

    @property
    def spec(self) -> PolicySpec:
        """The contract: robot, joints, cameras, views, chunk length, rate, instructions."""

    @property
    def targets(self) -> NDArray[np.uint8] | None:
        """The views (V, S, S, 3) uint8 that it painted for its last chunk; None from a policy that paints none."""

    def reset(self) -> None:
        """Forget the episode so far."""

    def infer(self, observation: Observation, instruction: str | None = None) -> Chunk:
        """Return what the arm should do; `instruction` None is the contract's."""
