# SPDX-License-Identifier: Apache-2.0
"""How the official driver of a robot is started: data in config/bringup, filled in."""

import os
from pathlib import Path

import yaml

from genima.errors import GenimaError
from genima.files import config_dir
from genima.robots.gripper import FALLBACK_DISTRIBUTION
from genima.robots.gripper_reading import DISTRIBUTIONS
from genima_bringup.table import DriverLaunch

OLDER_CONTROLLERS = ('humble', 'iron', 'jazzy', 'kilted')
"""Distributions whose joint_trajectory_controller is older than Lyrical's."""


def distribution() -> str:
    """Return the ROS distribution whose names are used: that of this shell, Jazzy where it is none that we know."""
    sourced = os.environ.get('ROS_DISTRO', FALLBACK_DISTRIBUTION)
    return sourced if sourced in DISTRIBUTIONS else FALLBACK_DISTRIBUTION


def distribution_note() -> str:
    """Return a warning where a distribution is sourced that nobody tried; empty otherwise."""
    sourced = os.environ.get('ROS_DISTRO', FALLBACK_DISTRIBUTION)
    if sourced in DISTRIBUTIONS:
        return ''
    return f'ROS distribution {sourced} was not tried: drivers and controllers are named as in {FALLBACK_DISTRIBUTION}'


def controllers_dir(version: str) -> Path:
    """Return the folder of controller files that the sourced ros2_controllers understands.

    Args:
        version: 'jazzy' or 'lyrical'; empty: that of this shell. One file cannot serve both: config/controllers/README.md.
    """
    older = os.environ.get('ROS_DISTRO', FALLBACK_DISTRIBUTION) in OLDER_CONTROLLERS
    return config_dir() / 'controllers' / (version or ('jazzy' if older else 'lyrical'))


def official_driver(robot: str, robot_ip: str, folder: Path) -> DriverLaunch:
    """Return how the driver of a robot is started, with controllers of `folder`.

    Raises:
        GenimaError: if it is not known for this robot and this distribution.
    """
    path = config_dir() / 'bringup' / f'{robot}.yaml'
    hint = 'start the driver yourself and pass launch_driver:=false'
    if not path.is_file():
        known = ', '.join(sorted(file.stem for file in path.parent.glob('*.yaml')))
        raise GenimaError(f'robot_ip {robot_ip}: no driver is known for robot {robot}, only for {known}; {hint}')
    by_distribution = yaml.safe_load(path.read_text(encoding='utf-8'))
    entry = distribution()
    if entry not in by_distribution:
        known = ', '.join(by_distribution)
        raise GenimaError(f'{path}: no entry for ROS distribution {entry}, only for {known}; {hint}')
    data = by_distribution[entry]
    controllers = folder / f'{robot}.yaml'
    filled = {'robot_ip': robot_ip, 'controllers': str(controllers)}
    arguments = {name: value.format(**filled) for name, value in data['arguments'].items()}
    return DriverLaunch(data['package'], data['launch'], arguments, controllers, tuple(data['spawn']))
