# SPDX-License-Identifier: Apache-2.0
"""The gate of rclpy stands before every test of this folder."""

import genima_bringup  # noqa: F401
