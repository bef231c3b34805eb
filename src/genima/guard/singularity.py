# SPDX-License-Identifier: Apache-2.0
"""How fast joints may turn where the arm is nearly singular: there they turn far for little motion of the TCP, and may flip.

A TCP that moves at some speed in the worst direction needs joint speeds of up to that times the Frobenius norm of the
Jacobian's inverse. Below `NEAR` of its reciprocal, the speed that joints may have shrinks with it, down to a part at which
an arm can leave. The norm bounds the inverse of the smallest singular value from above, within a factor of √6.
Source: Yoshikawa 1985 (manipulability); Siciliano et al., Robotics (2009), 3.9. MoveIt Servo slows down likewise.
"""

from functools import lru_cache

import numpy as np

from genima.collision.bodies import arm_frames
from genima.collision.motion import FrameArrays, place
from genima.compiled import compiled
from genima.robots.profile import RobotProfile

ARM_M = 0.5
"""A rotation of the TCP counts as the motion of a point so far away."""
NEAR = 0.08
"""Demonstrations of picking stay above 0.15 on all arms; of random positions a third is below this."""
LEAST_SHARE = 0.1
DAMPING = 1e-9


def dexterity(profile: RobotProfile, q_rad: np.ndarray) -> np.ndarray:
    """Return how far the TCP moves in its worst direction per turn of the joints at positions (M, n), at least (M,).

    It is the reciprocal of the Frobenius norm of the inverse of the Jacobian whose linear rows are in units of `ARM_M`;
    0 at a singularity.
    """
    frames, moved, tcp_frame, tcp_m = _tcp(profile)
    return _dexterity(np.array(q_rad, dtype=float, order='C'), frames, moved, tcp_frame, tcp_m)


def too_fast(profile: RobotProfile, q_rad: np.ndarray, v_rad_s: np.ndarray) -> str | None:
    """Return which joint turns too fast for how nearly singular the arm is, or None.

    Args:
        profile: The robot.
        q_rad: Positions, (M, n).
        v_rad_s: Velocities there, (M, n).
    """
    shares = np.abs(v_rad_s) / profile.limits.velocity_rad_s
    allowed = np.clip(dexterity(profile, q_rad) / NEAR, LEAST_SHARE, 1.0)
    over = shares - allowed[:, None]
    row, joint = np.unravel_index(int(over.argmax()), over.shape)
    if over[row, joint] <= 1e-9:
        return None
    limit = profile.limits.velocity_rad_s[joint]
    return (
        f'{profile.arm_joints[joint]} would turn at {shares[row, joint] * limit:.2f} rad/s where the arm is nearly singular,'
        f' {allowed[row] * limit:.2f} rad/s are allowed'
    )


@lru_cache(maxsize=8)
def _tcp(profile: RobotProfile) -> tuple[FrameArrays, np.ndarray, int, np.ndarray]:
    """Return the frames of an arm, those that move the TCP, the last of them, and where the TCP is in it, (3,)."""
    frames, places = arm_frames(profile)
    tcp = places[profile.gripper.tcp_link]
    return frames.arrays, np.array(frames.path(tcp.frame), dtype=int), tcp.frame, tcp.T[:3, 3].copy()


@compiled()
def _dexterity(
    q_rad: np.ndarray, frames: FrameArrays, moved: np.ndarray, tcp_frame: int, tcp_m: np.ndarray
) -> np.ndarray:
    axis = frames[4]
    count = len(frames[1])
    R, p = np.empty((count, 3, 3)), np.empty((count, 3))
    found, column, arm = np.empty(len(q_rad)), np.empty(6), np.empty(3)
    for row in range(len(q_rad)):
        place(q_rad[row], frames, R, p)
        squares = DAMPING * np.eye(6)
        for frame in moved:
            for i in range(3):
                column[3 + i], arm[i] = 0.0, p[tcp_frame, i] - p[frame, i]
                for j in range(3):
                    column[3 + i] += R[frame, i, j] * axis[frame, j]
                    arm[i] += R[tcp_frame, i, j] * tcp_m[j]
            column[0] = (column[4] * arm[2] - column[5] * arm[1]) / ARM_M
            column[1] = (column[5] * arm[0] - column[3] * arm[2]) / ARM_M
            column[2] = (column[3] * arm[1] - column[4] * arm[0]) / ARM_M
            for i in range(6):
                for j in range(6):
                    squares[i, j] += column[i] * column[j]
        found[row] = 1.0 / np.sqrt(_trace_of_inverse(squares))
    return found


@compiled()
def _trace_of_inverse(squares: np.ndarray) -> float:
    """Return the trace of the inverse of a positive definite matrix (6, 6): the squares of its inverse Cholesky root."""
    root, inverse, trace = np.zeros((6, 6)), np.zeros((6, 6)), 0.0
    for i in range(6):
        for j in range(i + 1):
            rest = squares[i, j]
            for k in range(j):
                rest -= root[i, k] * root[j, k]
            root[i, j] = np.sqrt(max(rest, 1e-18)) if i == j else rest / root[j, j]
    for column in range(6):
        for i in range(column, 6):
            rest = 1.0 if i == column else 0.0
            for k in range(column, i):
                rest -= root[i, k] * inverse[k, column]
            inverse[i, column] = rest / root[i, i]
            trace += inverse[i, column] ** 2
    return trace
