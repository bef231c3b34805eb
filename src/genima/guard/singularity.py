# SPDX-License-Identifier: Apache-2.0
"""How fast joints may turn where the arm is nearly singular: there they turn far for little motion of the TCP, and may flip.

A TCP that moves at some speed in the worst direction needs joint speeds of up to that times the Frobenius norm of the
Jacobian's inverse. Below `NEAR` of its reciprocal, the speed that joints may have shrinks with it, down to a part at which
an arm can leave. The norm bounds the inverse of the smallest singular value from above, within a factor of √6.
Source: Yoshikawa 1985 (manipulability); Siciliano et al., Robotics (2009), 3.9. MoveIt Servo slows down likewise.
"""

import numpy as np

from genima.robots.kinematics import jacobian
from genima.robots.profile import RobotProfile

ARM_M = 0.5
"""A rotation of the TCP counts as the motion of a point so far away."""
NEAR = 0.08
"""Demonstrations of picking stay above 0.15 on all arms; of random positions a third is below this."""
LEAST_SHARE = 0.1
DAMPING = 1e-9


def dexterity(profile: RobotProfile, q_rad: np.ndarray) -> np.ndarray:
    """Return how far the TCP moves in its worst direction per turn of the joints at positions (..., n), at least [m/rad].

    It is the reciprocal of the Frobenius norm of the Jacobian's inverse, 0 at a singularity, times the arm of rotations.
    """
    J = jacobian(profile, q_rad)
    J[..., :3, :] /= ARM_M
    squares = J @ J.swapaxes(-1, -2) + DAMPING * np.eye(6)
    return ARM_M / np.sqrt(np.trace(np.linalg.inv(squares), axis1=-2, axis2=-1))


def too_fast(profile: RobotProfile, q_rad: np.ndarray, v_rad_s: np.ndarray) -> str | None:
    """Return which joint turns too fast for how nearly singular the arm is, or None.

    Args:
        profile: The robot.
        q_rad: Positions, (M, n).
        v_rad_s: Velocities there, (M, n).
    """
    shares = np.abs(v_rad_s) / profile.limits.velocity_rad_s
    fast = shares.max(axis=1) > LEAST_SHARE
    if not fast.any():
        return None
    q, shares = q_rad[fast], shares[fast]
    allowed = np.clip(dexterity(profile, q) / (NEAR * ARM_M), LEAST_SHARE, 1.0)
    over = shares - allowed[:, None]
    row, joint = np.unravel_index(int(over.argmax()), over.shape)
    if over[row, joint] <= 1e-9:
        return None
    limit = profile.limits.velocity_rad_s[joint]
    return (
        f'{profile.arm_joints[joint]} would turn at {shares[row, joint] * limit:.2f} rad/s where the arm is nearly singular,'
        f' {allowed[row] * limit:.2f} rad/s are allowed'
    )
