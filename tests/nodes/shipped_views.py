# SPDX-License-Identifier: Apache-2.0
"""What the shipped RViz and Foxglove files ask of a graph: topics, and the fields of their messages."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import yaml
from genima_ros.guard.inputs import message_type

CONFIG = Path(__file__).resolve().parents[2] / 'config'
# rviz_default_plugins/plugins_description.xml and the displays' sources, branch jazzy (14.1.5)
RVIZ_MESSAGES = {
    'rviz_default_plugins/Grid': None,
    'rviz_default_plugins/Image': 'sensor_msgs/msg/Image',
    'rviz_default_plugins/MarkerArray': 'visualization_msgs/msg/MarkerArray',
    'rviz_default_plugins/RobotModel': 'std_msgs/msg/String',
    'rviz_default_plugins/TF': 'tf2_msgs/msg/TFMessage',
}
# the classes of other kinds that the file may name
RVIZ_OTHERS = {
    'rviz_common/Displays', 'rviz_common/Views', 'rviz_common/Time', 'rviz_default_plugins/Interact',
    'rviz_default_plugins/MoveCamera', 'rviz_default_plugins/Select', 'rviz_default_plugins/FocusCamera',
    'rviz_default_plugins/Measure', 'rviz_default_plugins/Orbit', 'rviz_default_plugins/TF',
}  # fmt: skip
PANELS = {'3D', 'Image', 'Plot', 'StateTransitions', 'Indicator', 'RawMessages', 'DiagnosticSummary', 'Tab'}
LAYERS = {'foxglove.Grid', 'foxglove.Urdf'}
_PATH = re.compile(r'(?P<topic>(?:/\w+)+)(?P<rest>.*)')
_STEP = re.compile(r'\{(?P<filter>\w+)==[^}]*\}|\.(?P<field>\w+)|(?P<index>\[\d+\])')


class Wanted(NamedTuple):
    """A topic that a viewer subscribes to."""

    topic: str
    kind: str
    reliable: bool = False
    latched: bool = False
    where: str = ''


def rviz_file() -> dict[str, Any]:
    return yaml.safe_load((CONFIG / 'rviz' / 'genima.rviz').read_text())


def rviz_wants() -> list[Wanted]:
    """Return the topics of all displays, enabled or not; TF listens to two topics that it does not name."""
    found = [Wanted('/tf', 'tf2_msgs/msg/TFMessage', True), Wanted('/tf_static', 'tf2_msgs/msg/TFMessage', True, True)]
    for display in rviz_file()['Visualization Manager']['Displays']:
        kind = RVIZ_MESSAGES[display['Class']]
        topic = display.get('Topic') or display.get('Description Topic')
        if topic:
            assert not topic['Value'].startswith('/'), f'{topic["Value"]}: an absolute topic is not found in a namespace'
            reliable, latched = topic['Reliability Policy'] == 'Reliable', topic['Durability Policy'] == 'Transient Local'
            found.append(Wanted('/' + topic['Value'], kind, reliable, latched, display['Name']))
    return found


def foxglove_file() -> dict[str, Any]:
    return json.loads((CONFIG / 'foxglove' / 'genima.json').read_text())


def panels(layout: Any) -> Iterator[str]:
    """Yield the panels that an arrangement names."""
    if isinstance(layout, str):
        yield layout
        return
    for part in ('first', 'second'):
        yield from panels(layout[part])


def foxglove_wants() -> list[tuple[str, str | None, str]]:
    """Return topic, type (None: any) and the rest of the message path for everything that a panel shows."""
    found: list[tuple[str, str | None, str]] = []
    for name, panel in foxglove_file()['configById'].items():
        mode, kind = panel.get('imageMode', {}), name.partition('!')[0]
        found += [(mode['imageTopic'], 'sensor_msgs/msg/Image', '')] if 'imageTopic' in mode else []
        found += [(mode['calibrationTopic'], 'sensor_msgs/msg/CameraInfo', '')] if 'calibrationTopic' in mode else []
        found += [(topic, 'visualization_msgs/msg/MarkerArray', '') for topic in panel.get('topics', {})]
        for layer in panel.get('layers', {}).values():
            found += [(layer['topic'], 'std_msgs/msg/String', '')] if 'topic' in layer else []
        if kind == 'DiagnosticSummary':
            found.append((panel['topicToRender'], 'diagnostic_msgs/msg/DiagnosticArray', ''))
        paths = [path['value'] for path in panel.get('paths', [])]
        paths += [panel[key] for key in ('path', 'topicPath') if key in panel]
        found += [(match['topic'], None, match['rest']) for match in map(_PATH.fullmatch, paths) if match]
        assert all(map(_PATH.fullmatch, paths)), f'{name}: {paths}'
    return found


def check_path(kind: str, rest: str) -> str:
    """Follow a message path through the fields of a type; return the type of what it ends at."""
    current, position = kind, 0
    while position < len(rest):
        step = _STEP.match(rest, position)
        assert step, f'{kind}: {rest!r} is no message path'
        if step['index']:
            assert re.search(r'^sequence<|\[\d+\]$', current), f'{kind}{rest}: {current} is no array'
            current = re.sub(r'^sequence<(.+?)(, \d+)?>$|\[\d+\]$', r'\1', current)
        else:
            assert re.fullmatch(r'\w+(/\w+)+', current), f'{kind}{rest}: {current} has no fields'
            fields = _message(current).get_fields_and_field_types()
            name = step['field'] or step['filter']
            assert name in fields, f'{current} has no {name}; it has {", ".join(fields)}'
            current = fields[name] if step['field'] else current
        position = step.end()
    return current


def _message(kind: str) -> Any:
    package, _, name = kind.replace('/msg/', '/').partition('/')
    return message_type(f'{package}/msg/{name}')
