# SPDX-License-Identifier: Apache-2.0
"""The exceptions of rclpy that the subset raises, with the same names and texts."""

from typing import Any


class RCLError(RuntimeError):
    """An operation failed in the layer below, or on something that was shut down."""


class InvalidHandle(Exception):
    """Something was used after it had been destroyed."""


class NotInitializedException(Exception):
    """Something was used before `rclpy.init()`."""

    def __init__(self, message: str | None = None) -> None:
        super().__init__('rclpy.init() has not been called.' + (f' msg:{message}' if message else ''))


class ExternalShutdownException(Exception):
    """The context has ended, by SIGTERM for instance, and something that needs it was going on (rclpy.executors)."""

    def __init__(self, *args: Any) -> None:
        super().__init__(*(args or ('The context was shut down',)))


class UnknownROSArgsError(RCLError):
    """An argument after --ros-args is not known."""


class NameValidationException(Exception):
    """A name is not allowed by ROS 2's rules."""

    def __init__(self, name_type: str, name: str, error_msg: str, invalid_index: int) -> None:
        super().__init__(f"Invalid {name_type}: {error_msg}:\n  '{name}'\n   {' ' * invalid_index}^")


class InvalidNamespaceException(NameValidationException):
    """A namespace is not allowed."""

    def __init__(self, name: str, error_msg: str, invalid_index: int) -> None:
        super().__init__('namespace', name, error_msg, invalid_index)


class InvalidNodeNameException(NameValidationException):
    """A node name is not allowed."""

    def __init__(self, name: str, error_msg: str, invalid_index: int) -> None:
        super().__init__('node name', name, error_msg, invalid_index)


class InvalidTopicNameException(NameValidationException):
    """A topic name is not allowed."""

    def __init__(self, name: str, error_msg: str, invalid_index: int) -> None:
        super().__init__('topic name', name, error_msg, invalid_index)


class InvalidServiceNameException(NameValidationException):
    """A service name is not allowed."""

    def __init__(self, name: str, error_msg: str, invalid_index: int) -> None:
        super().__init__('service name', name, error_msg, invalid_index)


class ParameterException(Exception):
    """Base of the errors with parameters."""

    def __init__(self, error_msg: str, parameters: str | list[str]) -> None:
        super().__init__(f'{error_msg}: {parameters}')


class ParameterNotDeclaredException(ParameterException):
    """A parameter was not declared."""

    def __init__(self, parameters: str | list[str]) -> None:
        super().__init__('Invalid access to undeclared parameter(s)', parameters)


class ParameterAlreadyDeclaredException(ParameterException):
    """A parameter was declared twice."""

    def __init__(self, parameters: str | list[str]) -> None:
        super().__init__('Parameter(s) already declared', parameters)


class InvalidParameterException(ParameterException):
    """The name of a parameter is not allowed."""

    def __init__(self, parameter_name: str) -> None:
        super().__init__('Invalid parameter name', parameter_name)


class InvalidParameterTypeException(ParameterException):
    """A value has another type than the parameter was declared with."""

    def __init__(self, desired_parameter: Any, expected_type: Any) -> None:
        super().__init__(
            f"Trying to set parameter '{desired_parameter.name}' to '{desired_parameter.value}' of type "
            f"'{desired_parameter.type_.name}', expecting type '{expected_type}'",
            desired_parameter.name,
        )


class InvalidParameterValueException(ParameterException):
    """A value was refused by the range of the parameter or by a callback."""

    def __init__(self, parameter: str, value: Any, reason: str) -> None:
        super().__init__(f'Invalid parameter value ({value}) for parameter. Reason: {reason}', parameter)


class ParameterImmutableException(ParameterException):
    """A read-only parameter was to be changed."""

    def __init__(self, parameter_name: str) -> None:
        super().__init__('Attempted to modify read-only parameter', parameter_name)


class ParameterUninitializedException(ParameterException):
    """A parameter that was declared without a value was read."""

    def __init__(self, parameter_name: str) -> None:
        super().__init__(f"The parameter '{parameter_name}' is not initialized", parameter_name)
