# SPDX-License-Identifier: Apache-2.0
"""The reference is made from the code: all that a user can give is in it, with what the code says of it."""

import re
import sys
from pathlib import Path

import pytest
from genima_bringup.arguments import ARGUMENTS, STACKS

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / 'tools' / 'docs'))

import reference
from graph import Declared, NodeNotes


def rows(page: str) -> list[list[str]]:
    """Return the cells of all tables; a bar in a cell is escaped."""
    return [re.split(r'(?<!\\)\|', line)[1:-1] for line in page.splitlines() if line.startswith('|')]


def test_every_launch_argument_is_there_with_its_choices() -> None:
    arguments, stacks = reference.launch_page().split('## Stacks')
    found = {cells[0].strip(' `'): cells for cells in rows(arguments)}
    for argument in ARGUMENTS:
        assert all(f'`{choice}`' in found[argument.name][2] for choice in argument.choices if choice)
        assert found[argument.name][3].strip() == argument.description.replace('<', '&lt;')
    assert all(f'| `{name}` |' in stacks for name in STACKS)


def test_every_field_of_every_message_is_there_with_its_unit() -> None:
    page = reference.messages_page()
    definitions = [*reference.MESSAGES.glob('msg/*.msg'), *reference.MESSAGES.glob('srv/*.srv')]
    assert page.count('\n## ') == len(definitions) > 10
    for path in definitions:
        for name in re.findall(r'^[\w/\[\]]+ +(\w+)', path.read_text(), re.MULTILINE):
            assert f'| `{name}` | `' in page, (path.name, name)
    assert '| `horizon_s` | `float64` | time from the source views to the painted pose [s] |' in page


def test_every_command_is_there_and_its_summary_is_whole() -> None:
    page = reference.cli_page()
    for command in ('collect', 'up', 'dataset convert', 'calibrate hand-eye', 'train painter', 'serve'):
        assert f'# `genima {command}`' in page
    assert '`--episode-s' in page
    summaries = re.findall(r'^\* `[a-z-]+`: (.*)', page, re.MULTILINE)
    assert len(summaries) > 40 and not [text for text in summaries if text.endswith('...')]


def test_nodes_show_parameters_and_endpoints_and_every_table_is_regular() -> None:
    limit = Declared('speed_limit', 0.2, 'Fraction of <limits> | per joint.', '0.02 to 1', True)
    ends = {('publishes', 'a', 'x/msg/A', 'reliable, 1'), ('offers', '~/arm', 'x/srv/B', '')}
    nodes = [NodeNotes('guard_node', 'Guards.', {'speed_limit': limit}, ends)]
    nodes.append(NodeNotes('act_node', 'Acts.', {}, {('subscribes to', 'a', 'x/msg/A', 'best effort, 1')}))
    page, topics = reference.nodes_page(nodes), reference.topics_page(nodes)
    assert '| `speed_limit` | `0.2` | 0.02 to 1 | Fraction of &lt;limits> \\| per joint. *Live.* |' in page
    assert '| `a` | `x/msg/A` | `guard_node` (reliable, 1) | `act_node` |' in topics
    assert '| `guard_node/arm` | `x/srv/B` | `guard_node` |' in topics
    for text in (page, topics, reference.launch_page(), reference.messages_page()):
        for table in re.findall(r'(?:^\|.*\n)+', text, re.MULTILINE):
            assert len({len(cells) for cells in rows(table)}) == 1


@pytest.mark.parametrize(
    ('value', 'shown'), [(True, 'true'), (0.5, '0.5'), ('', "''"), (['wrist'], "['wrist']"), (3, '3')]
)
def test_defaults_are_shown_as_a_parameter_file_has_them(value: object, shown: str) -> None:
    assert reference.shown(value) == shown
