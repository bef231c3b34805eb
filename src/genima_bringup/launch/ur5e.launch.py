# SPDX-License-Identifier: Apache-2.0
"""Start the UR5e stack: `ros2 launch genima_bringup ur5e.launch.py` (`--show-args` lists the arguments)."""

from genima_bringup.ros_launch import describe
from launch import LaunchDescription


def generate_launch_description() -> LaunchDescription:
    """Return the stack `ur5e` of the table of nodes."""
    return describe('ur5e')
