# SPDX-License-Identifier: Apache-2.0
"""What a robot is: joints, limits, shapes, gripper, and the links that carry spheres. One YAML file per robot."""

import re
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

from genima.errors import ProfileError
from genima.robots.gripper import FALLBACK_DISTRIBUTION, Gripper
from genima.robots.transforms import axis_generators, transform


@dataclass(frozen=True, eq=False)
class BrakingLimits:
    """Velocity limits that shrink towards the ends of the range, arrays of shape (n,).

    Upwards a joint at q may move at sqrt(2 deceleration (max - q)) - offset, downwards likewise towards `min_rad`.
    """

    min_rad: np.ndarray
    max_rad: np.ndarray
    offset_rad_s: np.ndarray
    deceleration_rad_s2: np.ndarray
    source: str

    def speed_rad_s(self, distance_rad: np.ndarray) -> np.ndarray:
        """Return the speed allowed at a distance from the end that the joint moves towards."""
        fastest = np.sqrt(2 * self.deceleration_rad_s2 * np.maximum(distance_rad, 0.0)) - self.offset_rad_s
        return np.maximum(fastest, 0.0)


@dataclass(frozen=True, eq=False)
class JointLimits:
    """Limits of the arm joints, arrays of shape (n,), each with its source."""

    position_min_rad: np.ndarray
    position_max_rad: np.ndarray
    velocity_rad_s: np.ndarray
    acceleration_rad_s2: np.ndarray
    jerk_rad_s3: np.ndarray
    effort_nm: np.ndarray
    sources: dict[str, str]
    braking: BrakingLimits | None = None

    @property
    def source(self) -> str:
        """All sources as one text."""
        return '; '.join(sorted(set(self.sources.values())))

    def velocity_bounds_rad_s(self, q_rad: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return the lowest (not above 0) and the highest velocity allowed at positions `q_rad` (..., n)."""
        low = high = np.broadcast_to(self.velocity_rad_s, np.shape(q_rad))
        if self.braking is not None:
            low = np.minimum(low, self.braking.speed_rad_s(q_rad - self.braking.min_rad))
            high = np.minimum(high, self.braking.speed_rad_s(self.braking.max_rad - q_rad))
        return -low, high

    def velocity_share(self, q_rad: np.ndarray, v_rad_s: np.ndarray) -> np.ndarray:
        """Return velocities (..., n) as shares of what is allowed at positions (..., n), 1 = at the limit."""
        low, high = self.velocity_bounds_rad_s(q_rad)
        return np.abs(v_rad_s) / np.maximum(np.where(v_rad_s < 0, -low, high), 1e-6)


@dataclass(frozen=True, eq=False)
class Joint:
    """Connects a link to its parent: a fixed transform, then a motion about or along `axis`."""

    name: str
    kind: str  # 'revolute', 'prismatic' or 'fixed'
    axis: np.ndarray
    xyz: np.ndarray
    rpy: np.ndarray

    @cached_property
    def T_parent_joint(self) -> np.ndarray:
        """The joint's frame in the parent link at zero motion, (4, 4)."""
        return transform(self.xyz, self.rpy)

    @cached_property
    def generators(self) -> tuple[np.ndarray, np.ndarray]:
        """K and K @ K of Rodrigues' formula for the axis."""
        return axis_generators(self.axis)


@dataclass(frozen=True, eq=False)
class Shape:
    """A primitive on a link: capsule/cylinder [radius, length] along z, box [x, y, z], sphere [radius]; metres."""

    kind: str
    xyz: np.ndarray
    rpy: np.ndarray
    size: np.ndarray
    rgba: np.ndarray


@dataclass(frozen=True, eq=False)
class Link:
    """A rigid body. The base link has neither parent nor joint."""

    name: str
    parent: str | None
    joint: Joint | None
    mass_kg: float
    com_m: np.ndarray
    shapes: tuple[Shape, ...]


@dataclass(frozen=True)
class SphereSpec:
    """A sphere that the painter paints, at `xyz_m` in `link`. A gripper sphere changes colour with the gripper.

    With `radius_px` it has that radius in every view, however far away it is, and `radius_m` is its nominal size.
    """

    name: str
    link: str
    xyz_m: tuple[float, float, float]
    radius_m: float
    color_rgb: tuple[int, int, int] | None = None
    color_open_rgb: tuple[int, int, int] | None = None
    color_closed_rgb: tuple[int, int, int] | None = None
    radius_px: float | None = None

    @property
    def is_gripper(self) -> bool:
        """True when the colour tells whether the gripper is open."""
        return self.color_rgb is None

    def color(self, gripper_open: float) -> tuple[int, int, int]:
        """Return red, green, blue for a gripper opening in [0, 1]."""
        chosen = self.color_rgb or (self.color_open_rgb if gripper_open > 0.5 else self.color_closed_rgb)
        assert chosen is not None
        return chosen


@dataclass(frozen=True)
class DriverCondition:
    """Something that the robot's driver reports and that must hold before the arm may move.

    Attributes:
        topic: Where it is reported, and `type`, as package/msg/Name, and `field` of the message.
        allowed: Values with which the arm may move; any if empty.
        at_least: Smallest value with which it may.
        text: What is wrong otherwise, and what to do.
        source: Where this is documented.
    """

    topic: str
    type: str
    field: str
    allowed: tuple[bool | int, ...]
    at_least: float
    text: str
    source: str

    def holds(self, value: float) -> bool:
        """Return whether the arm may move with this value."""
        return (not self.allowed or value in self.allowed) and value >= self.at_least


@dataclass(frozen=True, eq=False)
class RobotProfile:
    """A robot as everything else in GENIMA sees it. `links` are ordered parent first; `arm_joints` is the order of q."""

    name: str
    base_link: str
    elbow_link: str
    links: tuple[Link, ...]
    arm_joints: tuple[str, ...]
    limits: JointLimits
    spheres: tuple[SphereSpec, ...]
    gripper: Gripper
    home_rad: np.ndarray
    controllers: dict[str, str]
    driver: tuple[DriverCondition, ...] = ()
    same_kinematics_as: str = ''  # a robot whose policies move this one as well; checked by `genima.robots.same`

    @property
    def n_joints(self) -> int:
        """Number of arm joints."""
        return len(self.arm_joints)

    @cached_property
    def link_by_name(self) -> dict[str, Link]:
        """Links by name."""
        return {link.name: link for link in self.links}

    def controller(self, distribution: str) -> str:
        """Return what its joint_trajectory_controller is called in a ROS distribution; one not listed is as Jazzy."""
        return self.controllers.get(distribution) or self.controllers[FALLBACK_DISTRIBUTION]

    def link(self, name: str) -> Link:
        """Return a link.

        Raises:
            ProfileError: if the robot has no such link.
        """
        from genima.errors import ProfileError

        if name not in self.link_by_name:
            raise ProfileError(f'robot {self.name} has no link {name!r}; it has {", ".join(self.link_by_name)}')
        return self.link_by_name[name]

    def chain(self, link_name: str) -> tuple[Link, ...]:
        """Return the links from the base's first child to `link_name`."""
        links: list[Link] = []
        link = self.link(link_name)
        while link.parent is not None:
            links.append(link)
            link = self.link(link.parent)
        return tuple(reversed(links))

    @classmethod
    def load(cls, name_or_path: str | Path) -> 'RobotProfile':
        """Read a profile by name (`config/robots/<name>.yaml`) or by path.

        Raises:
            ProfileError: if the file is missing or anything in it is unknown, missing or of the wrong shape.
        """
        from genima.robots.reading import load_profile

        return load_profile(name_or_path)

    @classmethod
    def named(cls, name: object) -> 'RobotProfile':
        """Read the profile of a name that stands in somebody's data, which never chooses a file of this computer.

        Raises:
            ProfileError: as `load` does, and if it is more than a name.
        """
        if not isinstance(name, str) or not re.fullmatch(r'[\w-]{1,80}', name):
            raise ProfileError(f'{str(name)[:80]!r} is no name of a robot profile (letters, digits, - and _)')
        return cls.load(name)
