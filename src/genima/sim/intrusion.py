# SPDX-License-Identifier: Apache-2.0
"""How far commanded joints leave the workspace, or drive the robot into itself or into the table."""

import copy

import mujoco
import numpy as np

from genima.guard.workspace import Workspace
from genima.robots.profile import RobotProfile

WORKSPACE_TOLERANCE_M = 0.002
COLLISION_TOLERANCE_M = 0.001
TABLE = 'world'  # what does not move is one body


class IntrusionUsage:
    """Worst intrusion of a stream of commanded positions, by MuJoCo's own contacts, as a share of what is tolerated.

    The commanded pose is judged, not the measured one: a table that holds the arm back does not make a command good. The
    gripper may touch the table and itself, anything may touch the objects of the task; shapes of a profile that overlap at
    home do so by construction.

    Attributes:
        pair: The two bodies of the deepest contact so far; empty without one.
    """

    def __init__(
        self, profile: RobotProfile, model: mujoco.MjModel, workspace: Workspace | None = None
    ) -> None:
        """Watch the robot of a world's model; the default workspace is the guard's."""
        self._box = workspace or Workspace()
        self._model = touching_itself(model)
        self._data = mujoco.MjData(self._model)
        self._arm = np.array([self._model.joint(name).qposadr[0] for name in profile.arm_joints])
        self._fingers = np.array([self._model.joint(name).qposadr[0] for name in profile.gripper.joints], dtype=int)
        self._watched = [self._model.body(name).id for name in (profile.gripper.tcp_link, profile.elbow_link)]
        self._gripper = _gripper_bodies(profile, self._model)
        self._known: set[frozenset[int]] = set()
        self._pose(profile.home_rad, np.full(len(self._fingers), profile.gripper.open_m if len(self._fingers) else 0.0))
        self._known = {bodies for bodies, _ in self._contacts()}
        self.reset()

    def reset(self) -> None:
        """Forget everything."""
        self.pair = ''
        self._worst = {'workspace': 0.0, 'collision': 0.0}

    def add(self, q_rad: np.ndarray, finger_positions_m: np.ndarray) -> None:
        """Take commanded positions (n,) and the measured ones of the gripper's joints."""
        self._pose(q_rad, finger_positions_m)
        xyz = self._data.xpos[self._watched]
        outside_m = max(float((self._box.min_xyz_m - xyz).max()), float((xyz - self._box.max_xyz_m).max()))
        self._worst['workspace'] = max(self._worst['workspace'], outside_m / WORKSPACE_TOLERANCE_M)
        for bodies, depth_m in self._contacts():
            if depth_m > self._worst['collision'] * COLLISION_TOLERANCE_M:
                self._worst['collision'] = depth_m / COLLISION_TOLERANCE_M
                self.pair = ' and '.join(sorted(self._model.body(body).name for body in bodies)).replace(TABLE, 'table')

    def worst(self) -> dict[str, float]:
        """Return the worst shares so far: 1.0 is what is tolerated."""
        return dict(self._worst)

    def _pose(self, q_rad: np.ndarray, finger_positions_m: np.ndarray) -> None:
        self._data.qpos[self._arm], self._data.qpos[self._fingers] = q_rad, finger_positions_m
        mujoco.mj_kinematics(self._model, self._data)
        mujoco.mj_collision(self._model, self._data)

    def _contacts(self) -> list[tuple[frozenset[int], float]]:
        """Return bodies and depth [m] of each contact that counts."""
        if not self._data.ncon:
            return []
        contacts, found = self._data.contact, []
        for geoms, distance_m in zip(contacts.geom, contacts.dist, strict=True):
            bodies = frozenset(int(body) for body in self._model.geom_bodyid[geoms])
            if not (bodies <= self._gripper | {0} or bodies in self._known):
                found.append((bodies, -float(distance_m)))
        return found


def touching_itself(model: mujoco.MjModel) -> mujoco.MjModel:
    """Return a copy of a model in which the links touch each other, and nothing touches the objects of the task.

    MuJoCo leaves out the contacts of links that one joint connects.
    """
    model = copy.copy(model)
    loose = [joint for joint in range(model.njnt) if model.jnt_type[joint] == mujoco.mjtJoint.mjJNT_FREE]
    objects = set(model.jnt_bodyid[loose].tolist())
    links = [geom for geom in range(model.ngeom) if model.geom_bodyid[geom] not in objects | {0}]
    of_objects = [geom for geom in range(model.ngeom) if model.geom_bodyid[geom] in objects]
    model.geom_contype[links] = model.geom_conaffinity[links] = 1
    model.geom_contype[of_objects] = model.geom_conaffinity[of_objects] = 0
    model.body_contype[1:] = model.body_conaffinity[1:] = 1
    return model


def _gripper_bodies(profile: RobotProfile, model: mujoco.MjModel) -> set[int]:
    """Return what hangs on the last joint of the arm by fixed joints, and the fingers."""
    found: set[str] = set()
    wrist = next(link.name for link in profile.links if link.joint and link.joint.name == profile.arm_joints[-1])
    for link in profile.links:
        if link.parent in found or link.parent == wrist:
            found.add(link.name)
    return {model.body(name).id for name in found}
