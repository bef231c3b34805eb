# SPDX-License-Identifier: Apache-2.0
"""What follows `--ros-args` on a command line: remappings, parameters, log levels."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from .exceptions import UnknownROSArgsError
from .names import expand_topic_name
from .parameter_files import ParameterOverride, load_parameter_file, parse_value

_IGNORED = {f'--{verb}-{kind}-logs' for verb in ('enable', 'disable') for kind in ('stdout', 'external-lib')}
_WITH_VALUE = ('-r', '--remap', '-p', '--param', '--params-file', '--log-level', '-e', '--enclave', '--log-config-file')
_SCHEMES = re.compile(r'(rostopic|rosservice)://')


@dataclass(frozen=True)
class Remap:
    """One rule `[node:]from:=to`."""

    node: str
    scheme: str
    source: str
    target: str


@dataclass
class RosArguments:
    """The ROS part of a command line."""

    remaps: list[Remap] = field(default_factory=list)
    overrides: list[ParameterOverride] = field(default_factory=list)
    log_levels: list[tuple[str, str]] = field(default_factory=list)
    rosout: bool = True

    def special_name(self, key: str, node: str) -> str | None:
        """Return what `__node` or `__ns` is remapped to for a node, or None."""
        for rule in self.remaps:
            if rule.source == key and rule.node in ('', node):
                return rule.target
        return None

    def remap(self, name: str, node: str, namespace: str, *, is_service: bool) -> str:
        """Return the full name that a full topic or service name is remapped to; itself where no rule fits."""
        scheme = 'rosservice' if is_service else 'rostopic'
        for rule in self.remaps:
            if rule.source.startswith('__') or rule.node not in ('', node) or rule.scheme not in ('', scheme):
                continue
            if expand_topic_name(rule.source, node, namespace, is_service=is_service) == name:
                return expand_topic_name(rule.target, node, namespace, is_service=is_service)
        return name

    def parameters(self, node: str, namespace: str) -> dict[str, Any]:
        """Return the parameter values for a node, with ROS 2's order of precedence.

        Of values for the same pattern the later wins; of two patterns the one that was first mentioned later, wherever
        its value stands (rcl keeps one list of patterns for files and `-p`, rclpy goes through it once).
        """
        full_name = f'{namespace.rstrip("/")}/{node}'
        by_pattern: dict[str, dict[str, Any]] = {}
        for item in self.overrides:
            if item.matches(node, full_name):
                by_pattern.setdefault('/' + item.pattern.lstrip('/'), {})[item.name] = item.value
        return {name: value for values in by_pattern.values() for name, value in values.items()}


def _assignment(text: str, option: str) -> tuple[str, str]:
    left, separator, right = text.partition(':=')
    if not separator or not left:
        raise UnknownROSArgsError(f'cannot read the ROS argument {option} {text!r}; expected {option} name:=value')
    return left, right


def _remap(text: str) -> Remap:
    left, target = _assignment(text, '-r')
    scheme_match = _SCHEMES.search(left)
    scheme = scheme_match[1] if scheme_match else ''
    node, _, source = _SCHEMES.sub('', left).rpartition(':')
    return Remap(node, scheme, source, _SCHEMES.sub('', target))


def _apply(result: RosArguments, option: str, value: str) -> None:
    if option in ('-r', '--remap'):
        result.remaps.append(_remap(value))
    elif option in ('-p', '--param'):
        left, text = _assignment(value, '-p')
        node, _, name = left.rpartition(':')
        result.overrides.append(ParameterOverride(node or '/**', name, parse_value(text, f'-p {value}')))
    elif option == '--params-file':
        result.overrides += load_parameter_file(value)
    elif option == '--log-level':
        name, _, level = value.rpartition(':=')
        result.log_levels.append((name, level))
    # enclaves and log configuration files concern parts of ROS 2 that do not exist here


def _sections(arguments: Sequence[str]) -> Iterator[tuple[int, bool]]:
    """Yield (index, is a ROS argument) for every argument, the markers `--ros-args` and `--` included."""
    inside = False
    for index, argument in enumerate(arguments):
        if argument == '--ros-args':
            inside = True
            yield index, True
        elif inside and argument == '--':
            yield index, True
            inside = False
        else:
            yield index, inside


def parse_ros_arguments(arguments: Sequence[str]) -> RosArguments:
    """Return the ROS part of a command line.

    Raises:
        UnknownROSArgsError: if an argument after --ros-args is not known or incomplete.
        ParameterFileError: if a parameter file cannot be used.
    """
    result = RosArguments()
    items = iter([arguments[index] for index, ros in _sections(arguments) if ros])
    for item in items:
        if item in ('--ros-args', '--') or item in _IGNORED:
            continue
        if item in ('--enable-rosout-logs', '--disable-rosout-logs'):
            result.rosout = item.startswith('--enable')
            continue
        if item not in _WITH_VALUE:
            raise UnknownROSArgsError(f'unknown ROS argument {item!r}; known: {", ".join(_WITH_VALUE)}')
        value = next(items, None)
        if value is None:
            raise UnknownROSArgsError(f'the ROS argument {item} needs a value')
        _apply(result, item, value)
    return result


def remove_ros_args(arguments: Sequence[str]) -> list[str]:
    """Return the arguments that are not for ROS."""
    return [arguments[index] for index, ros in _sections(arguments) if not ros]
