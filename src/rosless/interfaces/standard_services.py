# SPDX-License-Identifier: Apache-2.0
"""The standard services, which rosbags' set lacks: std_srvs and the parameter services of rcl_interfaces."""

from rosless.interfaces.definitions import register_service

_PARAMETER, _VALUE = 'rcl_interfaces/Parameter', 'rcl_interfaces/ParameterValue'
_RESULT = 'rcl_interfaces/SetParametersResult'
_TEXTS = {
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


def register_standard_services() -> None:
    """Make the standard services known. A second call changes nothing."""
    for name, text in _TEXTS.items():
        register_service(text, name)
