# SPDX-License-Identifier: Apache-2.0
"""A profile as URDF, for the tools that want one: robot_state_publisher, RViz, ros2_control's mock hardware.

Source: http://wiki.ros.org/urdf/XML; https://control.ros.org, mock_components/GenericSystem.
"""

from collections.abc import Iterable, Sequence
from xml.etree import ElementTree as ET

import numpy as np

from genima.robots.inertia import link_inertia
from genima.robots.profile import Link, RobotProfile, Shape
from genima.robots.transforms import rpy_matrix

STATES = ('position', 'velocity')


def to_urdf(profile: RobotProfile, mock_hardware: bool = False) -> str:
    """Return the robot as URDF text.

    Args:
        profile: The robot.
        mock_hardware: Add a ros2_control system that does at once what it is told, with a position interface per joint.
    """
    robot = ET.Element('robot', name=profile.name)
    for link in profile.links:
        _add_link(robot, link)
    for link in profile.links:
        if link.joint is not None:
            _add_joint(robot, profile, link)
    if mock_hardware:
        _add_mock(robot, profile)
    ET.indent(robot)
    return ET.tostring(robot, encoding='unicode', xml_declaration=True) + '\n'


def _numbers(values: Iterable[float]) -> str:
    return ' '.join(f'{float(value):.17g}' for value in values)


def _origin(parent: ET.Element, xyz: Sequence[float] | np.ndarray, rpy: Sequence[float] | np.ndarray = (0, 0, 0)) -> None:
    ET.SubElement(parent, 'origin', xyz=_numbers(xyz), rpy=_numbers(rpy))


def _add_link(robot: ET.Element, link: Link) -> None:
    element = ET.SubElement(robot, 'link', name=link.name)
    if link.mass_kg > 0:
        _add_inertial(element, link)
    for shape in link.shapes:
        for xyz, kind, sizes in _primitives(shape):
            collision, visual = (ET.SubElement(element, tag) for tag in ('collision', 'visual'))
            for each in (collision, visual):
                _origin(each, xyz, shape.rpy)
                ET.SubElement(ET.SubElement(each, 'geometry'), kind, sizes)
            material = ET.SubElement(visual, 'material', name='rgba_' + '_'.join(f'{value:g}' for value in shape.rgba))
            ET.SubElement(material, 'color', rgba=_numbers(shape.rgba))


def _add_inertial(element: ET.Element, link: Link) -> None:
    inertial = ET.SubElement(element, 'inertial')
    _origin(inertial, link.com_m)
    ET.SubElement(inertial, 'mass', value=_numbers([link.mass_kg]))
    inertia = link_inertia(link)
    rows, columns = np.triu_indices(3)
    names = [f'i{"xyz"[row]}{"xyz"[column]}' for row, column in zip(rows, columns, strict=True)]
    values = [_numbers([value]) for value in inertia[rows, columns]]
    ET.SubElement(inertial, 'inertia', dict(zip(names, values, strict=True)))


def _primitives(shape: Shape) -> list[tuple[np.ndarray, str, dict[str, str]]]:
    """Return (centre, kind, sizes) of the URDF shapes that make up a shape; a capsule is a cylinder and two balls."""
    if shape.kind == 'box':
        return [(shape.xyz, 'box', {'size': _numbers(shape.size)})]
    ball = {'radius': _numbers(shape.size[:1])}
    if shape.kind == 'sphere':
        return [(shape.xyz, 'sphere', ball)]
    parts = [(shape.xyz, 'cylinder', {**ball, 'length': _numbers(shape.size[1:2])})]
    if shape.kind == 'capsule':
        half = rpy_matrix(shape.rpy)[:, 2] * shape.size[1] / 2
        parts += [(shape.xyz + half, 'sphere', ball), (shape.xyz - half, 'sphere', ball)]
    return parts


def _add_joint(robot: ET.Element, profile: RobotProfile, link: Link) -> None:
    joint = link.joint
    assert joint is not None and link.parent is not None
    element = ET.SubElement(robot, 'joint', name=joint.name, type=joint.kind)
    _origin(element, joint.xyz, joint.rpy)
    ET.SubElement(element, 'parent', link=link.parent)
    ET.SubElement(element, 'child', link=link.name)
    if joint.kind == 'fixed':
        return
    ET.SubElement(element, 'axis', xyz=_numbers(joint.axis))
    limits = {name: f'{value:.17g}' for name, value in _limits(profile, joint.name).items()}
    ET.SubElement(element, 'limit', limits)


def _limits(profile: RobotProfile, joint: str) -> dict[str, float]:
    if joint in profile.arm_joints:
        i, of = profile.arm_joints.index(joint), profile.limits
        low, high, velocity, effort = of.position_min_rad, of.position_max_rad, of.velocity_rad_s, of.effort_nm
        return {'lower': low[i], 'upper': high[i], 'velocity': velocity[i], 'effort': effort[i]}
    gripper = profile.gripper
    return {
        'lower': gripper.closed_m, 'upper': gripper.open_m, 'velocity': gripper.speed_m_s, 'effort': gripper.force_n,
    }  # fmt: skip


def _add_mock(robot: ET.Element, profile: RobotProfile) -> None:
    system = ET.SubElement(robot, 'ros2_control', name=f'{profile.name}_mock', type='system')
    hardware = ET.SubElement(system, 'hardware')
    ET.SubElement(hardware, 'plugin').text = 'mock_components/GenericSystem'
    ET.SubElement(hardware, 'param', name='calculate_dynamics').text = 'true'
    start = dict(zip(profile.arm_joints, profile.home_rad, strict=True))
    start.update(dict.fromkeys(profile.gripper.joints, profile.gripper.open_m))
    for name, position in start.items():
        joint = ET.SubElement(system, 'joint', name=name)
        ET.SubElement(joint, 'command_interface', name='position')
        for state in STATES:
            interface = ET.SubElement(joint, 'state_interface', name=state)
            value = position if state == 'position' else 0.0
            ET.SubElement(interface, 'param', name='initial_value').text = f'{float(value):.10g}'
