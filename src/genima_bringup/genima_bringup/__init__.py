# SPDX-License-Identifier: Apache-2.0
"""Which nodes make a stack, how they are started with and without ROS 2, and a client that watches them."""

import genima_ros  # noqa: F401  its gate decides which rclpy this is
