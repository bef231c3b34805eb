# SPDX-License-Identifier: Apache-2.0
"""Every command that a page shows exists, with these options and these launch arguments; so does every import."""

import re
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
import typer
from genima_bringup.arguments import ARGUMENTS

from genima.cli.main import app

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted(
    path
    for path in ROOT.rglob('*.md')
    if not {'reference', '.github', 'out'} & set(path.relative_to(ROOT).parts) and '.venv' not in path.parts
)
COMMAND = re.compile(r'(?:^ *|[`;&(] ?|\$ )(genima (?!…)[^`#\n]*|ros2 launch genima_bringup [^`#\n]*)', re.MULTILINE)
PROGRAM: Any = typer.main.get_command(app)
KNOWN = {argument.name: argument.choices for argument in ARGUMENTS}


def shown(page: Path) -> list[str]:
    """Return the commands of a page, those that go on after a backslash as one."""
    text = re.sub(r'\\\n\s*', ' ', page.read_text())
    return [command.strip() for command in COMMAND.findall(text)]


def wrong(command: str) -> str:
    """Return what is wrong with a command; empty where nothing is."""
    words = command.split()
    for name, value in re.findall(r'\b(\w+):=(\S*)', command):
        if name not in KNOWN:
            return f'no launch argument {name}'
        if KNOWN[name] and value and '…' not in value and value.strip('.') and value not in KNOWN[name]:
            return f'{name}:={value}; allowed: {KNOWN[name]}'
    if words[0] == 'ros2':
        return '' if (ROOT / 'src/genima_bringup/launch' / words[3]).is_file() else f'no launch file {words[3]}'
    if words[1:2] == ['up']:  # its launch arguments were looked at
        return ''
    found, words = PROGRAM, words[1:]
    while words and hasattr(found, 'commands') and not words[0].startswith('-'):
        name = words.pop(0).strip(',.')
        if name not in found.commands:
            return '' if name in {'...', '…'} else f'no command {name}'
        found = found.commands[name]
    options = {option for each in found.params for option in (*each.opts, *each.secondary_opts)} | {'--help', '-h'}
    given = [word.split('=')[0].strip(')],.;') for word in words if re.match(r'--[a-z]', word)]
    return next((f'no option {option}' for option in given if option not in options), '')


@pytest.mark.parametrize('page', PAGES, ids=lambda path: str(path.relative_to(ROOT)))
def test_commands_exist_with_their_options(page: Path) -> None:
    found = [(command, wrong(command)) for command in shown(page)]
    assert not [each for each in found if each[1]]


@pytest.mark.parametrize('page', PAGES, ids=lambda path: str(path.relative_to(ROOT)))
def test_imports_exist(page: Path) -> None:
    for module, names in re.findall(r'^ *from (genima[\w.]*) import ([\w, ]+)', page.read_text(), re.MULTILINE):
        for name in names.split(','):
            assert hasattr(import_module(module), name.strip()), f'{module} has no {name}'


def test_what_is_wrong_is_found() -> None:
    assert sum(len(shown(page)) for page in PAGES) > 150
    assert wrong('genima dataset convert a b --to hdf5 --rig x') == ''
    assert wrong('genima dataset convrt a b') == 'no command convrt'
    assert wrong('genima serve --polcy x') == 'no option --polcy'
    assert wrong('genima up franka robot_pi:=1.2.3.4') == 'no launch argument robot_pi'
    assert wrong('ros2 launch genima_bringup franka.launch.py mock:=yes').startswith('mock:=yes; allowed')
    assert wrong('ros2 launch genima_bringup panda.launch.py') == 'no launch file panda.launch.py'
