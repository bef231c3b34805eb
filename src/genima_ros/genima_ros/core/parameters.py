# SPDX-License-Identifier: Apache-2.0
"""Parameters with a description and a range, in one line each."""

from collections.abc import Sequence
from typing import Any

from rcl_interfaces.msg import FloatingPointRange, IntegerRange, ParameterDescriptor
from rclpy.node import Node

from genima.errors import GenimaError
from genima_ros.core.caps import MOST_TEXT


def declare(
    node: Node, name: str, default: Any, description: str, *, between: tuple[Any, Any] | None = None, live: bool = False
) -> Any:
    """Declare a parameter and return its value.

    Args:
        node: the node that owns it.
        name: its name; the unit belongs in it.
        default: its value where nobody gives one; its type is the parameter's type.
        description: what it does, shown by `ros2 param describe`.
        between: smallest and largest allowed number.
        live: whether it may be changed while the node runs.

    Raises:
        GenimaError: if a text that may be changed is longer than `caps.MOST_TEXT`.
    """
    descriptor = ParameterDescriptor(description=description, read_only=not live)
    if between is not None and isinstance(default, float):
        descriptor.floating_point_range = [FloatingPointRange(from_value=between[0], to_value=between[1], step=0.0)]
    elif between is not None:
        descriptor.integer_range = [IntegerRange(from_value=between[0], to_value=between[1], step=1)]
    value = node.declare_parameter(name, default, descriptor).value
    if live and isinstance(value, str) and len(value) > MOST_TEXT:
        raise GenimaError(f'parameter {name} has {len(value)} characters, allowed are {MOST_TEXT}')
    return value


def not_given(node: Node, names: Sequence[str]) -> list[str]:
    """Return which parameters nobody gave a value: no file, command line or launch file that reached the node."""
    missing = []
    for name in names:
        probed = node.declare_parameter(name, None, ParameterDescriptor(dynamic_typing=True))
        if probed.value is None:
            missing.append(name)
        node.undeclare_parameter(name)
    return missing
