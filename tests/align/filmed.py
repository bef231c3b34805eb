# SPDX-License-Identifier: Apache-2.0
"""A simulated camera films an arm that swings all its joints."""

from typing import NamedTuple

import mujoco
import numpy as np

from genima.align.joints import JointTrack
from genima.cameras.model import MountedCamera
from genima.robots.profile import RobotProfile
from genima.sim.simulation import Simulation

PANDA = RobotProfile.load('panda')
SIZE_PX = 128
DURATION_S = 7.0
KNOT_S = 0.02


class Motion(NamedTuple):
    """A camera's frames (T, H, W, 3) while the arm moves, and the joints."""

    camera: MountedCamera
    joints: JointTrack
    times_s: np.ndarray
    frames: np.ndarray


def motion_rad(start_rad: np.ndarray) -> np.ndarray:
    """Slow and faster swings of every joint, (T, 7), that grow within the first second."""
    times_s = np.arange(0.0, DURATION_S + 1.0, KNOT_S)
    rng = np.random.default_rng(0)
    size_rad = np.array([0.3, 0.16, 0.18, 0.18, 0.2, 0.2, 0.25])
    slow, fast = (np.sin(2 * np.pi * rng.uniform(*span, 7) * times_s[:, None]) for span in ((0.15, 0.4), (0.5, 0.9)))
    return start_rad + size_rad * (0.5 * slow + 0.35 * fast) * np.minimum(times_s, 1.0)[:, None]


def filmed(name: str) -> Motion:
    simulation = Simulation(PANDA, seed=3, render=False)
    q_rad = motion_rad(simulation.q_rad.copy())
    v_rad_s = np.gradient(q_rad, KNOT_S, axis=0)
    v_rad_s[-1] = 0.0
    simulation.controller.set_trajectory(0.0, 1e-4, KNOT_S * np.arange(1, len(q_rad)), q_rad[1:], v_rad_s[1:])
    renderer = mujoco.Renderer(simulation.model, SIZE_PX, SIZE_PX)
    renderer.scene.flags[mujoco.mjtRndFlag.mjRND_SHADOW] = False
    joints, times_s, frames = JointTrack(), [], []
    for tick in range(round(DURATION_S * 100)):  # joints at 100 Hz, a frame at most every 30 ms
        simulation.step_to(0.01 * tick)
        joints.add(PANDA.arm_joints, simulation.q_rad, simulation.time_s)
        if tick % 3 == 0:
            mujoco.mj_forward(simulation.model, simulation.data)  # a step leaves poses and pictures one step behind
            renderer.update_scene(simulation.data, camera=name)
            frames.append(renderer.render().copy())
            times_s.append(simulation.time_s)
    renderer.close()
    return Motion(simulation.cameras[name], joints, np.array(times_s), np.stack(frames))
