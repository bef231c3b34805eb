# SPDX-License-Identifier: Apache-2.0
"""Forward and inverse kinematics: pure functions of (profile, q), batched over leading axes."""

from functools import lru_cache

import numpy as np

from genima.errors import LimitError
from genima.robots.profile import Link, RobotProfile
from genima.robots.transforms import rotation_about, rotation_vector

DAMPING = 2e-3
REST_GAIN = 0.1
LIMIT_MARGIN_RAD = 0.02


def link_poses(profile: RobotProfile, q_rad: np.ndarray, gripper_open: float = 1.0) -> dict[str, np.ndarray]:
    """Return T_base_link (..., 4, 4) of every link for arm positions q_rad (..., n) and a gripper opening in [0, 1]."""
    q = _checked(profile, q_rad)
    poses = {profile.base_link: np.broadcast_to(np.eye(4), (*q.shape[:-1], 4, 4))}
    for link in profile.links:
        if link.parent is not None:
            poses[link.name] = poses[link.parent] @ _motion(profile, link, q, gripper_open)
    return poses


def tcp_pose(profile: RobotProfile, q_rad: np.ndarray) -> np.ndarray:
    """Return T_base_tcp (..., 4, 4)."""
    q = _checked(profile, q_rad)
    T = np.broadcast_to(np.eye(4), (*q.shape[:-1], 4, 4))
    for link in _chain(profile, profile.gripper.tcp_link):
        T = T @ _motion(profile, link, q, 1.0)
    return T


def jacobian(profile: RobotProfile, q_rad: np.ndarray, link: str | None = None) -> np.ndarray:
    """Geometric Jacobian (..., 6, n) of a link's origin (default: the TCP): linear rows first, in base coordinates."""
    return _pose_and_jacobian(profile, _checked(profile, q_rad), link or profile.gripper.tcp_link)[1]


def solve_ik(
    profile: RobotProfile,
    T_base_tcp: np.ndarray,
    q_start: np.ndarray,
    rest_rad: np.ndarray | None = None,
    iterations: int = 100,
) -> np.ndarray:
    """Find q (n,) that brings the TCP to a pose, near `q_start`, by damped least squares.

    The redundancy is pulled towards `rest_rad` (default: home) in the null space of the Jacobian. Positions stay
    0.02 rad inside their limits. With few iterations this is one step of resolved-rate control; a pose that cannot be
    reached gives the closest found, so check `tcp_pose` where it matters.
    Source: Nakamura and Hanafusa 1986; Siciliano et al., Robotics (2009), 3.7.
    """
    rest = profile.home_rad if rest_rad is None else rest_rad
    low = profile.limits.position_min_rad + LIMIT_MARGIN_RAD
    high = profile.limits.position_max_rad - LIMIT_MARGIN_RAD
    q = np.clip(_checked(profile, q_start), low, high)
    identity = np.eye(profile.n_joints)
    for _ in range(iterations):
        T, J = _pose_and_jacobian(profile, q, profile.gripper.tcp_link)
        error = np.concatenate([T_base_tcp[:3, 3] - T[:3, 3], rotation_vector(T_base_tcp[:3, :3] @ T[:3, :3].T)])
        J_inverse = J.T @ np.linalg.inv(J @ J.T + DAMPING**2 * np.eye(6))
        step = J_inverse @ error + (identity - J_inverse @ J) @ (REST_GAIN * (rest - q))
        step *= min(1.0, 0.3 / max(float(np.abs(step).max()), 1e-9))
        q = np.clip(q + step, low, high)
        if float(np.abs(error).max()) < 1e-7 and float(np.abs(step).max()) < 1e-5:
            break
    return q


def _checked(profile: RobotProfile, q_rad: np.ndarray) -> np.ndarray:
    q = np.asarray(q_rad, dtype=float)
    if q.shape[-1:] != (profile.n_joints,):
        raise LimitError(f'{profile.name} has {profile.n_joints} arm joints; got positions of shape {q.shape}')
    return q


@lru_cache(maxsize=256)
def _chain(profile: RobotProfile, link: str) -> tuple[Link, ...]:
    return profile.chain(link)


@lru_cache(maxsize=64)
def _index(profile: RobotProfile) -> dict[str, int]:
    return {name: i for i, name in enumerate(profile.arm_joints)}


def _motion(profile: RobotProfile, link: Link, q: np.ndarray, gripper_open: float) -> np.ndarray:
    """Return T_parent_link (..., 4, 4)."""
    joint = link.joint
    assert joint is not None
    if joint.kind == 'fixed':
        return joint.T_parent_joint
    T = np.zeros((*q.shape[:-1], 4, 4))
    T[..., 3, 3] = 1.0
    if joint.kind == 'revolute':
        angle = q[..., _index(profile)[joint.name]]
        T[..., :3, :3] = joint.T_parent_joint[:3, :3] @ rotation_about(joint.generators, angle)
        T[..., :3, 3] = joint.xyz
    else:
        T[...] = joint.T_parent_joint
        T[..., :3, 3] += joint.T_parent_joint[:3, :3] @ joint.axis * profile.gripper.position_m(gripper_open)
    return T


def _pose_and_jacobian(profile: RobotProfile, q: np.ndarray, link: str) -> tuple[np.ndarray, np.ndarray]:
    T = np.broadcast_to(np.eye(4), (*q.shape[:-1], 4, 4))
    J = np.zeros((*q.shape[:-1], 6, profile.n_joints))
    columns, axes, origins = [], [], []
    for part in _chain(profile, link):
        T = T @ _motion(profile, part, q, 1.0)
        assert part.joint is not None
        if part.joint.kind == 'revolute':
            columns.append(_index(profile)[part.joint.name])
            axes.append(T[..., :3, :3] @ part.joint.axis)
            origins.append(T[..., :3, 3])
    axis, arm = np.stack(axes, axis=-2), T[..., None, :3, 3] - np.stack(origins, axis=-2)
    J[..., :3, columns] = np.cross(axis, arm).swapaxes(-1, -2)
    J[..., 3:, columns] = axis.swapaxes(-1, -2)
    return T, J
