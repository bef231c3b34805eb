# SPDX-License-Identifier: Apache-2.0
"""The web side of the operator console: images, status and commands for browsers. It knows no ROS.

The modules of `console_node` that do: `clients`, `inputs`, `listener`, `scene` and `views`.
"""
