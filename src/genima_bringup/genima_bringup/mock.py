# SPDX-License-Identifier: Apache-2.0
"""ros2_control's mock hardware in place of a driver: the shipped controller, on a position interface, moving nothing."""

from typing import Any

import yaml

from genima.files import config_dir
from genima.robots.profile import RobotProfile

MOCK_RATE_HZ = 500
JOINT_STATE_RATE_HZ = 100  # each of our nodes reads them, in Python
BROADCASTER = 'joint_state_broadcaster'


def _every_arm(robot: str) -> dict[str, Any]:
    joints = list(RobotProfile.load(robot).arm_joints)
    return {
        'joints': joints,
        'command_interfaces': ['position'],
        'state_interfaces': ['position', 'velocity'],
        'interpolate_from_desired_state': True,
        'allow_partial_joints_goal': False,
        'allow_nonzero_velocity_at_trajectory_end': False,
        'state_publish_rate': 100.0,
        'cmd_timeout': 0.3,
        'constraints': {'goal_time': 0.0, **{name: {'trajectory': 0.2, 'goal': 0.05} for name in joints}},
    }


def mock_parameters(robot: str, controller: str) -> dict[str, Any]:
    """Return the parameters of controller manager and controllers; an imported arm has those that every arm has."""
    path = config_dir() / 'controllers' / f'{robot}.yaml'
    shipped = _every_arm(robot)
    if path.is_file():
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
