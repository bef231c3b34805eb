# SPDX-License-Identifier: Apache-2.0
"""What lets a motion through to the robot: limits, staleness, workspace, arming and stopping."""
