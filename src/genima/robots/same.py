# SPDX-License-Identifier: Apache-2.0
"""Whether two robots have the same kinematics, so that a policy of one moves the other: Panda and FR3, for example."""

from functools import lru_cache

import numpy as np

from genima.errors import ProfileError
from genima.robots.profile import Link, RobotProfile

TOLERANCE = 1e-9


def differences(a: RobotProfile, b: RobotProfile) -> list[str]:
    """Return in what the kinematics of two robots differ; nothing when a policy cannot tell them apart.

    Compared are the transforms of all joints from base to TCP in order, to 1e-9, the stroke of the gripper, and the
    spheres with the places of their links. Names and limits may differ: the guard keeps to the limits of the robot.
    """
    chain_a, chain_b = a.chain(a.gripper.tcp_link), b.chain(b.gripper.tcp_link)
    if a.n_joints != b.n_joints or len(chain_a) != len(chain_b):
        return [f'{a.name} has {a.n_joints} joints and {len(chain_a)} links, {b.name} {b.n_joints} and {len(chain_b)}']
    pairs = list(zip(chain_a, chain_b, strict=True))
    found = [f'{one.name} and {other.name} are placed differently' for one, other in pairs if not _same(one, other)]
    order_a, order_b = (_order(profile, chain) for profile, chain in ((a, chain_a), (b, chain_b)))
    if order_a != order_b:
        found.append('the joints are in another order')
    if (a.gripper.open_m, a.gripper.closed_m) != (b.gripper.open_m, b.gripper.closed_m):
        found.append('the grippers have other strokes')
    places = {a.base_link: b.base_link, **{one.name: other.name for one, other in pairs}}
    for one_sphere in a.spheres:
        wanted = (one_sphere.name, places.get(one_sphere.link), one_sphere.xyz_m, one_sphere.radius_m)
        if wanted not in [(each.name, each.link, each.xyz_m, each.radius_m) for each in b.spheres]:
            found.append(f'sphere {one_sphere.name} is elsewhere')
    return found


@lru_cache(maxsize=32)
def own_links(profile: RobotProfile) -> dict[str, str]:
    """Return the names of links of the robot that this one says it equals, each with the own link that corresponds.

    Empty where the profile names no other robot.

    Raises:
        ProfileError: if the two are not the same after all; names the first difference.
    """
    if not profile.same_kinematics_as:
        return {}
    other = RobotProfile.load(profile.same_kinematics_as)
    found = differences(other, profile)
    if found:
        raise ProfileError(
            f'robot {profile.name} says same_kinematics_as: {other.name}, but {found[0]}; take that line out of its profile'
        )
    own, theirs = profile.chain(profile.gripper.tcp_link), other.chain(other.gripper.tcp_link)
    return {other.base_link: profile.base_link, **{link.name: mine.name for link, mine in zip(theirs, own, strict=True)}}


def own_link(profile: RobotProfile, name: str) -> str:
    """Return what a link is called on this robot; a sphere of another robot's policy is on the link that corresponds."""
    return name if name in profile.link_by_name else own_links(profile).get(name, name)


def _same(a: Link, b: Link) -> bool:
    assert a.joint is not None and b.joint is not None
    placed = np.abs(a.joint.T_parent_joint - b.joint.T_parent_joint).max() <= TOLERANCE
    turned = a.joint.kind == 'fixed' or np.abs(a.joint.axis - b.joint.axis).max() <= TOLERANCE
    return bool(a.joint.kind == b.joint.kind and placed and turned)


def _order(profile: RobotProfile, chain: tuple[Link, ...]) -> list[int]:
    names = [link.joint.name for link in chain if link.joint and link.joint.kind == 'revolute']
    return [profile.arm_joints.index(name) for name in names]
