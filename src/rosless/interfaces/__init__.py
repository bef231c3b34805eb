# SPDX-License-Identifier: Apache-2.0
"""ROS 2 messages and services from their definitions: classes that behave like rclpy's, and their CDR form."""
