# SPDX-License-Identifier: Apache-2.0
"""The default context, and small things around it."""

import sys
from collections.abc import Sequence

from . import arguments
from .context import Context

_default_context = Context()


def get_default_context(*, shutting_down: bool = False) -> Context:
    """Return the context that `rclpy.init()` starts."""
    return _default_context


def ok(*, context: Context | None = None) -> bool:
    """Return whether the context runs."""
    return (context or _default_context).ok()


def remove_ros_args(args: Sequence[str] | None = None) -> list[str]:
    """Return the arguments (of the process if none are given) that are not for ROS."""
    return arguments.remove_ros_args(sys.argv if args is None else args)


def get_rmw_implementation_identifier() -> str:
    """Return a name for this middleware, like `rmw_cyclonedds_cpp` in real ROS 2."""
    return 'rosless_cyclonedds'
