# SPDX-License-Identifier: Apache-2.0
"""What rosbags' set lacks: standard services, and what the drivers of arms and grippers speak."""

from rosless.interfaces.definitions import register_action, register_message, register_service

_PARAMETER, _VALUE = 'rcl_interfaces/Parameter', 'rcl_interfaces/ParameterValue'
_RESULT = 'rcl_interfaces/SetParametersResult'
_SERVICES = {
    'action_msgs/srv/CancelGoal': (
        'action_msgs/GoalInfo goal_info\n---\nint8 ERROR_NONE=0\nint8 ERROR_REJECTED=1\nint8 ERROR_UNKNOWN_GOAL_ID=2\n'
        'int8 ERROR_GOAL_TERMINATED=3\nint8 return_code\naction_msgs/GoalInfo[] goals_canceling\n'
    ),
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
    'control_msgs/msg/GripperCommand': 'float64 position\nfloat64 max_effort\n',
    'franka_msgs/msg/GraspEpsilon': 'float64 inner\nfloat64 outer\n',
}
_GRIPPER_STATE = 'float64 position\nfloat64 effort\nbool stalled\nbool reached_goal\n'
_FRANKA_RESULT = 'bool success\nstring error\n---\nfloat64 current_width\n'
_ACTIONS = {
    'control_msgs/action/GripperCommand': f'control_msgs/GripperCommand command\n---\n{_GRIPPER_STATE}---\n{_GRIPPER_STATE}',
    'control_msgs/action/ParallelGripperCommand': (
        'sensor_msgs/JointState command\n---\n'
        'sensor_msgs/JointState state\nbool stalled\nbool reached_goal\n---\nsensor_msgs/JointState state\n'
    ),
    'tf2_msgs/action/LookupTransform': (
        'string target_frame\nstring source_frame\nbuiltin_interfaces/Time source_time\n'
        'builtin_interfaces/Duration timeout\nbuiltin_interfaces/Time target_time\nstring fixed_frame\nbool advanced\n---\n'
        'geometry_msgs/TransformStamped transform\ntf2_msgs/TF2Error error\n---\n'
    ),
    'franka_msgs/action/Move': f'float64 width\nfloat64 speed\n---\n{_FRANKA_RESULT}',
    'franka_msgs/action/Grasp': (
        f'float64 width\nfranka_msgs/GraspEpsilon epsilon\nfloat64 speed\nfloat64 force\n---\n{_FRANKA_RESULT}'
    ),
}


def register_standard_interfaces() -> None:
    """Make the standard interfaces known. A second call changes nothing."""
    for name, text in _MESSAGES.items():
        register_message(text, name)
    for name, text in _SERVICES.items():
        register_service(text, name)
    for name, text in _ACTIONS.items():
        register_action(text, name)
