# SPDX-License-Identifier: Apache-2.0
"""Finds the one arm of a URDF that a profile is made of: its base, its joints, the link at its end, and its fingers."""

import re
from collections import defaultdict
from dataclasses import dataclass

import numpy as np

from genima.errors import ProfileError
from genima.robots.transforms import transform
from genima.robots.urdf_reading import UrdfJoint, UrdfModel

# what the end of an arm is called, best first
TIPS = [re.compile(text) for text in ('tcp', 'tool0', 'tool_?frame', 'ee_link|end_?effector|eef', 'hand$', 'gripper.*base')]
MAX_ARMS_LISTED = 12


@dataclass(frozen=True, eq=False)
class Arm:
    """The path of joints from `base` to `tip`; `joints` are those of them that move."""

    base: str
    tip: str
    path: tuple[UrdfJoint, ...]
    joints: tuple[UrdfJoint, ...]


@dataclass(frozen=True, eq=False)
class Finger:
    """A finger on a prismatic joint. The joint is at `closed` + `sense` * q, q from 0 (closed) to the gripper's range.

    Attributes:
        joint: Of the URDF; `sense` is +1 or -1.
        closed: Its position when the gripper is closed [m].
        stroke_m: How far it moves.
    """

    joint: UrdfJoint
    sense: float
    closed: float
    stroke_m: float


def find_arm(model: UrdfModel, base_link: str = '', tip_link: str = '', fingers: tuple[str, ...] = ()) -> Arm:
    """Return the arm from `base_link` (default: the root, past a link called world) to `tip_link` (default: found).

    Raises:
        ProfileError: if there are several arms and no tip is named, with the tips to choose from; if a joint on the way
            slides, follows another, or has more than one degree of freedom.
    """
    base = base_link or _base(model)
    model.path(model.root, base)
    tip = tip_link or _tip(model, base, set(fingers))
    path = model.path(base, tip)
    for joint in path:
        if joint.kind in ('floating', 'planar', 'prismatic'):
            raise ProfileError(
                f'joint {joint.name} between {base} and {tip} is {joint.kind}; the joints of a profile turn: '
                f'choose a base behind it (--base-link {joint.child})'
            )
        if joint.moves and joint.mimic:
            raise ProfileError(f'joint {joint.name} follows {joint.mimic}; the joints of a profile move on their own')
    joints = tuple(joint for joint in path if joint.moves)
    if not joints:
        raise ProfileError(f'no joint moves between {base} and {tip}; choose other links (--base-link, --tip-link)')
    return Arm(base, tip, tuple(path), joints)


def find_fingers(model: UrdfModel, arm: Arm, names: tuple[str, ...] = ()) -> tuple[tuple[Finger, ...], list[str]]:
    """Return the fingers that slide, below the arm's last joint, and what of the search a human should look at."""
    last = arm.joints[-1].child
    below = [joint for joint in model.joints.values() if joint.moves and _is_below(model, joint, last)]
    if names:
        missing = sorted(set(names) - {joint.name for joint in below})
        if missing:
            known = ', '.join(joint.name for joint in below) or 'none'
            raise ProfileError(f'{", ".join(missing)}: no joint behind {arm.joints[-1].name} that moves; those are {known}')
        below = [model.joints[name] for name in names]
    if not below:
        return (), []
    turning = [joint.name for joint in below if joint.kind != 'prismatic']
    if turning:
        why = f'the fingers turn ({", ".join(turning)}), those of a profile slide'
        return (), [f'{why}: taken as an arm without a gripper, fingers held; --gripper-from ur5e mounts a gripper instead']
    lead = [joint for joint in below if not joint.mimic]
    if len(lead) == 2 and len(below) == 2:
        fingers = [_finger(joint, joint, 1.0, 0.0) for joint in lead]
    elif len(lead) == 1 and all(_follows(joint, lead[0]) for joint in below if joint is not lead[0]):
        rest = [joint for joint in below if joint.mimic]
        fingers = [_finger(lead[0], lead[0], 1.0, 0.0)]
        fingers += [_finger(each, lead[0], each.multiplier, each.offset) for each in rest]
    else:
        return (), [f'{_names(below)} are no pair of fingers that move alike: taken as no gripper']
    if min(each.stroke_m for each in fingers) <= 1e-4 or np.ptp([each.stroke_m for each in fingers]) > 1e-6:
        return (), [f'{_names(below)} have no limits, or different ones: taken as no gripper']
    return _closing_end(model, fingers)


