# SPDX-License-Identifier: Apache-2.0
"""Chunks of the controller, the plan that is sent to the robot, and the splice of one onto the other."""
