# SPDX-License-Identifier: Apache-2.0
"""Record demonstrations: `ros2 launch genima_bringup record.launch.py` (`--show-args` lists the arguments)."""

from genima_bringup.ros_launch import describe
from launch import LaunchDescription


def generate_launch_description() -> LaunchDescription:
    """Return the stack `record` of the table of nodes."""
    return describe('record')
