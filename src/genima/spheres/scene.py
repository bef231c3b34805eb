# SPDX-License-Identifier: Apache-2.0
"""The target scene: striped spheres on chosen links, at the pose the arm should have."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from genima.errors import GenimaError, ProfileError
from genima.robots.kinematics import link_poses
from genima.robots.profile import RobotProfile, SphereSpec
from genima.robots.same import own_link


@dataclass(frozen=True)
class Stripes:
    """Bands perpendicular to a sphere's local x axis; they show how the link is turned.

    Attributes:
        bands: number of bands from pole to pole; 1 gives a plain sphere.
        dark: factor on the colour of every second band, in [0, 1]; 0 is black as in the paper.
    """

    bands: int = 4
    dark: float = 0.45

    def __post_init__(self) -> None:
        if self.bands < 1 or not 0 <= self.dark <= 1:
            raise GenimaError(f'stripes: bands={self.bands}, dark={self.dark}; bands must be >= 1 and dark in [0, 1]')


@dataclass(frozen=True, eq=False)
class Sphere:
    """One sphere to draw.

    Attributes:
        name: name of the sphere, as in the profile.
        T_base_sphere: (4, 4) pose of the sphere's frame in the robot base.
        radius_m: radius.
        color_rgb: (3,) uint8.
    """

    name: str
    T_base_sphere: NDArray[np.float64]
    radius_m: float
    color_rgb: NDArray[np.uint8]


def gripper_is_open(gripper_open: float) -> bool:
    """Return which of its two colours a gripper sphere has at this opening (1 open, 0 closed)."""
    return gripper_open > 0.5


def target_scene(
    spheres: Sequence[SphereSpec], profile: RobotProfile, q_rad: ArrayLike, gripper_open: float
) -> list[Sphere]:
    """Return the spheres of the arm at joint positions `q_rad` (n,).

    Args:
        spheres: which spheres to draw (of the contract, or of the profile).
        profile: the robot.
        q_rad: (n,) joint positions that the spheres show.
        gripper_open: opening in [0, 1]; above 0.5 the gripper sphere has its colour for open.

    Raises:
        ProfileError: if a sphere sits on a link that the robot does not have.
    """
    poses = link_poses(profile, np.asarray(q_rad, dtype=np.float64))
    scene = []
    for spec in spheres:
        link = own_link(profile, spec.link)
        if link not in poses:
            links = ', '.join(poses)
            raise ProfileError(
                f"sphere '{spec.name}' sits on link '{spec.link}', which robot '{profile.name}' does not have; "
                f'links: {links}'
            )
        T = poses[link].copy()
        T[:3, 3] += T[:3, :3] @ np.asarray(spec.xyz_m, dtype=np.float64)
        scene.append(Sphere(spec.name, T, float(spec.radius_m), _color(spec, gripper_open)))
    return scene


def _color(spec: SphereSpec, gripper_open: float) -> NDArray[np.uint8]:
    if not spec.is_gripper:
        return np.array(spec.color_rgb, dtype=np.uint8)
    color = spec.color_open_rgb if gripper_is_open(gripper_open) else spec.color_closed_rgb
    return np.array(color, dtype=np.uint8)
