# SPDX-License-Identifier: Apache-2.0
"""The simulated world under an arm that somebody else moves: fingers and objects obey physics, the arm what is measured."""

import numpy as np

from genima.sim.simulation import Simulation
from genima.tasks.base import State

LONGEST_GAP_S = 0.5  # a gap is not replayed step by step


class _Line:
    """Stands where the simulation has its trajectory controller: a straight line between two measurements."""

    def __init__(self, t_s: float, q_rad: np.ndarray) -> None:
        self.t_s, self.q_rad, self.v_rad_s = t_s, q_rad, np.zeros_like(q_rad)

    def sample(self, t_s: float) -> tuple[np.ndarray, np.ndarray]:
        return self.q_rad + (t_s - self.t_s) * self.v_rad_s, self.v_rad_s

    def reset(self, q_rad: np.ndarray) -> None:
        self.q_rad, self.v_rad_s = q_rad, np.zeros_like(q_rad)


class Followed:
    """Lets a simulation follow measured positions.

    Args:
        simulation: from now on moved by `follow` only.
    """

    def __init__(self, simulation: Simulation) -> None:
        self._simulation = simulation
        self._origin_s = 0.0

    def begin(self, stamp_s: float, q_rad: np.ndarray, gripper_open: float, state: State) -> None:
        """Set the scene at a time; arguments as in `Simulation.place`."""
        self._line = _Line(0.0, np.array(q_rad, dtype=float))
        self._simulation.controller = self._line  # type: ignore[assignment]
        self._simulation.place(q_rad, gripper_open, state)
        self._origin_s = stamp_s

    def follow(self, stamp_s: float, q_rad: np.ndarray) -> None:
        """Run the physics until a measurement (n,), on a straight line from the last one."""
        line, t_s = self._line, stamp_s - self._origin_s
        if t_s <= line.t_s:
            return
        if t_s - line.t_s > LONGEST_GAP_S:
            self._origin_s += t_s - line.t_s - LONGEST_GAP_S
            t_s = line.t_s + LONGEST_GAP_S
        line.v_rad_s = (q_rad - line.q_rad) / (t_s - line.t_s)
        self._simulation.step_to(t_s)
        line.t_s, line.q_rad = t_s, np.array(q_rad, dtype=float)
