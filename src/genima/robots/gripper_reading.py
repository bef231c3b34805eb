# SPDX-License-Identifier: Apache-2.0
"""Reads a gripper and its drivers: from a profile, and from the text that a launch argument or a parameter gives instead."""

from typing import Any

from genima.borders.texts import parse_yaml
from genima.errors import BorderError, ProfileError
from genima.robots.gripper import DRIVER_KINDS, Gripper, GripperDriver
from genima.robots.schema import require_list, require_mapping, require_number, require_text

DISTRIBUTIONS = ('humble', 'jazzy')
MAX_TEXT = 4096
OVERRIDE = 'gripper'


def gripper_driver(gripper: Gripper, override: str, distribution: str) -> GripperDriver:
    """Return how a gripper is driven.

    Args:
        gripper: Of the robot's profile.
        override: Empty: as the profile says. 'none': nobody moves it. Else a YAML mapping with the keys of a driver.
        distribution: Name of the ROS distribution; one that the profile does not know has the driver of Jazzy.

    Raises:
        ProfileError: if the text cannot be understood.
    """
    text = override.strip()
    if not text:
        return gripper.driver(distribution)
    if text == 'none':
        return GripperDriver('none')
    if len(text) > MAX_TEXT:
        raise ProfileError(f'{OVERRIDE}: {len(text)} characters; allowed: {MAX_TEXT}')
    try:
        data = parse_yaml(text)
    except BorderError as error:
        raise ProfileError(f'{OVERRIDE}: {text!r} is not YAML: {error}; {_EXAMPLE}') from error
    if not isinstance(data, dict):
        raise ProfileError(f'{OVERRIDE}: got {text!r}; allowed: nothing, none, or a mapping; {_EXAMPLE}')
    if data.get('kind') != 'none':
        data.setdefault('source', 'given at launch')
    return read_driver(data, OVERRIDE)


_EXAMPLE = (
    'for example {kind: gripper_command, action: hand_controller/gripper_cmd, joint: finger_joint, open: 0.0, closed: 0.8}'
)


def read_gripper(data: Any, where: str, default_tcp_link: str) -> Gripper:
    """Turn the entry of a profile into a gripper; nothing, or the word none, is an arm without one."""
    if data is None or data == 'none':
        return Gripper.none(default_tcp_link)
    if isinstance(data, dict) and data.get('kind') == 'none':
        require_mapping(data, where, ('kind', 'tcp_link'))
        return Gripper.none(require_text(data['tcp_link'], f'{where}.tcp_link'))
    keys = ('kind', 'joints', 'tcp_link', 'open_m', 'closed_m', 'speed_m_s', 'force_n', 'source')
    fields = require_mapping(data, where, keys, ('drivers',))
    texts: dict[str, Any] = {key: require_text(fields[key], f'{where}.{key}') for key in ('kind', 'tcp_link', 'source')}
    numbers: dict[str, Any] = {key: require_number(fields[key], f'{where}.{key}', 0.0) for key in ('open_m', 'closed_m')}
    rates: dict[str, Any] = {key: require_number(fields[key], f'{where}.{key}', 1e-6) for key in ('speed_m_s', 'force_n')}
    if numbers['open_m'] <= numbers['closed_m']:
        raise ProfileError(f'{where}: open_m must be above closed_m, got {numbers}')
    joints = tuple(require_text(name, f'{where}.joints') for name in require_list(fields['joints'], f'{where}.joints'))
    if not joints:
        raise ProfileError(f'{where}.joints is empty; an arm without a gripper says `gripper: none`')
    drivers = require_mapping(fields.get('drivers', {}), f'{where}.drivers', (), DISTRIBUTIONS)
    known = {name: read_driver(item, f'{where}.drivers.{name}') for name, item in drivers.items()}
    return Gripper(**texts, **numbers, **rates, joints=joints, drivers=known)


def read_driver(data: Any, where: str) -> GripperDriver:
    """Turn a mapping with the keys of `GripperDriver` into one.

    Raises:
        ProfileError: naming the key that is wrong.
    """
    kind = data.get('kind') if isinstance(data, dict) else None
    if kind is not None and kind not in DRIVER_KINDS:
        raise ProfileError(f'{where}.kind: got {kind!r}; allowed: {", ".join(DRIVER_KINDS)}')
    keys = ('action', 'joint', 'open', 'closed', 'source')
    if kind == 'none':
        fields = require_mapping(data, where, ('kind',), (*keys, 'max_effort'))
        if 'joint' not in fields:
            return GripperDriver('none')
        fields = {'action': 'none', 'source': 'not given', **fields}
    else:
        fields = data
    require_mapping(fields, where, ('kind', *keys), ('max_effort',))
    named = ('kind', 'action', 'joint', 'source')
    texts: dict[str, Any] = {key: require_text(fields[key], f'{where}.{key}') for key in named}
    numbers: dict[str, Any] = {key: require_number(fields[key], f'{where}.{key}') for key in ('open', 'closed')}
    if numbers['open'] == numbers['closed']:
        raise ProfileError(f'{where}: open and closed are both {numbers["open"]}')
    effort = require_number(fields.get('max_effort', 0.0), f'{where}.max_effort', 0.0)
    return GripperDriver(**texts, **numbers, max_effort=effort)
