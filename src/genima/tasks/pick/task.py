# SPDX-License-Identifier: Apache-2.0
"""A red cube lies at a random pose on the table; lift it by 10 cm."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from genima.robots.profile import RobotProfile
from genima.tasks.base import Floats, State, TaskObject
from genima.tasks.pick.expert import PickExpert

if TYPE_CHECKING:
    import mujoco

CUBE = 'cube'


@dataclass(frozen=True)
class Pick:
    """The task.

    Attributes:
        name: Of the task.
        instructions: What the arm is told.
        cube_size_m: Edge of the cube.
        x_m: Span in which the cube may lie; `y_m` and `yaw_rad` as well.
        lift_m: Height above its rest at which the cube counts as lifted.
        needs_gripper: It cannot be done without.
    """

    name: str = 'pick'
    instructions: tuple[str, ...] = ('pick up the red cube',)
    cube_size_m: float = 0.04
    x_m: tuple[float, float] = (0.38, 0.62)
    y_m: tuple[float, float] = (-0.18, 0.18)
    yaw_rad: tuple[float, float] = (-np.pi / 4, np.pi / 4)
    lift_m: float = 0.10
    needs_gripper: bool = True

    @property
    def rest_height_m(self) -> float:
        """Height of the cube's centre on the table."""
        return self.cube_size_m / 2

    @property
    def objects(self) -> tuple[TaskObject, ...]:
        """The cube."""
        return (TaskObject(CUBE, self.cube_size_m),)

    def build(self, scene: 'mujoco.MjSpec') -> None:
        """Put the cube into the world."""
        import mujoco

        body = scene.worldbody.add_body(name=CUBE, pos=[0.5, 0.0, self.rest_height_m])
        body.add_freejoint(name=f'{CUBE}_joint')
        body.add_geom(
            name=CUBE,
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

    def reset(self, rng: np.random.Generator) -> dict[str, Floats]:
        """Draw a pose of the cube on the table."""
        x, y, yaw = (rng.uniform(*span) for span in (self.x_m, self.y_m, self.yaw_rad))
        T = np.eye(4)
        T[:2, :2] = [[np.cos(yaw), -np.sin(yaw)], [np.sin(yaw), np.cos(yaw)]]
        T[:3, 3] = x, y, self.rest_height_m
        return {CUBE: T}

    def success(self, state: State) -> bool:
        """Return whether the cube is lifted high enough."""
        return self.measures(state)['lifted_m'] >= self.lift_m

    def measures(self, state: State) -> dict[str, float]:
        """Return how far the cube's centre is above its height at rest."""
        return {'lifted_m': float(state[CUBE][2, 3] - self.rest_height_m)}

    def expert(self, profile: RobotProfile) -> PickExpert:
        """Return who picks it up."""
        return PickExpert(profile, CUBE, self.cube_size_m)
