# SPDX-License-Identifier: Apache-2.0
"""rosless: ordinary rclpy nodes on machines that have no ROS 2.

`rosless.ensure()` makes `import rclpy` and `from sensor_msgs.msg import Image` work: with the real ROS 2 where it is
installed, else with a subset of rclpy's API over Eclipse Cyclone DDS (from PyPI) that speaks ROS 2's wire protocol.
`python -m rosless package.module [arguments]` runs a module that way.
"""

from rosless.gate import RosEnvironmentError, active, ensure

__all__ = ['RosEnvironmentError', 'active', 'ensure']
