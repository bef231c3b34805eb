# SPDX-License-Identifier: Apache-2.0
"""A Franka arm on its own protocol (FCI): its joint trajectory controller in a process of its own, without ROS 2."""
