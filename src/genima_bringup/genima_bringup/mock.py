# SPDX-License-Identifier: Apache-2.0
"""ros2_control's mock hardware in place of a driver: a trajectory controller on a position interface, moving nothing."""

from pathlib import Path
from typing import Any

import yaml

from genima.robots.profile import RobotProfile
from genima_bringup.table import MockHardware

MOCK_RATE_HZ = 500
JOINT_STATE_RATE_HZ = 100  # each of our nodes reads them, in Python
BROADCASTER = 'joint_state_broadcaster'
KIND = 'joint_trajectory_controller/JointTrajectoryController'
ALIKE = ('xarm7', 'xarm7_traj_controller')  # an arm with a position interface, and its controller
# what belongs to the hardware that the shipped parameters are for
OF_HARDWARE = ('type', 'gains', 'speed_scaling_interface_name', 'speed_scaling')


def mock_hardware(profile: RobotProfile, controller: str, folder: Path) -> MockHardware:
    """Return the parameters of controller manager and controllers: those that `folder` has, on a position interface."""
    own = {**_shipped(profile, controller, folder), 'type': KIND, 'command_interfaces': ['position']}
    parameters = {
        'controller_manager': {
            'update_rate': MOCK_RATE_HZ,
            'enforce_command_limits': True,  # the second line, with the limits of our URDF
            BROADCASTER: {'type': 'joint_state_broadcaster/JointStateBroadcaster'},
            controller: {'type': KIND},
        },
        BROADCASTER: {'update_rate': JOINT_STATE_RATE_HZ},
        controller: own,
    }
    named = {name: {'ros__parameters': values} for name, values in parameters.items()}
    return MockHardware(named, (BROADCASTER, controller))


def _shipped(profile: RobotProfile, controller: str, folder: Path) -> dict[str, Any]:
    """Return what `folder` says of the controller; for arms without a file there, the same choices for their joints."""
    shipped = _parameters(folder / f'{profile.name}.yaml', controller)
    if not shipped:
        alike = _parameters(folder / f'{ALIKE[0]}.yaml', ALIKE[1])
        goal_time = {'goal_time': alike['constraints']['goal_time']}
        shipped = {**alike, 'joints': list(profile.arm_joints), 'constraints': goal_time}
    return {key: value for key, value in shipped.items() if key not in OF_HARDWARE}


def _parameters(path: Path, controller: str) -> dict[str, Any]:
    if not path.is_file():
        return {}
    found: dict[str, Any] = yaml.safe_load(path.read_text(encoding='utf-8')).get(controller, {}).get('ros__parameters', {})
    return found