def _base(model: UrdfModel) -> str:
    below = model.below[model.root]
    return below[0].child if model.root == 'world' and len(below) == 1 and below[0].kind == 'fixed' else model.root


def _tip(model: UrdfModel, base: str, fingers: set[str]) -> str:
    """Return the best link among those that the longest chain of free turning joints leads to."""
    followed = {joint.mimic for joint in model.joints.values() if joint.mimic} | fingers
    chains: dict[tuple[str, ...], list[str]] = defaultdict(list)
    todo: list[tuple[str, tuple[str, ...]]] = [(base, ())]
    while todo:
        link, chain = todo.pop()
        chains[chain].append(link)
        for joint in model.below[link]:
            hand = joint.mimic or joint.name in followed or (joint.kind == 'prismatic' and chain)
            if not hand and joint.kind in ('fixed', 'revolute', 'continuous'):
                todo.append((joint.child, (*chain, joint.name) if joint.moves else chain))
            elif not hand or not chain:  # a rail below an arm; `find_arm` says so
                todo.append((joint.child, (*chain, joint.name)))
    longest = [one for one in chains if one and not any(each[: len(one)] == one for each in chains if each != one)]
    if not longest:
        raise ProfileError(f'{model.source.name}: no joint moves below {base}')
    if len(longest) > 1:
        tips = [f'{_best(model, chains[chain])} ({len(chain)} joints)' for chain in longest]
        more = f' and {len(tips) - MAX_ARMS_LISTED} more' if len(tips) > MAX_ARMS_LISTED else ''
        raise ProfileError(
            f'{model.source.name} has {len(tips)} arms; choose one with --tip-link: '
            f'{", ".join(tips[:MAX_ARMS_LISTED])}{more}'
        )
    return _best(model, chains[longest[0]])


def _best(model: UrdfModel, links: list[str]) -> str:
    """Return the link that is called like the end of an arm; else the first one, which the last joint moves."""
    plain = [name for name in links if 'camera' not in name.lower()] or links
    for pattern in TIPS:
        found = [name for name in plain if pattern.search(name.lower())]
        if found:
            return found[0]
    return plain[0]


def _is_below(model: UrdfModel, joint: UrdfJoint, link: str) -> bool:
    name = joint.parent
    while name != link:
        if name not in model.above:
            return False
        name = model.above[name].parent
    return True


def _names(joints: list[UrdfJoint]) -> str:
    return ', '.join(joint.name for joint in joints)


def _follows(joint: UrdfJoint, lead: UrdfJoint) -> bool:
    return joint.mimic == lead.name and abs(joint.multiplier) == 1.0


def _finger(joint: UrdfJoint, lead: UrdfJoint, multiplier: float, offset: float) -> Finger:
    """Return a finger that is closed at the leader's lower end; `_closing_end` turns it round if that is the open one."""
    low, high = lead.lower or 0.0, lead.upper or 0.0
    return Finger(joint, multiplier, multiplier * low + offset, high - low)


def _closing_end(model: UrdfModel, fingers: list[Finger]) -> tuple[tuple[Finger, ...], list[str]]:
    """Let q grow as two fingers move apart."""
    doubts = []
    if len(fingers) == 2:
        middles = [_place(model, each, each.stroke_m / 2) for each in fingers]
        moves = [_place(model, each, each.stroke_m) - _place(model, each, 0.0) for each in fingers]
        apart = float((middles[0] - middles[1]) @ (moves[0] - moves[1]))
        if apart < -1e-9:
            turned = [Finger(f.joint, -f.sense, f.closed + f.sense * f.stroke_m, f.stroke_m) for f in fingers]
            return tuple(turned), []
        if abs(apart) <= 1e-9:
            doubts = ['which end of the fingers is open could not be told; the upper limit was taken']
    else:
        doubts = ['one finger only: its upper limit was taken for open']
    return tuple(fingers), doubts


def _place(model: UrdfModel, finger: Finger, q_m: float) -> np.ndarray:
    """Return where a finger's frame is in the link that both fingers hang on, (3,)."""
    joint = finger.joint
    T = transform(joint.xyz, joint.rpy)
    return T[:3, 3] + T[:3, :3] @ joint.axis * (finger.closed + finger.sense * q_m)
