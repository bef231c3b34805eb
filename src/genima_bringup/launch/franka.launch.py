# SPDX-License-Identifier: Apache-2.0
"""Start the Franka stack: `ros2 launch genima_bringup franka.launch.py` (`--show-args` lists the arguments)."""

from genima_bringup.ros_launch import describe
from launch import LaunchDescription


def generate_launch_description() -> LaunchDescription:
    """Return the stack `franka` of the table of nodes."""
    return describe('franka')
