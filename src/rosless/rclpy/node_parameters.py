# SPDX-License-Identifier: Apache-2.0
"""The parameters of a node: declaring, reading, checking, changing."""

from collections.abc import Sequence
from typing import Any

from rcl_interfaces.msg import (
    ListParametersResult,
    ParameterDescriptor,
    ParameterEvent,
    SetParametersResult,
)
from rcl_interfaces.msg import ParameterValue as ParameterValueMessage

from .exceptions import (
    InvalidParameterException,
    InvalidParameterTypeException,
    InvalidParameterValueException,
    ParameterAlreadyDeclaredException,
    ParameterImmutableException,
    ParameterNotDeclaredException,
    ParameterUninitializedException,
)
from .node_names import GraphQueries
from .parameter import PARAMETER_SEPARATOR_STRING, Parameter, parameter_value_to_python
from .parameter_rules import ParameterCallbacks, is_listed, violation


def _refused(reason: str) -> Any:
    return SetParametersResult(successful=False, reason=reason)


class NodeParameters(ParameterCallbacks, GraphQueries):
    """The parameter part of `Node`."""

    def __init__(self, overrides: dict[str, Any], allow_undeclared: bool) -> None:
        super().__init__()
        self._rl_parameters: dict[str, Parameter] = {}
        self._rl_descriptors: dict[str, Any] = {}
        self._rl_overrides, self._rl_allow_undeclared = overrides, allow_undeclared

    def _rl_publish_parameter_event(self, event: Any) -> None:
        raise NotImplementedError

    # declaring

    def declare_parameter(
        self, name: str, value: Any = None, descriptor: Any = None, ignore_override: bool = False
    ) -> Parameter:
        """Declare a parameter and return it; its value is the one from the command line or file, else `value`.

        Args:
            name: the full name, parts separated by dots.
            value: the default, which sets the type; or a `Parameter.Type` where there is none.
            descriptor: a rcl_interfaces/ParameterDescriptor with description, range, read_only, dynamic_typing.
            ignore_override: take `value` in any case.

        Raises:
            ParameterAlreadyDeclaredException, InvalidParameterException: for the name.
            InvalidParameterTypeException, InvalidParameterValueException: if a value does not fit.
        """
        descriptor = ParameterDescriptor() if descriptor is None else descriptor
        return self.declare_parameters('', [(name, value, descriptor)], ignore_override)[0]

    def declare_parameters(
        self, namespace: str, parameters: Sequence[tuple[Any, ...]], ignore_override: bool = False
    ) -> list[Parameter]:
        """Declare several parameters, each given as (name, value) or (name, value, descriptor); see above."""
        prefix = f'{namespace}{PARAMETER_SEPARATOR_STRING}' if namespace else ''
        declared = []
        for name, *rest in parameters:
            if not isinstance(name, str) or len(rest) > 2:
                raise TypeError(f'expected (name, value) or (name, value, descriptor), got {(name, *rest)!r}')
            value = rest[0] if rest else None
            descriptor = rest[1] if len(rest) > 1 else ParameterDescriptor()
            declared.append(self._rl_declare(prefix + name, value, descriptor, ignore_override))
        return declared

    def _rl_declare(self, name: str, value: Any, descriptor: Any, ignore_override: bool) -> Parameter:
        if not name or name.startswith('.') or name.endswith('.'):
            raise InvalidParameterException(name)
        if not isinstance(descriptor, ParameterDescriptor):
            raise TypeError(f'{name}: {descriptor!r} is not a ParameterDescriptor')
        if name in self._rl_parameters:
            raise ParameterAlreadyDeclaredException([name])
        if isinstance(value, ParameterValueMessage):
            value = parameter_value_to_python(value)
        if isinstance(value, Parameter.Type):
            descriptor.type, value = int(value), None
        elif not descriptor.dynamic_typing:
            descriptor.type = int(Parameter.Type.from_parameter_value(value))
        if descriptor.type == Parameter.Type.NOT_SET and not descriptor.dynamic_typing:
            raise ValueError(f'Cannot declare the statically typed parameter {name} without a value or a type')
        if not ignore_override and name in self._rl_overrides:
            value = self._rl_overrides[name]
        parameter = self._rl_typed(name, value, descriptor)
        result = self._rl_change([parameter], {name: descriptor}, keep_unset=True)
        if not result.successful:
            if result.reason.startswith('Wrong parameter type'):
                raise InvalidParameterTypeException(parameter, Parameter.Type(descriptor.type).name)
            raise InvalidParameterValueException(name, parameter.value, result.reason)
        return parameter

    @staticmethod
    def _rl_typed(name: str, value: Any, descriptor: Any) -> Parameter:
        wanted = Parameter.Type(descriptor.type)
        empty = isinstance(value, list) and not value
        return Parameter(name, wanted if empty and wanted >= Parameter.Type.BYTE_ARRAY else None, value)

    def undeclare_parameter(self, name: str) -> None:
        """Forget a parameter."""
        if not self.has_parameter(name):
            raise ParameterNotDeclaredException(name)
        if self._rl_descriptors[name].read_only:
            raise ParameterImmutableException(name)
        del self._rl_parameters[name], self._rl_descriptors[name]

    # reading

    def has_parameter(self, name: str) -> bool:
        """Return whether a parameter is declared."""
        return name in self._rl_parameters

    def get_parameter(self, name: str) -> Parameter:
        """Return a parameter.

        Raises:
            ParameterNotDeclaredException, ParameterUninitializedException: if it is not declared or has no value.
        """
        parameter = self._rl_parameters.get(name)
        if parameter is None:
            if self._rl_allow_undeclared:
                return Parameter(name, Parameter.Type.NOT_SET, None)
            raise ParameterNotDeclaredException(name)
        if parameter.type_ == Parameter.Type.NOT_SET and not self._rl_descriptors[name].dynamic_typing:
            raise ParameterUninitializedException(name)
        return parameter

    def get_parameters(self, names: list[str]) -> list[Parameter]:
        """Return several parameters; see `get_parameter`."""
        if not all(isinstance(name, str) for name in names):
            raise TypeError('All names must be instances of type str')
        return [self.get_parameter(name) for name in names]

    def get_parameter_or(self, name: str, alternative_value: Parameter | None = None) -> Parameter:
        """Return a parameter, or the alternative where it is not declared or has no value."""
        parameter = self._rl_parameters.get(name)
        if parameter is not None and parameter.type_ != Parameter.Type.NOT_SET:
            return parameter
        return alternative_value if alternative_value is not None else Parameter(name, Parameter.Type.NOT_SET)

    def get_parameters_by_prefix(self, prefix: str) -> dict[str, Parameter]:
        """Return the parameters below a prefix, without it."""
        full = f'{prefix}{PARAMETER_SEPARATOR_STRING}' if prefix else ''
        return {name[len(full) :]: item for name, item in self._rl_parameters.items() if name.startswith(full)}

    def get_parameter_type(self, name: str) -> Parameter.Type:
        """Return the type of a parameter."""
        if self.has_parameter(name):
            return self._rl_parameters[name].type_
        if self._rl_allow_undeclared:
            return Parameter.Type.NOT_SET
        raise ParameterNotDeclaredException(name)

    def get_parameter_types(self, names: list[str]) -> list[Parameter.Type]:
        """Return the types of several parameters."""
        return [self.get_parameter_type(name) for name in names]

    def describe_parameter(self, name: str) -> Any:
        """Return the descriptor of a parameter."""
        if name in self._rl_descriptors:
            return self._rl_descriptors[name]
        if self._rl_allow_undeclared:
            return ParameterDescriptor()
        raise ParameterNotDeclaredException(name)

    def describe_parameters(self, names: list[str]) -> list[Any]:
        """Return the descriptors of several parameters."""
        return [self.describe_parameter(name) for name in names]

    def list_parameters(self, prefixes: list[str], depth: int) -> Any:
        """Return the names below the prefixes (all without any), at most `depth` parts deeper (0: without limit)."""
        result = ListParametersResult()
        result.names = [name for name in self._rl_parameters if is_listed(name, prefixes, depth)]
        parents = (name.rpartition(PARAMETER_SEPARATOR_STRING)[0] for name in result.names)
        result.prefixes = list(dict.fromkeys(parent for parent in parents if parent))
        return result

    # changing

    def set_parameters(self, parameter_list: list[Parameter]) -> list[Any]:
        """Change parameters one after the other and return a rcl_interfaces/SetParametersResult for each.

        Raises:
            ParameterNotDeclaredException: if one was not declared; those before it are changed.
        """
        return [self.set_parameters_atomically([parameter]) for parameter in parameter_list]

    def set_parameters_atomically(self, parameter_list: list[Parameter]) -> Any:
        """Change all parameters or none, and return one rcl_interfaces/SetParametersResult.

        Raises:
            ParameterNotDeclaredException: if one was not declared.
        """
        for before in self._rl_pre_callbacks:
            parameter_list = before(parameter_list)
        if not parameter_list and self._rl_pre_callbacks:
            return _refused('parameter list cannot be empty, a pre_set_parameters_callback has emptied it')
        if not all(isinstance(parameter, Parameter) for parameter in parameter_list):
            raise TypeError(f'parameter must be instance of type {Parameter!r}')
        undeclared = [parameter.name for parameter in parameter_list if parameter.name not in self._rl_parameters]
        if undeclared and not self._rl_allow_undeclared:
            raise ParameterNotDeclaredException(undeclared)
        return self._rl_change(parameter_list, None, keep_unset=False)

    def _rl_change(self, parameters: list[Parameter], new: dict[str, Any] | None, keep_unset: bool) -> Any:
        for parameter in parameters:
            descriptor = (self._rl_descriptors if new is None else new).get(parameter.name)
            reason = violation(parameter, descriptor, declared=new is None)
            if reason:
                return _refused(reason)
        for check in self._rl_check_callbacks:
            result = check(parameters)
            if not result.successful:
                return result
        event = ParameterEvent(node=self.get_fully_qualified_name())
        for parameter in parameters:
            self._rl_store(parameter, new, keep_unset, event)
        self._rl_publish_parameter_event(event)
        for after in self._rl_post_callbacks:
            after(parameters)
        return SetParametersResult(successful=True)

    def _rl_store(self, parameter: Parameter, new: dict[str, Any] | None, keep_unset: bool, event: Any) -> None:
        name, message = parameter.name, parameter.to_parameter_msg()
        if parameter.type_ == Parameter.Type.NOT_SET and not keep_unset:
            event.deleted_parameters.append(message)
            self._rl_parameters.pop(name, None)
            self._rl_descriptors.pop(name, None)
            return
        if new is not None:
            self._rl_descriptors[name] = new[name]
        self._rl_descriptors.setdefault(name, ParameterDescriptor(name=name, dynamic_typing=True))
        known = self.get_parameter_or(name).type_ != Parameter.Type.NOT_SET
        (event.changed_parameters if known else event.new_parameters).append(message)
        self._rl_parameters[name] = parameter
