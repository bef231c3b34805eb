# SPDX-License-Identifier: Apache-2.0
"""The bodies of the checker hold every point of the simulation's own collision geometry."""

import mujoco
import numpy as np
import pytest

from genima.collision.bodies import arm_frames, make_bodies
from genima.collision.distance import SEGMENTS, WORK, distance_m
from genima.robots.kinematics import link_poses
from genima.robots.profile import RobotProfile
from genima.sim.world import World


def _surface(kind: int, size: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Return points (N, 3) on a geom, in its frame."""
    points, around = rng.uniform(-1.0, 1.0, (40, 3)), rng.normal(size=(40, 3))
    around /= np.linalg.norm(around, axis=1, keepdims=True)
    if kind == mujoco.mjtGeom.mjGEOM_BOX:
        return np.sign(points) * size
    if kind == mujoco.mjtGeom.mjGEOM_SPHERE:
        return around * size[0]
    along = np.sign(points[:, 2:]) * [0.0, 0.0, size[1]]
    if kind == mujoco.mjtGeom.mjGEOM_CAPSULE:
        return around * size[0] + along
    flat = around * [1.0, 1.0, 0.0]
    return flat / np.linalg.norm(flat, axis=1, keepdims=True) * size[0] + along


@pytest.mark.parametrize('robot', ['panda', 'fr3', 'ur5e', 'yumi_left'])
@pytest.mark.parametrize('gripper_open', [0.0, 0.4, 1.0])
def test_every_point_of_the_models_geometry_is_inside(robot: str, gripper_open: float) -> None:
    profile, rng = RobotProfile.load(robot), np.random.default_rng(0)
    model = World(profile).model
    data = mujoco.MjData(model)
    q_rad = rng.uniform(-1.0, 1.0, profile.n_joints)
    for name, q in zip(profile.arm_joints, q_rad, strict=True):
        data.joint(name).qpos[0] = q
    for name in profile.gripper.joints:
        data.joint(name).qpos[0] = profile.gripper.position_m(gripper_open)
    mujoco.mj_kinematics(model, data)
    places = arm_frames(profile)[1]
    bodies = make_bodies(profile, places, ())
    poses, closed = link_poses(profile, q_rad, gripper_open), link_poses(profile, q_rad, 0.0)
    seen = 0
    for geom in range(model.ngeom):
        link = model.body(model.geom_bodyid[geom]).name
        if link not in poses:
            continue
        surface = _surface(model.geom_type[geom], model.geom_size[geom], rng)
        points = surface @ data.geom_xmat[geom].reshape(3, 3).T + data.geom_xpos[geom]
        T = places[link].T @ np.linalg.inv(closed[link])  # from the base to the frame of the joint that moves the link
        points = points @ T[:3, :3].T + T[:3, 3]
        own = [row for row, name in enumerate(bodies.names) if name == link]
        for point in points:
            assert min(_outside_m(bodies.arrays, row, point) for row in own) < 1e-5
        seen += 1
    assert seen == len(bodies.names)


def _outside_m(arrays: tuple[np.ndarray, ...], body: int, point: np.ndarray) -> float:
    """Return how far a point is from a body."""
    ball = point, np.zeros((SEGMENTS, 3)), np.array([0.0, 0.0, 1.0]), 0.0, 0.0
    both = (np.stack((array[body], each)) for array, each in zip(arrays, ball, strict=True))
    return float(distance_m(*both, 0, 1, np.inf, np.zeros((WORK, 3))))  # type: ignore[call-arg]
