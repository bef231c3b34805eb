# SPDX-License-Identifier: Apache-2.0
"""Which joints of a URDF have limits that ros2_control can keep, whoever commands.

Source: http://wiki.ros.org/urdf/XML/joint; ros2_control, hardware_interface/doc/joint_limiting.rst and component_parser.cpp.
"""

from collections.abc import Sequence
from pathlib import Path
from xml.etree import ElementTree as ET

from genima.errors import ProfileError
from genima.robots.urdf_reading import MAX_BYTES, parse_xml


def unlimited_joints(description: str, joints: Sequence[str]) -> dict[str, str]:
    """Return the joints that nothing limits, each with the reason.

    Args:
        description: Text of the URDF, as on the topic robot_description.
        joints: Names of the joints that ought to be limited.

    Raises:
        ProfileError: if it is no URDF.
    """
    data = description.encode()
    if len(data) > MAX_BYTES:
        raise ProfileError(f'robot_description has {len(data)} bytes; a URDF has at most {MAX_BYTES}')
    robot = parse_xml(data, Path('robot_description'))
    described = {element.get('name', ''): element for element in robot.findall('joint')}
    driven = {element.get('name', ''): element for element in robot.findall('ros2_control/joint')}
    reasons = {name: _reason(described.get(name), driven.get(name)) for name in joints}
    return {name: reason for name, reason in reasons.items() if reason}


def _reason(joint: ET.Element | None, driven: ET.Element | None) -> str:
    if joint is None:
        return 'is not in robot_description'
    off = [] if driven is None else [*driven.findall('limits'), *driven.findall('command_interface/limits')]
    if any(each.get('enable', 'true').strip().lower() == 'false' for each in off):
        return 'has <limits enable="false"/>'
    limit = joint.find('limit')
    if limit is None:
        return 'has no <limit>'
    if not _number(limit, 'velocity') > 0:
        return 'has no velocity limit'
    if joint.get('type') != 'continuous' and not _number(limit, 'lower') < _number(limit, 'upper'):
        return 'has no range'
    return ''


def _number(limit: ET.Element, name: str) -> float:
    try:
        return float(limit.get(name, '0'))
    except ValueError:
        return float('nan')
