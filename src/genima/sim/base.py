# SPDX-License-Identifier: Apache-2.0
"""The door of simulators: what evaluation and collection ask of one, ours or another package's, here or elsewhere."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from genima.cameras.model import MountedCamera
from genima.robots.profile import RobotProfile
from genima.sim.trajectory_controller import TrajectoryController
from genima.tasks.base import Floats, State


@dataclass(frozen=True)
class Setup:
    """What is simulated.

    Attributes:
        profile: The robot.
        task: Name of the task; empty: the simulator's usual one.
        cameras: Each `front`, or `NAME=front` under another name, by commas; empty: all of the simulator.
        width_px: Of the images, and `height_px`.
    """

    profile: RobotProfile
    task: str = ''
    cameras: str = ''
    width_px: int = 128
    height_px: int = 128


class Simulator(Protocol):
    """One robot with one task, behind an emulated joint_trajectory_controller; a seed determines the whole reset.

    Attributes:
        software: Name and version, for reports.
        profile: The robot.
        cameras: By name, exactly as rendered.
        controller: Says at each moment where the arm shall be; trajectories are given to it.
        time_s: Simulated time since the reset.
        q_rad: (n,) measured joint positions.
        gripper_open: Measured opening, 0 closed to 1 open.
        can_place: Whether `place` is there.
    """

    @property
    def software(self) -> str: ...

    @property
    def profile(self) -> RobotProfile: ...

    @property
    def cameras(self) -> Mapping[str, MountedCamera]: ...

    @property
    def controller(self) -> TrajectoryController: ...

    @property
    def time_s(self) -> float: ...

    @property
    def q_rad(self) -> Floats: ...

    @property
    def gripper_open(self) -> float: ...

    @property
    def can_place(self) -> bool: ...

    def reset(self, seed: int) -> None:
        """Begin an episode at time 0, the gripper open."""

    def place(self, q_rad: Floats, gripper_open: float, state: State) -> None:
        """Put arm and objects somewhere, at rest and time 0."""

    def command_gripper(self, gripper_open: float) -> None:
        """Move the gripper to an opening in [0, 1] at its own speed."""

    def step_to(self, t_s: float) -> None:
        """Simulate until a time; the controller is asked each 2 ms."""

    def render(self) -> dict[str, NDArray[np.uint8]]:
        """Return what the cameras see now, (H, W, 3) RGB by name."""

    def state(self) -> dict[str, Floats]:
        """Return T_base_object (4, 4) of the objects, by name."""

    def success(self) -> bool:
        """Return whether the task is done."""

    def limit_usage(self) -> dict[str, float]:
        """Return the worst share of each limit that the commanded positions used since the reset."""

    def close(self) -> None:
        """Free what it holds."""
