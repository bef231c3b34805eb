# SPDX-License-Identifier: Apache-2.0
"""A larger picture of the scene than the policy's cameras give, drawn afterwards from what was recorded."""

from collections.abc import Mapping

import mujoco
import numpy as np
from scipy.spatial.transform import Rotation

from genima.robots.profile import RobotProfile
from genima.sim import headless
from genima.sim.simulation import Simulation
from genima.tasks.base import Task


class Spectator:
    """Looks at a recorded scene from beside the table."""

    def __init__(self, profile: RobotProfile, task: Task, width_px: int = 480, height_px: int = 360) -> None:
        """Build a world of its own for the robot `profile` and a task."""
        headless.require_gl()
        self._simulation = Simulation(profile, render=False, task=task)
        self._renderer = mujoco.Renderer(self._simulation.model, height_px, width_px)
        self._camera = mujoco.MjvCamera()
        self._camera.lookat[:] = (0.35, 0.0, 0.25)
        self._camera.distance, self._camera.azimuth, self._camera.elevation = 1.6, 140.0, -22.0

    def render(self, q_rad: np.ndarray, gripper_open: float, poses: Mapping[str, np.ndarray]) -> np.ndarray:
        """Return (H, W, 3) uint8 of the arm at `q_rad` (n,) and objects at [x y z qx qy qz qw] in the base, by name."""
        self._simulation.show(q_rad, gripper_open, {name: _matrix(pose) for name, pose in poses.items()})
        self._renderer.update_scene(self._simulation.data, self._camera)
        return self._renderer.render()

    def close(self) -> None:
        """Free the renderer."""
        self._renderer.close()


def _matrix(pose: np.ndarray) -> np.ndarray:
    T = np.eye(4)
    T[:3, :3], T[:3, 3] = Rotation.from_quat(pose[3:]).as_matrix(), pose[:3]
    return T
