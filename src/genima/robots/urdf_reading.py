# SPDX-License-Identifier: Apache-2.0
"""Reads a URDF file of anybody's: a border, so sizes, depths, names and numbers are checked before anything is made of them.

Source: http://wiki.ros.org/urdf/XML.
"""

import math
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree as ET
from xml.parsers import expat

import numpy as np

from genima.errors import ProfileError

MAX_BYTES = 8 * 2**20
MAX_DEPTH = 64
MAX_ELEMENTS = 100_000
MAX_NUMBER = 1e6
MOVING = ('revolute', 'continuous', 'prismatic')
KINDS = (*MOVING, 'fixed', 'floating', 'planar')


@dataclass(frozen=True, eq=False)
class Geometry:
    """A collision or visual of a link: box [x, y, z], cylinder [radius, length], sphere [radius], or a mesh; metres."""

    kind: str
    xyz: np.ndarray
    rpy: np.ndarray
    size: tuple[float, ...] = ()
    mesh: str = ''
    scale: tuple[float, ...] = (1.0, 1.0, 1.0)


@dataclass(frozen=True, eq=False)
class UrdfLink:
    """A link; a mass of 0 was not given."""

    name: str
    mass_kg: float
    com_m: np.ndarray
    collisions: tuple[Geometry, ...]
    visuals: tuple[Geometry, ...]


@dataclass(frozen=True, eq=False)
class UrdfJoint:
    """A joint; limits that were not given are None. A joint that mimics another is at multiplier * it + offset."""

    name: str
    kind: str
    parent: str
    child: str
    xyz: np.ndarray
    rpy: np.ndarray
    axis: np.ndarray
    lower: float | None
    upper: float | None
    velocity: float | None
    effort: float | None
    mimic: str = ''
    multiplier: float = 1.0
    offset: float = 0.0

    @property
    def moves(self) -> bool:
        """True for a joint with one degree of freedom."""
        return self.kind in MOVING


@dataclass(frozen=True, eq=False)
class UrdfModel:
    """A tree of links. `above` has the joint over each link but the root; `below` the joints under each."""

    name: str
    source: Path
    links: dict[str, UrdfLink]
    joints: dict[str, UrdfJoint]
    above: dict[str, UrdfJoint]
    below: dict[str, tuple[UrdfJoint, ...]]
    root: str

    def path(self, base: str, tip: str) -> list[UrdfJoint]:
        """Return the joints from `base` down to `tip`.

        Raises:
            ProfileError: if a link is not there, or `tip` is not below `base`.
        """
        for name in (base, tip):
            if name not in self.links:
                raise ProfileError(f'{self.source.name} has no link {name!r}; it has {", ".join(self.links)}')
        joints: list[UrdfJoint] = []
        while tip != base:
            if tip not in self.above:
                raise ProfileError(f'{self.source.name}: no chain leads from {base} down to {joints[0].child}')
            joints.append(self.above[tip])
            tip = self.above[tip].parent
        return joints[::-1]


def read_urdf(path: Path | str) -> UrdfModel:
    """Read a URDF file.

    Raises:
        ProfileError: if it is no URDF, is too large, has entities, or has not been expanded from xacro yet.
    """
    file = Path(path)
    if not file.is_file():
        raise ProfileError(f'{file} is not a file; give a URDF')
    if file.stat().st_size > MAX_BYTES:
        raise ProfileError(f'{file} has {file.stat().st_size} bytes; a URDF has at most {MAX_BYTES}')
    expand = f'expand it first: ros2 run xacro xacro {file} > {file.name.split(".")[0]}.urdf'
    if file.suffix == '.xacro':
        raise ProfileError(f'{file} is xacro, a template of a URDF; {expand}')
    root = parse_xml(file.read_bytes(), file)
    for element in root.iter():
        if element.tag.startswith('xacro:') or any('${' in value or '$(' in value for value in element.attrib.values()):
            raise ProfileError(f'{file} has <{element.tag}> of xacro in it, so it is a template of a URDF; {expand}')
    if root.tag != 'robot':
        raise ProfileError(f'{file}: the outermost element is <{root.tag}>; a URDF has <robot>')
    return _model(root, file)


