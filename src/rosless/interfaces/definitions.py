# SPDX-License-Identifier: Apache-2.0
"""The known message, service and action definitions: ROS 2 Jazzy's standard set, and those read from folders."""

import os
import re
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from rosbags.interfaces import Nodetype
from rosbags.typesys import Stores, TypesysError, get_typestore
from rosbags.typesys.base import create_field_desc
from rosbags.typesys.msg import MSGParser

EMPTY_MEMBER = 'structure_needs_at_least_one_member'  # what an empty message holds on the wire

# rosbags drops default values; these are all that are not zero or empty in its set (checked against Jazzy's sources).
_STANDARD_DEFAULTS: dict[str, dict[str, Any]] = {
    'geometry_msgs/msg/Quaternion': {'w': 1.0},
    'sensor_msgs/msg/NavSatStatus': {'status': -2},
}


class DefinitionError(ValueError):
    """A .msg, .srv or .action file cannot be used."""


class FieldType(NamedTuple):
    """The type of one field.

    Attributes:
        base: a primitive ('float64', 'string', …) or a message name ('std_msgs/msg/Header').
        string_bound: the most characters of a string; 0 without limit.
        container: '' for one value, 'array' for a fixed and 'sequence' for a variable number of values.
        size: the length of an array, the most items of a sequence (0 without limit).
    """

    base: str
    string_bound: int = 0
    container: str = ''
    size: int = 0

    @property
    def is_message(self) -> bool:
        """Whether `base` names a message."""
        return '/' in self.base


class Definition(NamedTuple):
    """One message: its fields in order, constants and default values."""

    name: str
    fields: dict[str, FieldType]
    constants: dict[str, Any]
    defaults: dict[str, Any]


_store = get_typestore(Stores.ROS2_JAZZY)
_fielddefs: dict[str, Any] = _store.fielddefs  # type: ignore[assignment]
_defaults = dict(_STANDARD_DEFAULTS)
_services: dict[str, Path | None] = {}  # 'std_srvs/srv/Trigger' -> the file it came from
_actions: dict[str, Path | None] = {}
_sources: dict[str, Path] = {}


def _char_to_uint8(description: Any) -> Any:
    """Return the description with `char` replaced by `uint8`, which it is in ROS 2, in data and in type hashes."""
    kind, detail = description
    if kind == Nodetype.BASE:
        return (kind, ('uint8', 0)) if detail[0] == 'char' else description
    return description if kind == Nodetype.NAME else (kind, (_char_to_uint8(detail[0]), detail[1]))


for _name, (_constants, _fields) in _fielddefs.items():
    _fielddefs[_name] = (_constants, [(field, _char_to_uint8(kind)) for field, kind in _fields])


def _field_type(description: Any) -> FieldType:
    kind, detail = description
    if kind == Nodetype.BASE:
        return FieldType(detail[0], detail[1])
    if kind == Nodetype.NAME:
        return FieldType(detail)
    base = _field_type(detail[0])
    return base._replace(container='array' if kind == Nodetype.ARRAY else 'sequence', size=detail[1])


def message_names() -> list[str]:
    """Return all known messages as 'package/msg/Name' (parts of services as 'package/srv/Name_Request')."""
    return sorted(_fielddefs)


def service_names() -> list[str]:
    """Return all known services as 'package/srv/Name'."""
    return sorted(_services)


def action_names() -> list[str]:
    """Return all known actions as 'package/action/Name'."""
    return sorted(_actions)


def find_message(name: str) -> Definition | None:
    """Return the definition of 'package/msg/Name', or None where it is not known."""
    if name not in _fielddefs:
        return None
    constants, fields = _fielddefs[name]
    types = {field: _field_type(kind) for field, kind in fields} or {EMPTY_MEMBER: FieldType('uint8')}
    values = {
        constant: bytes([value]) if kind in ('byte', 'octet') and isinstance(value, int) else value
        for constant, kind, value in constants
    }
    return Definition(name, types, values, _defaults.get(name, {}))


@cache
def type_hash(name: str) -> str:
    """Return the RIHS01 hash (REP-2011) of a message, with which ROS 2 tools tell versions apart."""
    return _store.hash_rihs01(name)


def _default(field: Any, where: Path | str) -> Any:
    """Return the default value of a parsed field as its own type; the parser reads `1` as int and all else as text."""
    base = getattr(field.typ.ref.name, 'value', '')
    wanted = str if base == 'string' else bool if base == 'bool' else float if base.startswith('float') else int
    values = field.value if isinstance(field.value, list) else [field.value]
    allowed = str if wanted is str else bool | int | float
    if not base or not all(isinstance(value, allowed) for value in values):
        raise DefinitionError(f'{where}: not a valid interface definition: {field.value!r} for the field {field.name}')
    converted = [wanted(value) for value in values]
    return converted if isinstance(field.value, list) else converted[0]


