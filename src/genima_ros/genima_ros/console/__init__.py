# SPDX-License-Identifier: Apache-2.0
"""The web side of the operator console: pictures, status and commands for browsers. It knows no ROS."""
