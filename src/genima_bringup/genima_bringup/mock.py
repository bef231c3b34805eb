# SPDX-License-Identifier: Apache-2.0
"""ros2_control's mock hardware in place of a driver: a trajectory controller on a position interface, moving nothing."""

from typing import Any

import yaml

from genima.files import config_dir
from genima.robots.profile import RobotProfile
from genima_bringup.table import MockHardware

MOCK_RATE_HZ = 500
JOINT_STATE_RATE_HZ = 100  # each of our nodes reads them, in Python
BROADCASTER = 'joint_state_broadcaster'
KIND = 'joint_trajectory_controller/JointTrajectoryController'
# what belongs to the hardware that the shipped parameters are for
OF_HARDWARE = ('type', 'gains', 'speed_scaling_interface_name')


def mock_hardware(profile: RobotProfile, controller: str) -> MockHardware:
    """Return the parameters of controller manager and controllers: those that are shipped, on a position interface."""
    own = {**_shipped(profile, controller), 'type': KIND, 'command_interfaces': ['position']}
    parameters = {
        'controller_manager': {
            'update_rate': MOCK_RATE_HZ,
            BROADCASTER: {'type': 'joint_state_broadcaster/JointStateBroadcaster'},
            controller: {'type': KIND},
        },
        BROADCASTER: {'update_rate': JOINT_STATE_RATE_HZ},
        controller: own,
    }
    named = {name: {'ros__parameters': values} for name, values in parameters.items()}
    return MockHardware(named, (BROADCASTER, controller))


def _shipped(profile: RobotProfile, controller: str) -> dict[str, Any]:
    """Return what config/controllers says of the controller, or, for other arms, the same choices for their joints."""
    path = config_dir() / 'controllers' / f'{profile.name}.yaml'
    if path.is_file():
        shipped = yaml.safe_load(path.read_text(encoding='utf-8')).get(controller, {}).get('ros__parameters', {})
        if shipped:
            return {key: value for key, value in shipped.items() if key not in OF_HARDWARE}
    return {
        'joints': list(profile.arm_joints),
        'state_interfaces': ['position', 'velocity'],
        'interpolate_from_desired_state': True,
        'allow_partial_joints_goal': False,
        'allow_nonzero_velocity_at_trajectory_end': False,
        'state_publish_rate': 100.0,
        'cmd_timeout': 0.3,
        'constraints': {'goal_time': 0.0},
    }
