# SPDX-License-Identifier: Apache-2.0
"""What rosbags' set lacks: std_srvs, the parameter services of rcl_interfaces, and the state of a trajectory controller."""

from rosless.interfaces.definitions import register_message, register_service

_PARAMETER, _VALUE = 'rcl_interfaces/Parameter', 'rcl_interfaces/ParameterValue'
_RESULT = 'rcl_interfaces/SetParametersResult'
_SERVICES = {
    'std_srvs/srv/Empty': '---\n',
    'std_srvs/srv/SetBool': 'bool data\n---\nbool success\nstring message\n',
    'std_srvs/srv/Trigger': '---\nbool success\nstring message\n',
    'rcl_interfaces/srv/DescribeParameters': ('string[] names\n---\nrcl_interfaces/ParameterDescriptor[] descriptors\n'),
    'rcl_interfaces/srv/GetParameterTypes': 'string[] names\n---\nuint8[] types\n',
    'rcl_interfaces/srv/GetParameters': f'string[] names\n---\n{_VALUE}[] values\n',
    'rcl_interfaces/srv/ListParameters': (
        'uint64 DEPTH_RECURSIVE=0\nstring[] prefixes\nuint64 depth\n---\nrcl_interfaces/ListParametersResult result\n'
    ),
    'rcl_interfaces/srv/SetParameters': f'{_PARAMETER}[] parameters\n---\n{_RESULT}[] results\n',
    'rcl_interfaces/srv/SetParametersAtomically': f'{_PARAMETER}[] parameters\n---\n{_RESULT} result\n',
}


_POINT, _MULTI_DOF_POINT = 'trajectory_msgs/JointTrajectoryPoint', 'trajectory_msgs/MultiDOFJointTrajectoryPoint'
_MESSAGES = {
    # control_msgs 5.x, as in Jazzy
    'control_msgs/msg/JointTrajectoryControllerState': (
        'std_msgs/Header header\nstring[] joint_names\n'
        f'{_POINT} reference\n{_POINT} feedback\n{_POINT} error\n{_POINT} output\n'
        f'string[] multi_dof_joint_names\n{_MULTI_DOF_POINT} multi_dof_reference\n'
        f'{_MULTI_DOF_POINT} multi_dof_feedback\n{_MULTI_DOF_POINT} multi_dof_error\n'
        f'{_MULTI_DOF_POINT} multi_dof_output\nfloat64 speed_scaling_factor\n'
    ),
}


def register_standard_interfaces() -> None:
    """Make the standard interfaces known. A second call changes nothing."""
    for name, text in _MESSAGES.items():
        register_message(text, name)
    for name, text in _SERVICES.items():
        register_service(text, name)
