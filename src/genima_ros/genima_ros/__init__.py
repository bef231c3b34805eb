# SPDX-License-Identifier: Apache-2.0
"""The nodes. They are ordinary rclpy code; on a machine without ROS 2 `rosless` answers to that name.

The gate stands here because a package is imported before its modules: no node can import rclpy before it.
"""

from importlib.util import find_spec

if find_spec('rosless') is not None:
    import rosless

    try:
        rosless.ensure()
    except (ImportError, RuntimeError, ValueError) as error:
        raise SystemExit(f'error: {error}') from error
