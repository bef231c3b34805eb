# SPDX-License-Identifier: Apache-2.0
"""Which nodes make a stack, and how they are started with and without ROS 2."""
