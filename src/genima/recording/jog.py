# SPDX-License-Identifier: Apache-2.0
"""From the wish of a hand on the keys to chunks that the guard understands."""

import numpy as np

from genima.chunks.plan import Chunk
from genima.recording.keyboard import EXPIRE_S
from genima.robots.kinematics import solve_ik, tcp_pose
from genima.robots.profile import RobotProfile
from genima.robots.transforms import axis_generators, rotation_about

CONTRACT = 'teleoperation'
"""What chunks of a human or scripted operator carry in place of the hash of a policy's contract."""
DT_S = 0.1
STEPS = 20
LEASH_RAD = 0.15
IK_ITERATIONS = 8


def moved(T_base_tcp: np.ndarray, twist: np.ndarray, dt_s: float) -> np.ndarray:
    """Return a pose (4, 4) after `dt_s` of a twist (6,): velocity [m/s], and turn of the TCP on the spot [rad/s]."""
    T = T_base_tcp.copy()
    T[:3, 3] += twist[:3] * dt_s
    angle_rad = float(np.linalg.norm(twist[3:])) * dt_s
    if angle_rad > 0:
        axis = twist[3:] / np.linalg.norm(twist[3:])
        T[:3, :3] = rotation_about(axis_generators(axis), angle_rad) @ T[:3, :3]
    return T


class Jog:
    """Remembers where the arm is meant to be, so that it does not creep while nobody asks it to move.

    A chunk moves for as long as a key counts as pressed, and rests then: if nothing follows, the arm stops.

    Args:
        profile: The robot.
    """

    def __init__(self, profile: RobotProfile) -> None:
        self._profile = profile
        self._q_rad: np.ndarray | None = None
        self._T_base_tcp = np.eye(4)

    def chunk(self, stamp_s: float, q_rad: np.ndarray, twist: np.ndarray, gripper_open: float) -> Chunk:
        """Return the next chunk; call it every `DT_S`.

        Args:
            stamp_s: Time of the observation, ROS time [s].
            q_rad: Measured joint positions (n,).
            twist: Wanted motion (6,) in the base frame [m/s, rad/s].
            gripper_open: Wanted opening in [0, 1].
        """
        if self._q_rad is None or np.abs(self._q_rad - q_rad).max() > LEASH_RAD:  # the arm was held, or set elsewhere
            self._q_rad, self._T_base_tcp = np.array(q_rad, dtype=float), tcp_pose(self._profile, q_rad)
        rows = np.tile(self._q_rad, (STEPS, 1))
        if twist.any():
            T, q = self._T_base_tcp, self._q_rad
            for step in range(round(EXPIRE_S / DT_S)):
                T = moved(T, twist, DT_S)
                q = solve_ik(self._profile, T, q, iterations=IK_ITERATIONS)
                rows[step:] = q
                if step == 0:
                    self._q_rad, self._T_base_tcp = q, tcp_pose(self._profile, q)
        return Chunk(stamp_s, DT_S, rows, np.full(STEPS, float(gripper_open)))