def parse_xml(data: bytes, file: Path) -> ET.Element:
    """Return the outermost element; no document type, so no entities, and nothing is ever fetched."""
    builder, parser = ET.TreeBuilder(), expat.ParserCreate()
    depth = count = 0

    def start(tag: str, attributes: dict[str, str]) -> None:
        nonlocal depth, count
        depth, count = depth + 1, count + 1
        if depth > MAX_DEPTH or count > MAX_ELEMENTS:
            raise ProfileError(f'{file}: more than {MAX_DEPTH} levels or {MAX_ELEMENTS} elements; that is no URDF')
        builder.start(tag, attributes)

    def end(tag: str) -> None:
        nonlocal depth
        depth -= 1
        builder.end(tag)

    def refuse(*_: object) -> None:
        raise ProfileError(f'{file} has a DOCTYPE; a URDF needs none, and entities are not read: take that line out')

    parser.StartElementHandler, parser.EndElementHandler = start, end
    parser.StartDoctypeDeclHandler = parser.EntityDeclHandler = refuse
    try:
        parser.Parse(data, True)
    except (expat.ExpatError, ValueError, LookupError) as error:
        if isinstance(error, ProfileError):
            raise
        raise ProfileError(f'{file} is not XML: {error}') from error
    return builder.close()


def _model(root: ET.Element, file: Path) -> UrdfModel:
    links: dict[str, UrdfLink] = {}
    joints: dict[str, UrdfJoint] = {}
    for element in root.findall('link'):
        link = _link(element, f'{file.name}: {_name(element, file.name)}')
        if link.name in links:
            raise ProfileError(f'{file.name}: link {link.name} is there twice')
        links[link.name] = link
    for element in root.findall('joint'):
        joint = _joint(element, f'{file.name}: {_name(element, file.name)}')
        if joint.name in joints:
            raise ProfileError(f'{file.name}: joint {joint.name} is there twice')
        joints[joint.name] = joint
    above: dict[str, UrdfJoint] = {}
    below: dict[str, list[UrdfJoint]] = {name: [] for name in links}
    for joint in joints.values():
        missing = [name for name in (joint.parent, joint.child) if name not in links]
        if missing:
            raise ProfileError(f'{file.name}: joint {joint.name} names link {missing[0]!r}, which is not there')
        if joint.child in above:
            raise ProfileError(f'{file.name}: link {joint.child} hangs on {above[joint.child].name} and on {joint.name}')
        above[joint.child] = joint
        below[joint.parent].append(joint)
    roots = [name for name in links if name not in above]
    if len(roots) != 1:
        raise ProfileError(f'{file.name}: links without a parent: {", ".join(roots) or "none"}; a URDF has exactly one')
    reached, todo = set(), [roots[0]]
    while todo:
        reached.add(name := todo.pop())
        todo += [joint.child for joint in below[name]]
    if len(reached) < len(links):
        raise ProfileError(f'{file.name}: {", ".join(set(links) - reached)} hang on each other in a ring')
    name = root.get('name') or file.stem
    return UrdfModel(name, file, links, joints, above, {key: tuple(value) for key, value in below.items()}, roots[0])


def _name(element: ET.Element, where: str) -> str:
    name = element.get('name', '')
    if not name.strip() or len(name) > 200 or not name.isprintable():
        raise ProfileError(f'{where}: a <{element.tag}> has the name {name[:200]!r}; give it one')
    return name


def _link(element: ET.Element, where: str) -> UrdfLink:
    inertial = element.find('inertial')
    mass = inertial.find('mass') if inertial is not None else None
    mass_kg = _numbers(mass.get('value', ''), 1, where, '<mass>')[0] if mass is not None else 0.0
    com_m = _origin(inertial, where)[0] if inertial is not None else np.zeros(3)
    shapes = [tuple(_geometry(each, where) for each in element.findall(tag)) for tag in ('collision', 'visual')]
    return UrdfLink(element.get('name', ''), max(mass_kg, 0.0), com_m, shapes[0], shapes[1])


