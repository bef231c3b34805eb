# SPDX-License-Identifier: Apache-2.0
"""A profile from a URDF: what it says is taken, what it does not say is proposed, and both are told apart."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from genima.robots.home import propose_home
from genima.robots.mounting import mounted_gripper
from genima.robots.profile import RobotProfile
from genima.robots.reading import parse_profile
from genima.robots.transforms import rpy_matrix
from genima.robots.urdf_arm import Finger, find_arm, find_fingers
from genima.robots.urdf_limits import import_limits
from genima.robots.urdf_reading import UrdfJoint, UrdfModel, read_urdf
from genima.robots.urdf_shapes import link_shapes, mass_of, middle_of
from genima.robots.urdf_tcp import between_fingers

FINGER_SPEED_M_S, FINGER_FORCE_N = 0.05, 40.0
SPHERES = {
    'elbow': (0.055, {'color_rgb': [40, 110, 255]}),
    'wrist': (0.050, {'color_rgb': [255, 225, 30]}),
    'hand': (0.045, {'color_rgb': [230, 60, 230]}),
    'gripper': (0.030, {'color_open_rgb': [30, 230, 60], 'color_closed_rgb': [255, 120, 20]}),
    'tool': (0.030, {'color_rgb': [30, 230, 60]}),
}


@dataclass(frozen=True)
class ImportOptions:
    """What a URDF does not say; everything empty is found or proposed.

    Attributes:
        name: Of the profile.
        base_link: First link of the arm; `tip_link` the last one.
        tcp: Pose of the TCP in the tip link: x y z roll pitch yaw. Its z leaves the gripper, its y is where fingers open to.
        gripper_joints: Joints of the fingers. `no_gripper` leaves them still.
        gripper_from: Profile whose gripper is mounted on the tip link.
        home_rad: Joint positions to start from.
        controller: Name of the joint_trajectory_controller.
    """

    name: str = ''
    base_link: str = ''
    tip_link: str = ''
    tcp: tuple[float, ...] = ()
    gripper_joints: tuple[str, ...] = ()
    no_gripper: bool = False
    gripper_from: str = ''
    home_rad: tuple[float, ...] = ()
    controller: str = 'joint_trajectory_controller'


@dataclass(frozen=True, eq=False)
class Imported:
    """A profile, its YAML text, and what was taken from the URDF, proposed, and left for a human."""

    profile: RobotProfile
    text: str
    taken: list[str] = field(default_factory=list)
    proposed: list[str] = field(default_factory=list)
    human: list[str] = field(default_factory=list)


def import_urdf(path: Path | str, options: ImportOptions | None = None) -> Imported:
    """Make a profile of a URDF.

    Raises:
        ProfileError: if it is no URDF, or not one arm can be found in it; says what to name.
    """
    return _Import(read_urdf(path), options or ImportOptions()).result()


class _Import:
    def __init__(self, model: UrdfModel, options: ImportOptions) -> None:
        self._model, self._options = model, options
        self._arm = find_arm(model, options.base_link, options.tip_link, options.gripper_joints)
        self._mounted = mounted_gripper(options.gripper_from, self._arm.tip) if options.gripper_from else None
        self._fingers: tuple[Finger, ...] = ()
        self._human: list[str] = []
        if not options.no_gripper and self._mounted is None:
            self._fingers, self._human = find_fingers(model, self._arm, options.gripper_joints)
        self._shaped: dict[str, list[str]] = {}
        self._weighed: list[str] = []

    def result(self) -> Imported:
        arm, model, options = self._arm, self._model, self._options
        links, left_out = self._links()
        tcp = self._tcp_link(links)
        if self._mounted:
            links += self._mounted.links
        limits, proposed = import_limits(arm.joints, model.source.name)
        name = options.name or re.sub(r'\W+', '_', model.name).strip('_').lower() or 'robot'
        n = len(arm.joints)
        data: dict[str, Any] = {
            'name': name,
            'base_link': arm.base,
            'elbow_link': arm.joints[(n + 1) // 2 - 1].child,
            'arm_joints': [joint.name for joint in arm.joints],
            'home_rad': limits['position_min_rad']['values'],  # until there is a profile to find one with
            'limits': limits,
            'gripper': self._gripper(tcp),
            'spheres': self._spheres(tcp),
            'controllers': {'humble': options.controller, 'jazzy': options.controller},
            'links': links,
        }
        if options.home_rad:
            data['home_rad'] = _floats(options.home_rad)
        else:
            home, reaches = propose_home(parse_profile(data, name))
            data['home_rad'] = home
            proposed.append('home pose: ' + ('above the table, tool down' if reaches else 'the middle of the ranges'))
            if not reaches:
                self._human.append('home_rad: no pose above the table with the tool down was found; choose one (--home)')
        proposed += self._proposals(tcp)
        profile = parse_profile(data, name)
        taken = self._taken(left_out)
        return Imported(profile, _text(data, model, taken, proposed, self._human), taken, proposed, self._human)

    def _links(self) -> tuple[list[dict[str, Any]], int]:
        """Return the arm's links and what is fixed to them, parent first, and how many others are left out."""
        fingers = {finger.joint.name: finger for finger in self._fingers}
        entries, todo = [], [self._arm.base]
        while todo:
            name = todo.pop(0)
            entries.append(self._link(name, fingers))
            for joint in self._model.below[name]:
                if joint in self._arm.path or joint.name in fingers or self._is_kept(joint):
                    todo.append(joint.child)
        return entries, len(self._model.links) - len(entries)

    def _is_kept(self, joint: UrdfJoint) -> bool:
        """Return whether what hangs on a joint beside the arm belongs to it: all that is fixed, and still fingers."""
        behind = self._arm.joints[-1] in self._model.path(self._model.root, joint.parent)
        if self._mounted and behind:  # another gripper takes the place of one that moves
            return joint.kind == 'fixed' and not self._moves_below(joint)
        return joint.kind == 'fixed' or (joint.moves and behind)

    def _moves_below(self, joint: UrdfJoint) -> bool:
        return any(each.moves or self._moves_below(each) for each in self._model.below[joint.child])

    def _link(self, name: str, fingers: dict[str, Finger]) -> dict[str, Any]:
        model, link = self._model, self._model.links[name]
        above = model.above[name] if name != self._arm.base else None
        entry: dict[str, Any] = {'name': name, 'parent': above.parent if above else None}
        if above:
            entry['joint'] = self._joint(above, fingers)
        moves = above is not None and (above in self._arm.joints or above.name in fingers)
        hand = [
            joint.xyz for joint in model.below[name] if joint.name in fingers
        ]  # a capsule up to the TCP would be in the way
        ends = [np.mean(hand, axis=0)] if hand else [joint.xyz for joint in model.below[name] if self._leads_on(joint)]
        shapes, how = link_shapes(model, link, ends, moves or name == self._arm.base)
        if how:
            self._shaped.setdefault(how, []).append(name)
        if link.mass_kg > 0 or moves:
            entry['mass_kg'] = link.mass_kg or mass_of(shapes)
            entry['com_m'] = [float(each) for each in link.com_m] if link.mass_kg else middle_of(shapes)
            if not link.mass_kg:
                self._weighed.append(name)
        if shapes:
            entry['shapes'] = shapes
        return entry

    def _leads_on(self, joint: UrdfJoint) -> bool:
        return joint in self._arm.path and not (joint.child == self._arm.tip and 'tcp' in joint.child.lower())

    def _joint(self, joint: UrdfJoint, fingers: dict[str, Finger]) -> dict[str, Any]:
        xyz, axis, kind = joint.xyz, joint.axis, 'fixed'
        if joint in self._arm.joints:
            kind = 'revolute'
        elif joint.name in fingers:
            finger, kind = fingers[joint.name], 'prismatic'
            xyz, axis = xyz + rpy_matrix(joint.rpy) @ joint.axis * finger.closed, joint.axis * finger.sense
        entry = {'name': joint.name, 'kind': kind, 'xyz': _floats(xyz), 'rpy': _floats(joint.rpy)}
        return {**entry, 'axis': _floats(axis)} if kind != 'fixed' else entry

    def _tcp_link(self, links: list[dict[str, Any]]) -> str:
        """Return the name of the TCP's link; it is added where the URDF has none that fits."""
        if self._mounted:
            return self._mounted.tcp_link
        tip, name = self._arm.tip, f'{self._arm.tip}_tcp'
        pose = list(self._options.tcp)
        if not pose and self._fingers and 'tcp' not in tip.lower():
            pose = between_fingers(self._model, tip, self._fingers)
            if pose:
                self._human.append('the TCP: proposed near the end of the fingers; measure it and give it (--tcp)')
            else:
                self._human.append(f'the TCP: the fingers do not hang on {tip}; give it (--tcp), or another --tip-link')
        if not pose:
            return tip
        while name in self._model.links:
            name += '_'
        joint = {'name': f'{name}_joint', 'kind': 'fixed', 'xyz': _floats(pose[:3]), 'rpy': _floats(pose[3:])}
        links.append({'name': name, 'parent': tip, 'joint': joint})
        return name

    def _gripper(self, tcp: str) -> Any:
        if self._mounted:
            return self._mounted.gripper
        if not self._fingers:
            return {'kind': 'none', 'tcp_link': tcp}
        first = self._fingers[0]
        gripper: dict[str, Any] = {
            'kind': 'parallel',
            'joints': [finger.joint.name for finger in self._fingers],
            'tcp_link': tcp,
            'open_m': first.stroke_m,
            'closed_m': 0.0,
            'speed_m_s': min(first.joint.velocity or FINGER_SPEED_M_S, FINGER_SPEED_M_S),
            'force_n': min(first.joint.effort or FINGER_FORCE_N, FINGER_FORCE_N),
            'source': f'from URDF {self._model.source.name}; not faster than {FINGER_SPEED_M_S} m/s, {FINGER_FORCE_N} N',
        }
        if first.closed != 0.0 or first.sense != 1.0:  # its driver's joint counts otherwise than a profile does
            gripper['drivers'] = {
                'jazzy': {
                    'kind': 'none', 'joint': first.joint.name, 'closed': first.closed,
                    'open': first.closed + first.sense * first.stroke_m,
                }
            }  # fmt: skip
        self._human.append('the driver of the gripper: name its action or topic under gripper.drivers, or at launch')
        return gripper

    def _spheres(self, tcp: str) -> list[dict[str, Any]]:
        joints, n = self._arm.joints, len(self._arm.joints)
        hand = self._mounted.hand_link if self._mounted else joints[-1].child
        if self._fingers:
            hand = self._fingers[0].joint.parent
        tool = 'gripper' if self._fingers or self._mounted else 'tool'
        places = {'elbow': joints[(n + 1) // 2 - 1].child, 'wrist': joints[max(n - 2, 0)].child, 'hand': hand, tool: tcp}
        return [
            {'name': name, 'link': link, 'xyz_m': [0.0, 0.0, 0.0], 'radius_m': SPHERES[name][0], **SPHERES[name][1]}
            for name, link in places.items()
        ]

    def _taken(self, left_out: int) -> list[str]:
        arm, file = self._arm, self._model.source.name
        lines = [f'{len(arm.joints)} joints from {arm.base} to {arm.tip} with their limits ({file})']
        if self._fingers:
            lines.append(f'fingers {", ".join(finger.joint.name for finger in self._fingers)}')
        if self._mounted:
            lines.append(f'the gripper of profile {self._options.gripper_from}, mounted on {arm.tip}')
        lines += [f'shapes of {", ".join(names)}: {how}' for how, names in self._shaped.items() if how == 'primitives']
        return [*lines, f'{left_out} other links of the URDF are left out'] if left_out else lines

    def _proposals(self, tcp: str) -> list[str]:
        lines = [f'shapes of {", ".join(names)}: {how}' for how, names in self._shaped.items() if how != 'primitives']
        if self._weighed:
            lines.append(f'masses of {", ".join(self._weighed)}: by their shapes')
        return [*lines, f'spheres on elbow, wrist, hand and {tcp}']


def _floats(values: Sequence[float] | np.ndarray) -> list[float]:
    return [float(value) for value in values]


def _text(data: dict[str, Any], model: UrdfModel, taken: list[str], proposed: list[str], human: list[str]) -> str:
    """Return the YAML file; its head says where everything is from."""
    head = [f'{data["name"]}, made by `genima robot import` of {model.source.name}. docs/robots.md explains every key.']
    for title, lines in (('Taken', taken), ('Proposed', proposed), ('For a human', human)):
        head += [f'{title}: {line}' for line in lines]
    comment = ''.join(f'# {line}\n' for line in head)
    return comment + yaml.safe_dump(data, sort_keys=False, width=125, default_flow_style=None, allow_unicode=True)
