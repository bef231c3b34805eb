# SPDX-License-Identifier: Apache-2.0
"""The task `pick`: a red cube lies at a random pose on the table; lift it by 10 cm."""

from dataclasses import dataclass

import mujoco
import numpy as np


@dataclass(frozen=True)
class PickTask:
    """Where the cube may lie and what counts as success. Lengths in metres, angles in radians."""

    name: str = 'pick'
    instruction: str = 'pick up the red cube'
    cube_size_m: float = 0.04
    x_m: tuple[float, float] = (0.38, 0.62)
    y_m: tuple[float, float] = (-0.18, 0.18)
    yaw_rad: tuple[float, float] = (-np.pi / 4, np.pi / 4)
    lift_m: float = 0.10

    @property
    def rest_height_m(self) -> float:
        """Height of the cube's centre on the table."""
        return self.cube_size_m / 2

    def add_to(self, spec: mujoco.MjSpec) -> None:
        """Put the cube into the world."""
        body = spec.worldbody.add_body(name='cube', pos=[0.5, 0.0, self.rest_height_m])
        body.add_freejoint(name='cube_joint')
        body.add_geom(
            name='cube',
            type=mujoco.mjtGeom.mjGEOM_BOX,
            size=[self.cube_size_m / 2] * 3,
            rgba=[0.82, 0.07, 0.07, 1.0],
            mass=0.05,
            friction=[1.0, 0.02, 0.001],
            condim=4,
            solref=[0.005, 1.0],
            contype=2,
            conaffinity=1,
        )

    def sample(self, rng: np.random.Generator) -> np.ndarray:
        """Draw a cube pose: T_base_cube (4, 4) on the table."""
        x, y, yaw = (rng.uniform(*span) for span in (self.x_m, self.y_m, self.yaw_rad))
        T = np.eye(4)
        T[:2, :2] = [[np.cos(yaw), -np.sin(yaw)], [np.sin(yaw), np.cos(yaw)]]
        T[:3, 3] = x, y, self.rest_height_m
        return T

    def lifted_m(self, T_base_cube: np.ndarray) -> float:
        """Return how far the cube's centre is above its height at rest."""
        return float(T_base_cube[2, 3] - self.rest_height_m)

    def succeeded(self, T_base_cube: np.ndarray) -> bool:
        """Return whether the cube is lifted high enough."""
        return self.lifted_m(T_base_cube) >= self.lift_m