def register_message(text: str, name: str, source: Path | None = None) -> None:
    """Make the .msg `text` known as `name` ('package/msg/Name', or 'package/srv/Name_Request' for a half of a service).

    Raises:
        DefinitionError: if the text cannot be parsed or another definition has the same name.
    """
    package, _, short = name.split('/')
    try:
        (message,) = MSGParser(f'MSG: {package}/msg/{short}\n{text}').specification()
    except (TypesysError, ValueError) as error:
        raise DefinitionError(f'{source or name}: not a valid interface definition: {error}') from error
    fields = [(field.name, _char_to_uint8(create_field_desc(field.typ))) for field in message.fields]
    constants = [(constant.name, constant.typ.value, constant.value) for constant in message.constants]
    known = _fielddefs.setdefault(name, (constants, fields))
    if known != (constants, fields):
        other = _sources.get(name, "rosless's standard set")
        raise DefinitionError(f'{source or name}: {name} is already defined otherwise in {other}; remove one of them')
    if source is not None:
        _sources[name] = source
    _defaults[name] = {field.name: _default(field, source or name) for field in message.fields if field.value is not None}


def register_service(text: str, name: str, source: Path | None = None) -> None:
    """Make the .srv `text` known as `name` ('package/srv/Name').

    Raises:
        DefinitionError: as `register_message`, or if the line `---` is missing.
    """
    for suffix, part in zip(('Request', 'Response'), _parts(text, 2, f'{source or name}: a service'), strict=True):
        register_message(part, f'{name}_{suffix}', source)
    _services.setdefault(name, source)


def register_action(text: str, name: str, source: Path | None = None) -> None:
    """Make the .action `text` known as `name` ('package/action/Name'), with what travels for it.

    Source: https://design.ros2.org/articles/actions.html

    Raises:
        DefinitionError: as `register_message`, or if one of the two lines `---` is missing.
    """
    parts = _parts(text, 3, f'{source or name}: an action')
    for suffix, part in zip(('Goal', 'Result', 'Feedback'), parts, strict=True):
        register_message(part, f'{name}_{suffix}', source)
    goal_id, stamp = 'unique_identifier_msgs/UUID goal_id\n', 'builtin_interfaces/Time stamp\n'
    register_service(f'{goal_id}{name}_Goal goal\n---\nbool accepted\n{stamp}', f'{name}_SendGoal', source)
    register_service(f'{goal_id}---\nint8 status\n{name}_Result result\n', f'{name}_GetResult', source)
    register_message(f'{goal_id}{name}_Feedback feedback\n', f'{name}_FeedbackMessage', source)
    _actions.setdefault(name, source)


def _parts(text: str, count: int, what: str) -> list[str]:
    parts = re.split(r'(?m)^---[ \t]*$\n?', text)
    if len(parts) != count:
        wanted = {2: 'exactly one line "---"', 3: 'exactly two lines "---"'}[count]
        raise DefinitionError(f'{what} needs {wanted}, this one has {len(parts) - 1}')
    return parts


def _packages(folder: Path) -> Iterator[Path]:
    for candidate in (folder, *sorted(path for path in folder.glob('*') if path.is_dir())):
        if any((candidate / kind).is_dir() for kind in ('msg', 'srv', 'action')):
            yield candidate


def interface_folders() -> list[Path]:
    """Return the package folders whose .msg, .srv and .action files are to be loaded.

    `ROSLESS_INTERFACE_PATH` (separated like PATH) names package folders or folders that hold some. In a source checkout
    the packages beside rosless (with a package.xml) come first, else those that were installed in <prefix>/share/rosless.

    Raises:
        DefinitionError: if a folder of the variable does not exist or holds no interface package.
    """
    places = (Path(__file__).resolve().parents[2], Path(sys.prefix) / 'share' / 'rosless')
    beside = ([package for package in _packages(place) if (package / 'package.xml').is_file()] for place in places)
    folders = next(filter(None, beside), [])
    for entry in filter(None, os.environ.get('ROSLESS_INTERFACE_PATH', '').split(os.pathsep)):
        found = list(_packages(Path(entry).resolve()))
        if not found:
            raise DefinitionError(
                f'ROSLESS_INTERFACE_PATH: {entry} is no interface package (with msg/, srv/ or action/) and holds none'
            )
        folders += [package for package in found if package not in folders]
    return folders


def load_folder(package: Path) -> str:
    """Register all messages, services and actions of one package folder and return the package's name, the folder's.

    Raises:
        DefinitionError: if one of the files cannot be used.
    """
    for path in sorted(package.glob('msg/*.msg')):
        register_message(path.read_text(encoding='utf-8'), f'{package.name}/msg/{path.stem}', path)
    for path in sorted(package.glob('srv/*.srv')):
        register_service(path.read_text(encoding='utf-8'), f'{package.name}/srv/{path.stem}', path)
    for path in sorted(package.glob('action/*.action')):
        register_action(path.read_text(encoding='utf-8'), f'{package.name}/action/{path.stem}', path)
    return package.name
