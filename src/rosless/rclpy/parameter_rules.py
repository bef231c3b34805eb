# SPDX-License-Identifier: Apache-2.0
"""Who decides whether a parameter may change: its descriptor, and the callbacks of the node."""

import math
from collections.abc import Callable
from typing import Any

from .parameter import PARAMETER_SEPARATOR_STRING, Parameter

_RELATIVE_TOLERANCE = 1e-6
PreCallback = Callable[[list[Parameter]], list[Parameter]]
CheckCallback = Callable[[list[Parameter]], Any]
PostCallback = Callable[[list[Parameter]], None]


def violation(parameter: Parameter, descriptor: Any, *, declared: bool) -> str:
    """Return why a descriptor refuses a value, or ''; completes the descriptor's name and (if dynamic) type.

    Args:
        parameter: the new value.
        descriptor: a rcl_interfaces/ParameterDescriptor, or None, which allows everything.
        declared: the parameter exists; it can then be read-only.
    """
    if descriptor is None:
        return ''
    descriptor.name = parameter.name
    if declared and descriptor.read_only:
        return f'Trying to set a read-only parameter: {parameter.name}.'
    if descriptor.dynamic_typing:
        descriptor.type = int(parameter.type_)
    elif parameter.type_ == Parameter.Type.NOT_SET:
        return 'Static parameter cannot be undeclared' if declared else ''
    elif parameter.type_ != descriptor.type:
        return f'Wrong parameter type, expected {Parameter.Type(descriptor.type).name} got {parameter.type_.name}'
    if parameter.type_ == Parameter.Type.INTEGER and descriptor.integer_range:
        return _range_violation(parameter, descriptor.integer_range[0], 0.0)
    if parameter.type_ == Parameter.Type.DOUBLE and descriptor.floating_point_range:
        return _range_violation(parameter, descriptor.floating_point_range[0], _RELATIVE_TOLERANCE)
    return ''


def _range_violation(parameter: Parameter, limits: Any, tolerance: float) -> str:
    value, low, high = parameter.value, *sorted((limits.from_value, limits.to_value))
    if any(math.isclose(value, edge, rel_tol=tolerance) for edge in (low, high)):
        return ''
    if not low < value < high:
        return f'Parameter {parameter.name} out of range. Min: {low}, Max: {high}, value: {value}'
    if limits.step and not math.isclose(low + round((value - low) / limits.step) * limits.step, value, rel_tol=tolerance):
        return (
            f'The parameter value for {parameter.name} is not a valid step. '
            f'Min: {low}, max: {high}, value: {value}, step: {limits.step}'
        )
    return ''


def is_listed(name: str, prefixes: list[str], depth: int) -> bool:
    """Return whether a parameter is one of the prefixes or below one, at most `depth` parts (0: without limit)."""
    for prefix in prefixes or ['']:
        start = f'{prefix}{PARAMETER_SEPARATOR_STRING}' if prefix else ''
        shallow = not depth or name.removeprefix(start).count(PARAMETER_SEPARATOR_STRING) < depth
        if name == prefix or (name.startswith(start) and shallow):
            return True
    return False


class ParameterCallbacks:
    """The callbacks of a node around changes of its parameters."""

    def __init__(self) -> None:
        self._rl_pre_callbacks: list[PreCallback] = []
        self._rl_check_callbacks: list[CheckCallback] = []
        self._rl_post_callbacks: list[PostCallback] = []

    def add_pre_set_parameters_callback(self, callback: PreCallback) -> None:
        """Have `callback(parameters)` called before a change; it returns what is to be changed instead."""
        self._rl_pre_callbacks.insert(0, callback)

    def add_on_set_parameters_callback(self, callback: CheckCallback) -> None:
        """Have `callback(parameters)` asked before a change; it returns a rcl_interfaces/SetParametersResult."""
        self._rl_check_callbacks.insert(0, callback)

    def add_post_set_parameters_callback(self, callback: PostCallback) -> None:
        """Have `callback(parameters)` called after a change."""
        self._rl_post_callbacks.insert(0, callback)

    def remove_pre_set_parameters_callback(self, callback: PreCallback) -> None:
        """Undo `add_pre_set_parameters_callback`."""
        self._rl_pre_callbacks.remove(callback)

    def remove_on_set_parameters_callback(self, callback: CheckCallback) -> None:
        """Undo `add_on_set_parameters_callback`."""
        self._rl_check_callbacks.remove(callback)

    def remove_post_set_parameters_callback(self, callback: PostCallback) -> None:
        """Undo `add_post_set_parameters_callback`."""
        self._rl_post_callbacks.remove(callback)
