# SPDX-License-Identifier: Apache-2.0
"""Reads a profile YAML strictly into a `RobotProfile`."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from genima.borders.texts import read_yaml
from genima.errors import BorderError, ProfileError
from genima.files import config_dir
from genima.robots.gripper import FALLBACK_DISTRIBUTION
from genima.robots.gripper_reading import DISTRIBUTIONS, read_gripper
from genima.robots.profile import (
    BrakingLimits,
    DriverCondition,
    Joint,
    JointLimits,
    Link,
    RobotProfile,
    Shape,
    SphereSpec,
)
from genima.robots.schema import (
    require_color,
    require_list,
    require_mapping,
    require_number,
    require_text,
    require_vector,
)

SHAPE_SIZES = {'capsule': 2, 'cylinder': 2, 'box': 3, 'sphere': 1}
LIMIT_KEYS = (
    'position_min_rad',
    'position_max_rad',
    'velocity_rad_s',
    'acceleration_rad_s2',
    'jerk_rad_s3',
    'effort_nm',
)


def profile_names() -> list[str]:
    """Return the names of the shipped profiles."""
    return sorted(path.stem for path in (config_dir() / 'robots').glob('*.yaml'))


def load_profile(name_or_path: str | Path) -> RobotProfile:
    """Read `config/robots/<name>.yaml`, or the file at a path that ends in .yaml."""
    path = Path(name_or_path)
    if path.suffix not in ('.yaml', '.yml'):
        path = config_dir() / 'robots' / f'{name_or_path}.yaml'
    if not path.is_file():
        known = ', '.join(sorted(file.stem for file in path.parent.glob('*.yaml'))) or 'none'
        raise ProfileError(f'no robot profile at {path}; known in that folder: {known}')
    try:
        data = read_yaml(path)
    except BorderError as error:
        raise ProfileError(f'{path} cannot be read: {error}') from error
    return parse_profile(data, path.name)


def parse_profile(data: Any, where: str = 'profile') -> RobotProfile:
    """Turn the parsed YAML into a profile, refusing whatever does not fit; `where` names the source in errors."""
    required = (
        'name', 'base_link', 'elbow_link', 'arm_joints', 'home_rad', 'limits', 'spheres', 'controllers', 'links',
    )  # fmt: skip
    fields = require_mapping(data, where, required, ('gripper', 'driver', 'same_kinematics_as'))
    joints = tuple(require_text(name, f'{where}: arm_joints') for name in require_list(fields['arm_joints'], where))
    if not joints:
        raise ProfileError(f'{where}: arm_joints is empty; name the joints of the arm in the order of q')
    limits = _limits(fields['limits'], f'{where}: limits', len(joints))
    links = tuple(
        _link(item, f'{where}: links[{i}]') for i, item in enumerate(require_list(fields['links'], f'{where}: links'))
    )
    spheres = tuple(
        _sphere(item, f'{where}: spheres[{i}]')
        for i, item in enumerate(require_list(fields['spheres'], f'{where}: spheres'))
    )
    if not links:
        raise ProfileError(f'{where}: links is empty; name the links, parent first')
    controllers = require_mapping(fields['controllers'], f'{where}: controllers', (FALLBACK_DISTRIBUTION,), DISTRIBUTIONS)
    profile = RobotProfile(
        name=require_text(fields['name'], f'{where}: name'),
        base_link=require_text(fields['base_link'], f'{where}: base_link'),
        elbow_link=require_text(fields['elbow_link'], f'{where}: elbow_link'),
        links=links,
        arm_joints=joints,
        limits=limits,
        spheres=spheres,
        gripper=read_gripper(fields.get('gripper'), f'{where}: gripper', _flange(links, joints)),
        home_rad=require_vector(fields['home_rad'], f'{where}: home_rad', len(joints)),
        controllers={key: require_text(value, f'{where}: controllers') for key, value in controllers.items()},
        driver=tuple(
            _driver_condition(item, f'{where}: driver[{i}]')
            for i, item in enumerate(require_list(fields.get('driver', []), f'{where}: driver'))
        ),
        same_kinematics_as=_text_or_nothing(fields.get('same_kinematics_as'), f'{where}: same_kinematics_as'),
    )
    _check_consistency(profile, where)
    return profile


def _flange(links: tuple[Link, ...], arm_joints: tuple[str, ...]) -> str:
    """Return where a tool would be: the last of the links that follow the last arm joint one by one."""
    name = next((link.name for link in links if link.joint and link.joint.name == arm_joints[-1]), '')
    for link in links:
        if link.parent == name and sum(each.parent == name for each in links) == 1:
            name = link.name
    return name or links[0].name


def _text_or_nothing(data: Any, where: str) -> str:
    return '' if data is None else require_text(data, where)


def _limits(data: Any, where: str, n: int) -> JointLimits:
    fields = require_mapping(data, where, LIMIT_KEYS, ('braking',))
    arrays: dict[str, Any] = {}
    sources: dict[str, str] = {}
    for key in LIMIT_KEYS:
        entry = require_mapping(fields[key], f'{where}.{key}', ('values', 'source'))
        minimum = -np.inf if key.startswith('position') else 1e-6
        arrays[key] = require_vector(entry['values'], f'{where}.{key}.values', n, minimum)
        sources[key] = require_text(entry['source'], f'{where}.{key}.source')
    swapped = np.flatnonzero(arrays['position_min_rad'] >= arrays['position_max_rad'])
    if swapped.size:
        raise ProfileError(f'{where}: position_min_rad must be below position_max_rad; joints {swapped.tolist()} are not')
    limits = JointLimits(**arrays, sources=sources)
    if 'braking' not in fields:
        return limits
    return replace(limits, braking=_braking(fields['braking'], f'{where}.braking', limits))


def _braking(data: Any, where: str, limits: JointLimits) -> BrakingLimits:
    keys = ('min_rad', 'max_rad', 'offset_rad_s', 'deceleration_rad_s2')
    fields = require_mapping(data, where, (*keys, 'source'))
    least = {'min_rad': -np.inf, 'max_rad': -np.inf, 'offset_rad_s': 0.0, 'deceleration_rad_s2': 1e-6}
    n = len(limits.velocity_rad_s)
    arrays: dict[str, Any] = {key: require_vector(fields[key], f'{where}.{key}', n, least[key]) for key in keys}
    braking = BrakingLimits(**arrays, source=require_text(fields['source'], f'{where}.source'))
    room_rad = np.minimum(limits.position_min_rad - braking.min_rad, braking.max_rad - limits.position_max_rad)
    stuck = np.flatnonzero(braking.speed_rad_s(room_rad) <= 0)
    if stuck.size:
        raise ProfileError(f'{where}: joints {stuck.tolist()} may not move at a position limit; draw that limit in')
    return braking


def _link(data: Any, where: str) -> Link:
    fields = require_mapping(data, where, ('name', 'parent'), ('joint', 'mass_kg', 'com_m', 'shapes'))
    parent = fields['parent']
    if (parent is None) != ('joint' not in fields):
        raise ProfileError(f'{where}: a link has both parent and joint, and only the base link has neither')
    return Link(
        name=require_text(fields['name'], f'{where}.name'),
        parent=None if parent is None else require_text(parent, f'{where}.parent'),
        joint=_joint(fields['joint'], f'{where}.joint') if 'joint' in fields else None,
        mass_kg=require_number(fields.get('mass_kg', 0.0), f'{where}.mass_kg', 0.0),
        com_m=require_vector(fields.get('com_m', [0.0, 0.0, 0.0]), f'{where}.com_m', 3),
        shapes=tuple(
            _shape(item, f'{where}.shapes[{i}]')
            for i, item in enumerate(require_list(fields.get('shapes', []), f'{where}.shapes'))
        ),
    )


def _joint(data: Any, where: str) -> Joint:
    fields = require_mapping(data, where, ('name', 'kind', 'xyz', 'rpy'), ('axis',))
    kind = fields['kind']
    if kind not in ('revolute', 'prismatic', 'fixed'):
        raise ProfileError(f'{where}.kind: got {kind!r}; allowed: revolute, prismatic, fixed')
    if kind != 'fixed' and 'axis' not in fields:
        raise ProfileError(f'{where}: a {kind} joint needs an axis')
    axis = require_vector(fields.get('axis', [0.0, 0.0, 1.0]), f'{where}.axis', 3)
    if abs(float(np.linalg.norm(axis)) - 1.0) > 1e-9:
        raise ProfileError(f'{where}.axis: expected a unit vector, got {axis.tolist()}')
    xyz, rpy = (require_vector(fields[key], f'{where}.{key}', 3) for key in ('xyz', 'rpy'))
    return Joint(require_text(fields['name'], f'{where}.name'), kind, axis, xyz, rpy)


def _shape(data: Any, where: str) -> Shape:
    fields = require_mapping(data, where, ('kind', 'xyz', 'rpy', 'size', 'rgba'))
    kind = fields['kind']
    if kind not in SHAPE_SIZES:
        raise ProfileError(f'{where}.kind: got {kind!r}; allowed: {", ".join(SHAPE_SIZES)}')
    return Shape(
        kind=kind,
        xyz=require_vector(fields['xyz'], f'{where}.xyz', 3),
        rpy=require_vector(fields['rpy'], f'{where}.rpy', 3),
        size=require_vector(fields['size'], f'{where}.size', SHAPE_SIZES[kind], 1e-6),
        rgba=require_vector(fields['rgba'], f'{where}.rgba', 4, 0.0),
    )


def _sphere(data: Any, where: str) -> SphereSpec:
    colors = ('color_rgb', 'color_open_rgb', 'color_closed_rgb')
    fields = require_mapping(data, where, ('name', 'link', 'xyz_m', 'radius_m'), colors)
    given = {key for key in colors if key in fields}
    if given not in ({'color_rgb'}, {'color_open_rgb', 'color_closed_rgb'}):
        raise ProfileError(f'{where}: give color_rgb, or color_open_rgb and color_closed_rgb for the gripper sphere')
    x, y, z = require_vector(fields['xyz_m'], f'{where}.xyz_m', 3).tolist()
    colors_of: dict[str, Any] = {key: require_color(fields[key], f'{where}.{key}') for key in given}
    return SphereSpec(
        name=require_text(fields['name'], f'{where}.name'),
        link=require_text(fields['link'], f'{where}.link'),
        xyz_m=(x, y, z),
        radius_m=require_number(fields['radius_m'], f'{where}.radius_m', 1e-4),
        **colors_of,
    )


def _driver_condition(data: Any, where: str) -> DriverCondition:
    keys = ('topic', 'type', 'field', 'text', 'source')
    fields = require_mapping(data, where, keys, ('allowed', 'at_least'))
    texts: dict[str, Any] = {key: require_text(fields[key], f'{where}.{key}') for key in keys}
    if ('allowed' in fields) == ('at_least' in fields):
        raise ProfileError(f'{where}: give either allowed, a list of values, or at_least, a number')
    if texts['type'].count('/msg/') != 1:
        raise ProfileError(f'{where}.type: got {texts["type"]!r}; the form is package/msg/Name')
    allowed = require_list(fields.get('allowed', []), f'{where}.allowed')
    if any(not isinstance(value, int) for value in allowed):
        raise ProfileError(f'{where}.allowed: expected true, false or whole numbers, got {allowed}')
    least = require_number(fields['at_least'], f'{where}.at_least') if 'at_least' in fields else -np.inf
    return DriverCondition(**texts, allowed=tuple(allowed), at_least=least)


def _check_consistency(profile: RobotProfile, where: str) -> None:
    seen: set[str] = set()
    for link in profile.links:
        if link.parent is None and link.name != profile.base_link:
            raise ProfileError(f'{where}: {link.name} has no parent; only base_link {profile.base_link} may have none')
        if link.parent is not None and link.parent not in seen:
            raise ProfileError(f'{where}: {link.name} comes before its parent {link.parent}; order links parent first')
        if link.name in seen:
            raise ProfileError(f'{where}: link {link.name} is defined twice')
        seen.add(link.name)
    for name in [profile.base_link, profile.elbow_link, profile.gripper.tcp_link, *(s.link for s in profile.spheres)]:
        profile.link(name)
    names = [link.joint.name for link in profile.links if link.joint]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise ProfileError(f'{where}: joint(s) {", ".join(twice)} are there twice')
    kinds = {link.joint.name: link.joint.kind for link in profile.links if link.joint}
    for wanted, kind in ((profile.arm_joints, 'revolute'), (profile.gripper.joints, 'prismatic')):
        wrong = [name for name in wanted if kinds.get(name) != kind]
        if wrong:
            raise ProfileError(f'{where}: {", ".join(wrong)} is not a {kind} joint of any link')
    spare = [n for n, k in kinds.items() if k != 'fixed' and n not in profile.arm_joints + profile.gripper.joints]
    if spare:
        raise ProfileError(f'{where}: joint(s) {", ".join(spare)} are neither in arm_joints nor in gripper.joints')
    low, high = profile.limits.position_min_rad, profile.limits.position_max_rad
    if ((profile.home_rad < low) | (profile.home_rad > high)).any():
        raise ProfileError(f'{where}: home_rad {profile.home_rad.tolist()} is outside the position limits')
