# SPDX-License-Identifier: Apache-2.0
"""Parameter values in YAML: files for `--params-file` and single values for `-p`."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar, NamedTuple

import yaml

from .exceptions import RCLError

_TYPES = {
    'tag:yaml.org,2002:null': r'~|null|Null|NULL|',
    'tag:yaml.org,2002:bool': r'y|Y|yes|Yes|YES|n|N|no|No|NO|true|True|TRUE|false|False|FALSE|on|On|ON|off|Off|OFF',
    'tag:yaml.org,2002:int': r'[-+]?(?:[0-9]+|0x[0-9a-fA-F]+)',
    'tag:yaml.org,2002:float': (
        r'[-+]?(?:[0-9]+\.[0-9]*|\.[0-9]+|[0-9]+(?=[eE]))(?:[eE][-+]?[0-9]+)?'
        r'|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)'
    ),
}


class ParameterFileError(RCLError):
    """A parameter file or value cannot be used."""


class ParameterOverride(NamedTuple):
    """A value for the nodes that match a pattern (`node`, `/ns/node`, `/**`, `/*/node`)."""

    pattern: str
    name: str
    value: Any

    def matches(self, node: str, full_name: str) -> bool:
        """Return whether the value is for the node."""
        if self.pattern == '/**':
            return True
        if '*' not in self.pattern:  # as rcl has it, a bare name is one without a namespace
            return self.pattern.lstrip('/') == full_name.lstrip('/')
        expression = re.escape('/' + self.pattern.lstrip('/'))
        expression = expression.replace(r'/\*\*', '(/[^/]+)*').replace(r'\*', '[^/]+')
        return re.fullmatch(expression, full_name) is not None


class _Loader(yaml.SafeLoader):
    """YAML with ROS 2's scalar types only: PyYAML reads 1e-3 as text, and 12:30 as a number."""

    yaml_implicit_resolvers: ClassVar[dict[str, list[Any]]] = {}

    def construct_yaml_bool(self, node: yaml.ScalarNode) -> bool:
        """Return the value of `y` and `n` too, which PyYAML resolves but cannot construct."""
        return str(node.value).lower() in ('y', 'yes', 'true', 'on')


for _tag, _pattern in _TYPES.items():
    _Loader.add_implicit_resolver(_tag, re.compile(f'^(?:{_pattern})$'), None)  # type: ignore[arg-type]
_Loader.add_constructor('tag:yaml.org,2002:bool', _Loader.construct_yaml_bool)


def parse_value(text: str, where: str) -> Any:
    """Return the value that a text stands for: bool, int, float, str or a list of one of them.

    Raises:
        ParameterFileError: if it is not YAML or something else.
    """
    try:
        value = _Loader(text).get_single_data()
    except yaml.YAMLError as error:
        raise ParameterFileError(f'{where}: not a YAML value: {error}') from error
    return _checked(value, where)


def _checked(value: Any, where: str) -> Any:
    items = value if isinstance(value, list) else [value]
    if len({type(item) for item in items}) > 1:
        raise ParameterFileError(f'{where}: a list must hold values of one type, got {value!r}')
    if not all(isinstance(item, bool | int | float | str) for item in items):
        raise ParameterFileError(f'{where}: {value!r} is no parameter value; allowed: bool, int, float, str, lists of one')
    return value


def _flatten(prefix: str, values: Any, where: str) -> Iterator[tuple[str, Any]]:
    for key, value in values.items():
        if isinstance(value, dict):
            yield from _flatten(f'{prefix}{key}.', value, where)
        else:
            yield f'{prefix}{key}', _checked(value, f'{where}, {prefix}{key}')


def _sections(prefix: str, tree: Any, where: str) -> Iterator[tuple[str, Any]]:
    if not isinstance(tree, dict):
        raise ParameterFileError(f'{where}: {prefix or "the file"} must be a mapping, got {type(tree).__name__}')
    for key, value in tree.items():
        if key == 'ros__parameters':
            yield prefix, value or {}
        else:
            yield from _sections(f'{prefix.rstrip("/")}/{str(key).lstrip("/")}' if prefix else str(key), value, where)


def load_parameter_file(path: str) -> list[ParameterOverride]:
    """Return the values in a file of the form `node: {ros__parameters: {name: value}}`.

    Raises:
        ParameterFileError: if the file cannot be read or does not have this form.
    """
    try:
        tree = _Loader(Path(path).read_text(encoding='utf-8')).get_single_data()
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise ParameterFileError(f'parameter file {path}: {error}') from error
    result = []
    for pattern, values in _sections('', {} if tree is None else tree, f'parameter file {path}'):
        if not isinstance(values, dict):
            raise ParameterFileError(f'parameter file {path}: ros__parameters of {pattern} must be a mapping')
        where = f'parameter file {path}, {pattern}'
        result += [ParameterOverride(pattern, name, value) for name, value in _flatten('', values, where)]
    return result
