# SPDX-License-Identifier: Apache-2.0
"""What a simulated camera would see, and how far away it is, from a place where it does not stand."""

from genima.sim import headless  # isort: skip  # chooses the OpenGL before mujoco is imported

import mujoco
import numpy as np

from genima.cameras.model import MountedCamera
from genima.robots.profile import RobotProfile
from genima.robots.transforms import quaternion_xyzw, transform
from genima.sim.world import World

NOWHERE = transform(np.array([5.0, 5.0, -0.6]), np.zeros(3))  # of the objects, out of sight


class PlacedCamera:
    """Renders square pictures of a still robot from anywhere.

    Args:
        profile: The robot.
        camera: Name of the camera of the world whose lens is used; it stands on the base.
        size_px: Edge of the pictures.

    Raises:
        GenimaError: if no OpenGL library is installed.
    """

    def __init__(self, profile: RobotProfile, camera: str, size_px: int) -> None:
        headless.require_gl()
        self._world = World(profile, width_px=size_px, height_px=size_px)
        self._model, self._name = self._world.model, camera
        self._data = mujoco.MjData(self._model)
        self._pictures = mujoco.Renderer(self._model, size_px, size_px)
        self._depths = mujoco.Renderer(self._model, size_px, size_px)
        self._depths.enable_depth_rendering()
        self._profile = profile

    def at(self, T_base_camera: np.ndarray) -> MountedCamera:
        """Put the camera somewhere, and return it with its calibration."""
        x, y, z, w = quaternion_xyzw(T_base_camera[:3, :3] @ np.diag([1.0, -1.0, -1.0]))
        index = self._model.camera(self._name).id
        self._model.cam_pos[index], self._model.cam_quat[index] = T_base_camera[:3, 3], (w, x, y, z)
        return MountedCamera(self._world.cameras[self._name].model, self._profile.base_link, T_base_camera)

    def see(self, q_rad: np.ndarray, gripper_open: float) -> tuple[np.ndarray, np.ndarray]:
        """Return the picture (S, S, 3) uint8, and depths (S, S) along the optical axis [m], of the arm at `q_rad` (n,)."""
        gripper = self._profile.gripper
        for name, position in zip(self._profile.arm_joints, q_rad, strict=True):
            self._data.joint(name).qpos[0] = position
        for name in gripper.joints:
            self._data.joint(name).qpos[0] = gripper.position_m(gripper_open)
        self._world.place_objects(self._data, dict.fromkeys(self._world.object_index, NOWHERE))
        mujoco.mj_forward(self._model, self._data)
        seen = []
        for renderer in (self._pictures, self._depths):
            renderer.update_scene(self._data, camera=self._name)
            seen.append(renderer.render().copy())
        return seen[0], seen[1]

    def close(self) -> None:
        """Free the renderers."""
        self._pictures.close()
        self._depths.close()
