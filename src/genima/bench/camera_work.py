# SPDX-License-Identifier: Apache-2.0
"""An arm that works in front of simulated cameras which somebody may bump, in light that changes a little."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from genima.camera_checks.pictures import Sight
from genima.randomize.photometric import Light, relight
from genima.robots.kinematics import solve_ik, tcp_pose
from genima.robots.profile import RobotProfile
from genima.robots.transforms import axis_generators, quaternion_xyzw, rotation_about, transform
from genima.sim.simulation import Simulation
from genima.tasks.base import DOWN

Floats = NDArray[np.float64]

REGION_M = np.array([[0.35, -0.22, 0.08], [0.62, 0.22, 0.40]])
MOVE_S = (1.5, 3.0)
REST_S = 0.6
GRASP_M, GRASP_RAD = 0.006, 0.3  # how far an object is held from the middle of the fingers, and turned between them, at most
NOISE_GREY = 1.5  # of each pixel and channel, standard deviation
NOISE_PICTURES = 8
BRIGHTNESS, TEMPERATURE_K = (0.85, 1.0), (5800.0, 6500.0)
LIGHT_PERIOD_S = 40.0


@dataclass(frozen=True)
class Bump:
    """How a camera is moved: a shift [m] and a rotation vector [rad], both in its optical frame."""

    shift_m: tuple[float, float, float] = (0.0, 0.0, 0.0)
    turn_rad: tuple[float, float, float] = (0.0, 0.0, 0.0)

    @classmethod
    def draw(cls, rng: np.random.Generator, shift_m: float, turn_rad: float) -> 'Bump':
        """Draw directions; the sizes are given."""
        shift, turn = (vector / np.linalg.norm(vector) for vector in rng.normal(size=(2, 3)))
        return cls.of(shift_m * shift, turn_rad * turn)

    @classmethod
    def of(cls, shift_m: Floats, turn_rad: Floats) -> 'Bump':
        """Return the bump with this shift (3,) and this rotation vector (3,)."""
        (x_m, y_m, z_m), (x_rad, y_rad, z_rad) = shift_m.tolist(), turn_rad.tolist()
        return cls((x_m, y_m, z_m), (x_rad, y_rad, z_rad))


class WorkingArm:
    """Carries an object from place to place, seen by all cameras; a seed determines everything.

    Args:
        robot: profile name or file.
        width_px: of the pictures.
        height_px: of the pictures.
        seed: of places, light and noise.
    """

    def __init__(self, robot: str, width_px: int, height_px: int, seed: int) -> None:
        self.profile = RobotProfile.load(robot)
        self._simulation = Simulation(self.profile, seed, width_px=width_px, height_px=height_px)
        self._rng = np.random.default_rng([seed, 5])
        self._noise = self._rng.normal(0.0, NOISE_GREY, (NOISE_PICTURES, height_px, width_px, 3)).astype(np.float32)
        self._phase = self._rng.uniform(0, 2 * np.pi, 2)
        self._from_rad = self._to_rad = self.profile.home_rad
        self._begin_s, self._end_s = -1.0, 0.0  # it has just arrived
        self._carries = False
        self._T_tcp_object, self._T_base_object = np.eye(4), transform(np.array([0.5, 0.0, 0.025]), np.zeros(3))
        self._object = self._simulation.task.objects[0]
        self._held_opening = self._object.size_m / 2 / self.profile.gripper.open_m

    @property
    def cameras(self) -> tuple[str, ...]:
        """Names of the cameras."""
        return tuple(self._simulation.cameras)

    def close(self) -> None:
        """Free the renderer."""
        self._simulation.close()

    def bump(self, camera: str, bump: Bump) -> None:
        """Move a camera away from where it is calibrated; with no motion, put it back."""
        model, mounted = self._simulation.model, self._simulation.cameras[camera]
        R, index = mounted.T_parent_camera[:3, :3], model.camera(camera).id
        model.cam_pos[index] = mounted.T_parent_camera[:3, 3] + R @ np.array(bump.shift_m)
        # MuJoCo's cameras look along -z with y up
        turned = R @ Rotation.from_rotvec(bump.turn_rad).as_matrix() @ np.diag([1.0, -1.0, -1.0])
        x, y, z, w = quaternion_xyzw(turned)
        model.cam_quat[index] = w, x, y, z

    def sights(self, t_s: float, cameras: tuple[str, ...] = ()) -> dict[str, Sight]:
        """Return what cameras (all if none is named) see at a time [s]; times must not go back."""
        q_rad = self._joints_rad(t_s)
        gripper_open = self._held_opening if self._carries else 1.0
        simulation = self._simulation
        simulation.show(q_rad, gripper_open, {self._object.name: self._T_base_object})
        light = self._light(t_s)
        sights = {}
        for name in cameras or self.cameras:
            picture = relight(simulation.render_one(name), light)
            noise = np.roll(self._noise[self._rng.integers(NOISE_PICTURES)], self._rng.integers(picture.shape[0]), axis=0)
            noisy = np.clip(picture + noise, 0, 255).astype(np.uint8)
            sights[name] = Sight(t_s, noisy, simulation.cameras[name], q_rad.copy(), gripper_open)
        return sights

    def _joints_rad(self, t_s: float) -> Floats:
        while t_s >= self._end_s + REST_S:
            self._go_on()
        share = np.clip((t_s - self._begin_s) / (self._end_s - self._begin_s), 0.0, 1.0)
        q_rad = self._from_rad + (self._to_rad - self._from_rad) * (1 - np.cos(np.pi * share)) / 2
        if self._carries:
            self._T_base_object = tcp_pose(self.profile, q_rad) @ self._T_tcp_object
        return np.asarray(q_rad, dtype=np.float64)

    def _go_on(self) -> None:
        """Take or leave the object, and choose where to go next."""
        self._carries = not self._carries
        if self._carries:
            x_m, z_m = self._rng.uniform(-GRASP_M, GRASP_M, 2)
            turned_rad = self._rng.uniform(-GRASP_RAD, GRASP_RAD)
            self._T_tcp_object = transform(np.array([x_m, 0.0, z_m]), np.array([0.0, turned_rad, 0.0]))
        else:
            self._T_base_object = transform(np.array([*self._T_base_object[:2, 3], 0.025]), np.zeros(3))
        T = np.eye(4)
        turn, tilt = self._rng.uniform(-0.7, 0.7), self._rng.uniform(-0.15, 0.15)
        vertical, sideways = (axis_generators(np.eye(3)[axis]) for axis in (2, 1))
        T[:3, :3] = rotation_about(vertical, turn) @ rotation_about(sideways, tilt) @ DOWN
        T[:3, 3] = self._rng.uniform(*REGION_M)
        self._from_rad, self._to_rad = self._to_rad, solve_ik(self.profile, T, self.profile.home_rad, iterations=40)
        self._begin_s = self._end_s + REST_S
        self._end_s = self._begin_s + float(self._rng.uniform(*MOVE_S))

    def _light(self, t_s: float) -> Light:
        wave = (1 + np.sin(2 * np.pi * t_s / LIGHT_PERIOD_S / np.array([1.0, 1.7]) + self._phase)) / 2
        levels = (low + (high - low) * share for (low, high), share in zip((BRIGHTNESS, TEMPERATURE_K), wave, strict=True))
        return Light(*(round(float(level), digits) for level, digits in zip(levels, (2, -2), strict=True)))
