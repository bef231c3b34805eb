# SPDX-License-Identifier: Apache-2.0
"""ros2_control's mock hardware in place of a driver: the shipped controller, on a position interface, moving nothing."""

from typing import Any

import yaml

from genima.errors import GenimaError
from genima.files import config_dir

MOCK_RATE_HZ = 500
JOINT_STATE_RATE_HZ = 100  # each of our nodes reads them, in Python
BROADCASTER = 'joint_state_broadcaster'


def mock_parameters(robot: str, controller: str) -> dict[str, Any]:
    """Return the parameters of controller manager and controllers.

    Raises:
        GenimaError: if no controller parameters are shipped for the robot.
    """
    path = config_dir() / 'controllers' / f'{robot}.yaml'
    if not path.is_file():
        known = ', '.join(sorted(file.stem for file in path.parent.glob('*.yaml')))
        raise GenimaError(f'mock:=true: no controller parameters for robot {robot}, only for {known}')
    shipped = yaml.safe_load(path.read_text(encoding='utf-8'))[controller]['ros__parameters']
    own = {key: value for key, value in shipped.items() if key not in ('type', 'gains', 'speed_scaling_interface_name')}
    kind = 'joint_trajectory_controller/JointTrajectoryController'
    return {
        'controller_manager': {
            'ros__parameters': {
                'update_rate': MOCK_RATE_HZ,
                BROADCASTER: {'type': 'joint_state_broadcaster/JointStateBroadcaster'},
                controller: {'type': kind},
            }
        },
        BROADCASTER: {'ros__parameters': {'update_rate': JOINT_STATE_RATE_HZ}},
        controller: {'ros__parameters': {**own, 'type': kind, 'command_interfaces': ['position']}},
    }