def _geometry(element: ET.Element, where: str) -> Geometry:
    xyz, rpy = _origin(element, where)
    geometry = element.find('geometry')
    shape = geometry[0] if geometry is not None and len(geometry) else None
    if shape is None:
        return Geometry('nothing', xyz, rpy)
    if shape.tag == 'box':
        return Geometry('box', xyz, rpy, _sizes(shape, ('size',), 3, where))
    if shape.tag in ('cylinder', 'capsule'):
        return Geometry(shape.tag, xyz, rpy, _sizes(shape, ('radius', 'length'), 1, where))
    if shape.tag == 'sphere':
        return Geometry('sphere', xyz, rpy, _sizes(shape, ('radius',), 1, where))
    if shape.tag == 'mesh':
        scale = _numbers(shape.get('scale', '1 1 1'), 3, where, '<mesh> scale')
        return Geometry('mesh', xyz, rpy, mesh=shape.get('filename', ''), scale=tuple(scale))
    return Geometry('nothing', xyz, rpy)


def _sizes(shape: ET.Element, names: tuple[str, ...], count: int, where: str) -> tuple[float, ...]:
    sizes = [value for name in names for value in _numbers(shape.get(name, ''), count, where, f'<{shape.tag}> {name}')]
    if min(sizes) < 0:
        raise ProfileError(f'{where}: <{shape.tag}> has a negative size: {sizes}')
    return tuple(max(size, 1e-6) for size in sizes)


def _joint(element: ET.Element, where: str) -> UrdfJoint:
    kind = element.get('type', '')
    if kind not in KINDS:
        raise ProfileError(f'{where}: the joint is of type {kind!r}; allowed: {", ".join(KINDS)}')
    parent, child = (_linked(element, tag, where) for tag in ('parent', 'child'))
    xyz, rpy = _origin(element, where)
    axis = np.array(_numbers(_attribute(element, 'axis', 'xyz') or '1 0 0', 3, where, '<axis>'))
    length = float(np.linalg.norm(axis))
    if kind in MOVING and length < 1e-9:
        raise ProfileError(f'{where}: the axis has no direction')
    axis = axis / length if length > 1e-9 else np.array([1.0, 0.0, 0.0])
    limits = {key: _optional(element, 'limit', key, where) for key in ('lower', 'upper', 'velocity', 'effort')}
    mimic = _attribute(element, 'mimic', 'joint') or ''
    factors = [_optional(element, 'mimic', key, where) for key in ('multiplier', 'offset')]
    multiplier, offset = (default if value is None else value for value, default in zip(factors, (1.0, 0.0), strict=True))
    name = element.get('name', '')
    return UrdfJoint(name, kind, parent, child, xyz, rpy, axis, **limits, mimic=mimic, multiplier=multiplier, offset=offset)


def _linked(element: ET.Element, tag: str, where: str) -> str:
    name = _attribute(element, tag, 'link')
    if not name:
        raise ProfileError(f'{where}: the joint has no <{tag} link="...">')
    return name


def _attribute(element: ET.Element, tag: str, key: str) -> str | None:
    child = element.find(tag)
    return None if child is None else child.get(key)


def _optional(element: ET.Element, tag: str, key: str, where: str) -> float | None:
    text = _attribute(element, tag, key)
    return None if text is None else _numbers(text, 1, where, f'<{tag}> {key}')[0]


def _origin(element: ET.Element, where: str) -> tuple[np.ndarray, np.ndarray]:
    texts = [_attribute(element, 'origin', key) or '0 0 0' for key in ('xyz', 'rpy')]
    xyz, rpy = (np.array(_numbers(text, 3, where, '<origin>')) for text in texts)
    return xyz, rpy


def _numbers(text: str, count: int, where: str, what: str) -> list[float]:
    try:
        values = [float(part) for part in text.split()]
    except ValueError as error:
        raise ProfileError(f'{where}: {what} is {text[:80]!r}; expected {count} numbers') from error
    if len(values) != count or not all(math.isfinite(value) and abs(value) < MAX_NUMBER for value in values):
        raise ProfileError(f'{where}: {what} is {text[:80]!r}; expected {count} finite numbers')
    return values
