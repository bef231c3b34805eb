# SPDX-License-Identifier: Apache-2.0
"""Contacts as MuJoCo finds them on the geometry of the simulation: the judge of the guard's own distances."""

import mujoco
import numpy as np

from genima.robots.profile import RobotProfile
from genima.sim.intrusion import touching_itself
from genima.sim.world import World


class MujocoContacts:
    """The simulated arm and its table, without the task's objects, in which links touch each other as well.

    Links that one arm joint connects do not count, nor those that none does: their shapes overlap at the joint. MuJoCo
    leaves out the same, but that it has links that hang on the world touch it.
    """

    def __init__(self, profile: RobotProfile) -> None:
        """Build the world."""
        self._profile = profile
        self._model = touching_itself(World(profile).model)
        self._data = mujoco.MjData(self._model)
        self._q_index = np.array([self._model.joint(name).qposadr[0] for name in profile.arm_joints])
        self._finger_index = np.array([self._model.joint(name).qposadr[0] for name in profile.gripper.joints], dtype=int)
        groups = _groups(profile)
        self._names = [self._model.body(body).name.replace('world', 'table') for body in self._model.geom_bodyid]
        self._group = [groups.get(name) for name in self._names]
        self._beside = {(parent, group) for group, parent in _parents(profile, groups).items()}

    def first(self, q_rad: np.ndarray, gripper_open: float = 1.0) -> tuple[int, str, str, float] | None:
        """Return the first of positions (N, n) at which two things penetrate, which, and how deep [m]; None: nowhere."""
        model, data = self._model, self._data
        data.qpos[self._finger_index] = self._profile.gripper.position_m(gripper_open)
        for row, q in enumerate(q_rad):
            data.qpos[self._q_index] = q
            mujoco.mj_kinematics(model, data)
            mujoco.mj_collision(model, data)
            if data.ncon == 0:
                continue
            for (one, other), depth in zip(data.contact.geom, data.contact.dist, strict=True):
                if depth < 0.0 and self._counts(one, other):
                    return row, self._names[one], self._names[other], float(-depth)
        return None

    def _counts(self, one: int, other: int) -> bool:
        a, b = self._group[one], self._group[other]
        if a is None or b is None:  # the table; the base stands on it
            return (a or b) != ''
        return a != b and (a, b) not in self._beside and (b, a) not in self._beside


def _groups(profile: RobotProfile) -> dict[str, str]:
    """Return the arm joint that moves each link, empty for those that none moves; fingers move with the hand."""
    groups: dict[str, str] = {}
    for link in profile.links:
        own = link.joint.name if link.joint and link.joint.name in profile.arm_joints else None
        groups[link.name] = own if own is not None else groups.get(link.parent or '', '')
    return groups


def _parents(profile: RobotProfile, groups: dict[str, str]) -> dict[str, str]:
    """Return the arm joint before each arm joint."""
    joints = {link.joint.name: link for link in profile.links if link.joint and link.joint.name in profile.arm_joints}
    return {name: groups[str(link.parent)] for name, link in joints.items()}
