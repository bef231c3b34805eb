# SPDX-License-Identifier: Apache-2.0
"""What a task promises to simulation, collection, training and nodes; nothing outside of its folder knows more of it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np
from numpy.typing import NDArray

from genima.robots.profile import RobotProfile

if TYPE_CHECKING:
    import mujoco

Floats = NDArray[np.float64]
State = Mapping[str, Floats]
"""T_base_object (4, 4) of each object of a task, by name."""

RATE_HZ = 10.0
"""Steps of an expert per second."""
DOWN = np.diag([1.0, -1.0, -1.0])
"""Orientation of a gripper that looks down and opens its fingers along y."""


@dataclass(frozen=True)
class TaskObject:
    """An object that can be moved.

    Attributes:
        name: Of its body, of its geom and of its tf frame.
        size_m: Edge of the box around it.
    """

    name: str
    size_m: float


class Expert(Protocol):
    """Does a task from any state, without memory, so that it can take over anywhere and shows how to recover."""

    def rollout(self, q_rad: Floats, gripper_open: float, state: State, steps: int) -> tuple[Floats, Floats, Floats]:
        """Return the next `steps` steps at `RATE_HZ`, by a kinematic model.

        Args:
            q_rad: (n,) joint positions now.
            gripper_open: Opening now, 0 closed to 1 open.
            state: Poses of the objects.
            steps: How many.

        Returns:
            Joint targets (steps, n), gripper commands (steps,) and the openings (steps,) that follow from them.
        """


class Task(Protocol):
    """A task. Its first object is the one that is handled: near it demonstrations begin, and an operator puts it back.

    Attributes:
        name: As contracts and episodes have it.
        instructions: What the arm is told; the first is the usual one.
        objects: What lies on the table, the handled object first.
        needs_gripper: Whether it takes a gripper that opens and closes; a robot without one is refused then.
    """

    @property
    def name(self) -> str: ...

    @property
    def instructions(self) -> tuple[str, ...]: ...

    @property
    def objects(self) -> tuple[TaskObject, ...]: ...

    @property
    def needs_gripper(self) -> bool: ...

    def build(self, scene: 'mujoco.MjSpec') -> None:
        """Add the objects to a world with a table whose top is z = 0: bodies of their names with a free joint each."""

    def reset(self, rng: np.random.Generator) -> dict[str, Floats]:
        """Draw a start: the pose of each object."""

    def success(self, state: State) -> bool:
        """Return whether the task is done."""

    def measures(self, state: State) -> dict[str, float]:
        """Return figures of how it stands, by name with unit, such as `lifted_m`."""

    def expert(self, profile: RobotProfile) -> Expert:
        """Return who demonstrates it with a robot."""
