# SPDX-License-Identifier: Apache-2.0
"""The command line as a user meets it: help for everything, one clear message and an exit code for what is wrong."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
import typer
from typer.testing import CliRunner

from genima.cli.main import app, main
from genima.episodes.store import read_episode


def _genima(*arguments: str) -> 'subprocess.CompletedProcess[str]':
    command = [sys.executable, '-m', 'genima.cli.main', *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=240, env={**os.environ, 'COLUMNS': '200'})


def _commands(command: click.Command, path: list[str]) -> Iterator[list[str]]:
    yield path
    for name, each in getattr(command, 'commands', {}).items():
        yield from _commands(each, [*path, name])


def test_every_command_explains_itself() -> None:
    commands = list(_commands(typer.main.get_command(app), []))
    assert ['dataset', 'verify'] in commands and ['calibrate', 'hand-eye'] in commands
    for command in commands:
        result = CliRunner().invoke(app, [*command, '--help'])
        assert result.exit_code == 0 and 'Usage' in result.output, command


def test_help_keeps_what_stands_in_square_brackets() -> None:
    assert 'genima[view]' in CliRunner().invoke(app, ['view', '--help']).output


@pytest.mark.parametrize(
    ('arguments', 'words'),
    [
        (('evaluate', '--policy', 'nowhere'), 'nowhere/policy.yaml is missing'),
        (('demo', '--policy', 'nowhere'), 'no policy.yaml in'),
        (('up', 'submarine'), "no stack 'submarine'"),
        (('collect', '--robot', 'r2d2', '--out', 'out/none'), 'panda'),
        (('collect', '--diversity', 'wild', '--out', 'out/none'), 'allowed: none, low, medium, high'),
        (('calibrate', 'board', f'{__file__}/board.svg'), 'choose another name'),
        (('train', 'controller', '--recipe', 'soup', '--policy', 'out/none'), "no recipe 'soup'"),
    ],
)
def test_wrong_input_is_one_clear_message(
    arguments: tuple[str, ...], words: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, 'argv', ['genima', *arguments])
    with pytest.raises(SystemExit) as end:
        main()
    assert end.value.code == 1
    assert words in ' '.join(capsys.readouterr().err.split())
    assert not Path('out/none').exists()


def test_wrong_option_is_a_usage_error() -> None:
    result = _genima('evaluate', '--episodes', '0')
    assert result.returncode == 2 and 'Traceback' not in result.stderr


def test_collect_writes_episodes_and_figures_and_goes_on(tmp_path: Path) -> None:
    figures = tmp_path / 'figures.json'
    for expected in ({'recorded': 2, 'present': 0}, {'recorded': 0, 'present': 2}):
        options = ('--episodes', '2', '--workers', '1', '--image-px', '64', '--json', str(figures))
        result = _genima('collect', '--out', str(tmp_path / 'data'), *options)
        assert result.returncode == 0, result.stderr
        assert expected.items() <= json.loads(figures.read_text()).items()
    first, second = (read_episode(path) for path in (tmp_path / 'data').glob('episode_*.h5'))
    for camera, frames in [*first.views.items(), *second.views.items()]:
        assert frames.shape[1:] == (64, 64, 3), camera
    assert {each.model.width_px for each in first.cameras.values()} == {64}


def test_interrupted_collect_keeps_whole_episodes_and_says_so(tmp_path: Path) -> None:
    command = [sys.executable, '-m', 'genima.cli.main', 'collect', '--out', str(tmp_path), '--episodes', '500']
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    end_s = time.monotonic() + 120
    while not list(tmp_path.glob('episode_*.h5')) and time.monotonic() < end_s:
        time.sleep(0.2)
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 130 and 'Traceback' not in errors, errors
    assert list(tmp_path.glob('episode_*.h5')) and not list(tmp_path.glob('.episode_*'))
