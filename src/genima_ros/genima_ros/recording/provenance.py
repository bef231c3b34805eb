# SPDX-License-Identifier: Apache-2.0
"""Where an episode comes from, as parameters of the recorder: what no topic says."""

import json
import math
import os
import platform
from datetime import date, datetime, timezone
from importlib.metadata import version
from typing import Any

import rclpy
from rclpy.node import Node

from genima import __version__
from genima.errors import DatasetError
from genima.rig.rig import Rig
from genima.robots.profile import RobotProfile
from genima_msgs.msg import CameraCheck
from genima_ros.core import qos
from genima_ros.core.caps import keep
from genima_ros.core.parameters import declare
from genima_ros.rig.parameter import resolved

WORDS = ('task', 'instruction', 'operator', 'robot_serial', 'licence', 'source')
TABLES = ('camera_hardware', 'calibration', 'diversity')


class Provenance:
    """Parameters that may change between two episodes.

    Args:
        node: That has them.
        profile: The robot.
        rig: Topics of cameras and joints.
    """

    def __init__(self, node: Node, profile: RobotProfile, rig: Rig) -> None:
        self._node, self._profile, self._rig, self._cameras = node, profile, rig, rig.names
        declare(node, 'task', '', 'Name of the task, for example pick.', live=True)
        declare(node, 'instruction', '', 'The task in words.', live=True)
        declare(node, 'operator', '', 'Who demonstrates.', live=True)
        declare(node, 'robot_serial', '', 'Serial number of the arm.', live=True)
        declare(node, 'licence', '', 'Licence of the data, for example CC-BY-4.0.', live=True)
        declare(node, 'source', 'teleoperation', 'How the demonstration is made.', live=True)
        declare(node, 'camera_hardware', '{}', 'JSON: {"<camera>": {"model": "...", "serial": "..."}}.', live=True)
        declare(node, 'calibration', '{}', 'JSON: {"id": "...", "date": "2026-11-01"}.', live=True)
        declare(node, 'diversity', '{}', 'JSON: {"lighting": ..., "background": ..., "object_material": ...}.', live=True)
        self._checks: dict[str, CameraCheck] = {}
        node.create_subscription(CameraCheck, 'camera_check', self._on_check, qos.STATISTICS)

    def _on_check(self, message: CameraCheck) -> None:
        keep(self._checks, message.camera, message)

    def read(self, simulated: bool, instruction: str = '', seed: int = -1) -> dict[str, Any]:
        """Return the provenance of an episode that begins now.

        Args:
            simulated: Whether time is.
            instruction: In place of the parameter, unless empty.
            seed: Of a simulated scene, negative where there is none.

        Raises:
            DatasetError: if a parameter is not the JSON that it should be; names it.
        """
        words = {name: self._node.get_parameter(name).value for name in WORDS}
        tables = {name: self._table(name) for name in TABLES}
        unknown = sorted(set(tables['camera_hardware']) - set(self._cameras))
        if unknown:
            raise DatasetError(f'parameter camera_hardware: no cameras {", ".join(unknown)}; there are {self._cameras}')
        if 'date' in tables['calibration']:
            tables['calibration']['age_days'] = _age_days(tables['calibration']['date'])
        known = {
            'robot': self._profile.name,
            'joint_names': list(self._profile.arm_joints),
            'cameras': list(self._cameras),
            **words,
            **tables,
            'rig': resolved(self._node, self._rig).to_dict(),
            'simulated': simulated,
            'software': software(),
            'distribution': os.environ.get('ROS_DISTRO', '') if _is_ros2() else 'rosless',
            'namespace': self._node.get_namespace(),
            'recorded_at': datetime.now(timezone.utc).isoformat(timespec='seconds'),
        }
        if self._checks:
            known['camera_checks'] = {name: check_summary(check) for name, check in sorted(self._checks.items())}
        known.update({'instruction': instruction} if instruction else {})
        known.update({'seed': seed} if seed >= 0 else {})
        return known

    def _table(self, name: str) -> dict[str, Any]:
        text = self._node.get_parameter(name).value
        try:
            table = json.loads(text)
        except ValueError as error:
            raise DatasetError(f'parameter {name}: {text!r} is not JSON ({error})') from error
        if not isinstance(table, dict):
            raise DatasetError(f'parameter {name}: {text!r}; it is a table in braces')
        return table


def check_summary(check: CameraCheck) -> dict[str, Any]:
    """Return what the newest check of a camera said before the episode, for JSON, which knows no NaN."""
    figures = {
        'drift_px': check.drift_px,
        'projection_error_px': check.projection_error_px,
        'calibration_age_days': check.calibration_age_days,
    }
    known = {name: round(float(value), 3) if math.isfinite(value) else None for name, value in figures.items()}
    return {'ok': bool(check.ok), 'problems': list(check.problems), **known}


def software() -> str:
    """Return the versions of what makes a recording."""
    middleware = f'ROS 2 {os.environ.get("ROS_DISTRO", "of unknown version")}' if _is_ros2() else 'rosless'
    return f'genima {__version__}, {middleware}, Python {platform.python_version()}, mcap {version("mcap")}'


def _is_ros2() -> bool:
    return 'rosless' not in str(rclpy.__file__)


def _age_days(text: Any) -> int:
    try:
        return (datetime.now(timezone.utc).date() - date.fromisoformat(text)).days
    except (TypeError, ValueError) as error:
        raise DatasetError(f'parameter calibration: date {text!r}; the form is 2026-11-01') from error
