# SPDX-License-Identifier: Apache-2.0
"""Write docs/reference from the code: nodes, topics, messages, launch arguments, command line.

    python tools/docs/reference.py docs/reference
"""

import sys
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer
import typer.cli
from genima_bringup.arguments import ARGUMENTS, REAL, STACKS

from genima.cli.main import app
from genima.files import write_atomic

if TYPE_CHECKING:
    from graph import NodeNotes

ROOT = Path(__file__).resolve().parents[2]
MESSAGES = ROOT / 'src' / 'genima_msgs'


def table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a table; bars in cells are escaped."""
    lines = [columns, ['---'] * len(columns), *rows]
    return ''.join(f'| {" | ".join(cell.replace("|", chr(92) + "|") for cell in line)} |\n' for line in lines) + '\n'


def code(text: str) -> str:
    """Return inline code, or nothing for nothing."""
    return f'`{text}`' if text else ''


def plain(text: str) -> str:
    """Return text in which nothing is taken for HTML."""
    return text.replace('<', '&lt;')


def nodes_page(nodes: 'Sequence[NodeNotes]') -> str:
    """Return what each node is, its parameters and its endpoints."""
    text = (
        '# Nodes\n\nParameters are read once, when a node starts, except those that are *live*. Files give them under '
        '`/**/<node>:` ([launch](../launch.md#parameters)). Types follow from the defaults. Every node publishes '
        '`/diagnostics`, and has rclpy\'s parameter services and `use_sim_time`.\n\n'
    )
    for node in nodes:
        text += f'## {node.name}\n\n{node.text}\n\n'
        rows = [
            (code(each.name), code(shown(each.default)), each.between, plain(each.text) + (' *Live.*' if each.live else ''))
            for each in node.parameters.values()
        ]
        text += table(('parameter', 'default', 'range', 'meaning'), rows) if rows else ''
        rows = [(way, code(name), code(kind), qos) for way, name, kind, qos in sorted(node.endpoints)]
        text += table(('', 'name', 'type', 'QoS, depth'), rows) if rows else ''
    return text


def topics_page(nodes: 'Sequence[NodeNotes]') -> str:
    """Return all topics, services and actions with the nodes at their ends."""
    text = (
        '---\nhide: [toc]\n---\n\n# Topics, services, actions\n\n'
        'Names are relative to the namespace of the stack; `~` is the name of the node. '
        'A rig file ([rig](../rig.md)) renames those of cameras, joints and gripper.\n\n'
    )
    for title, ways in {
        'Topics': ('publishes', 'subscribes to'), 'Services': ('offers', 'calls'), 'Actions': ('', 'sends goals to')
    }.items():  # fmt: skip
        ends: dict[tuple[str, str], tuple[set[str], set[str]]] = {}
        for node in nodes:
            for way, name, kind, qos in node.endpoints:
                if way in ways:
                    whole = name.replace('~', node.name)
                    quality = f' ({qos})' if qos and way == 'publishes' else ''
                    ends.setdefault((whole, kind), (set(), set()))[ways.index(way)].add(code(node.name) + quality)
        rows = [
            (code(name), code(kind), ', '.join(sorted(sources)), ', '.join(sorted(sinks)))
            for (name, kind), (sources, sinks) in sorted(ends.items())
        ]
        columns = ('name', 'type', 'publisher (QoS, depth)', 'subscribers')
        if title != 'Topics':
            columns = ('name', 'type', 'offered by', 'called by')
        text += f'## {title}\n\nWhere a side is empty, drivers, ROS tools or you stand there.\n\n' + table(columns, rows)
    return text


def shown(value: object) -> str:
    """Return a default as a parameter file has it."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, (list, tuple)):
        return f'[{", ".join(map(repr, value))}]'
    return repr(value) if isinstance(value, str) else f'{value}'


def messages_page() -> str:
    """Return the fields of all messages and services of genima_msgs."""
    text = '# Messages and services\n\nThe package `genima_msgs`.\n\n'
    for folder in ('msg', 'srv'):
        for path in sorted((MESSAGES / folder).glob(f'*.{folder}')):
            text += f'## {folder}/{path.stem}\n\n'
            for number, part in enumerate(path.read_text().split('\n---\n')):
                comments, rows = [], []
                for line in filter(None, map(str.strip, part.splitlines())):
                    if line.startswith('#'):
                        comments.append(line.lstrip('# '))
                    else:
                        declared, _, comment = line.partition('#')
                        kind, name, *_ = declared.split()
                        rows.append((code(name), code(kind), plain(comment.strip())))
                text += '**Response**\n\n' if number else ''
                text += ' '.join(comments) + '\n\n' if comments else ''
                text += table(('field', 'type', 'meaning'), rows)
    return text


def launch_page() -> str:
    """Return the launch arguments and what the stacks set."""
    rows = [
        (code(each.name), code(each.default), ', '.join(map(code, filter(None, each.choices))), plain(each.description))
        for each in ARGUMENTS
    ]
    text = (
        '---\nhide: [toc]\n---\n\n# Launch arguments\n\n'
        '`ros2 launch genima_bringup <stack>.launch.py name:=value`, or `genima up <stack> '
        'name:=value`. '
        'An empty default means what the description says for it; an unknown name is refused.\n\n'
        + table(('argument', 'default', 'choices', 'meaning'), rows)
        + '## Stacks\n\nWhat a stack is unless an argument says otherwise.\n\n'
    )
    names = sorted({name for values in STACKS.values() for name in values})
    rows = []
    for stack, values in STACKS.items():
        rows.append((code(stack), *(code(values.get(name, '')) for name in names)))
        if stack in REAL:
            with_arm = values | REAL[stack]
            rows.append((f'{code(stack)} with `robot_ip:=`', *(code(with_arm.get(name, '')) for name in names)))
    return text + table(('stack', *map(code, names)), rows)


def cli_page() -> str:
    """Return the help of every command."""
    command = typer.main.get_command(app)
    for each in _all(command):
        each.short_help = (each.help or '').split('\n\n')[0]  # typer cuts what it makes of the help itself
    text = typer.cli.get_docs_for_click(obj=command, ctx=typer.Context(command, info_name='genima'), name='genima')
    return text.replace('# `genima`', '# Command line', 1)


def _all(command: Any) -> Iterator[Any]:
    yield command
    for each in getattr(command, 'commands', {}).values():
        yield from _all(each)


def main(out: Path) -> None:
    """Write all pages."""
    from graph import notes  # builds nodes

    with tempfile.TemporaryDirectory() as folder:
        nodes = notes(ROOT / 'models' / 'panda_pick', Path(folder))
    pages = {
        'nodes': nodes_page(nodes),
        'topics': topics_page(nodes),
        'messages': messages_page(),
        'launch': launch_page(),
        'cli': cli_page(),
    }
    for name, text in pages.items():
        write_atomic(out / f'{name}.md', text)


if __name__ == '__main__':
    main(Path(sys.argv[1]))
