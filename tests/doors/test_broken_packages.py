# SPDX-License-Identifier: Apache-2.0
"""Packages whose entry points are broken: named when they are asked for, and never in the way of anything else."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from genima.cli.main import app
from genima.convert.formats import FORMATS, detect, formats, plan
from genima.errors import DatasetError, GenimaError, PolicyError, TaskError
from genima.policy.registry import load_policy
from genima.tasks.registry import find_task, tasks

CODE = {
    'absent': '',
    'syntax': 'def broken(:\n',
    'raises': 'raise RuntimeError("no licence")\n',
    'exits': 'raise SystemExit(3)\n',
    'odd': 'thing = lambda *arguments: 5\n',
    'fails': 'def thing(*arguments):\n    raise KeyError("nothing")\n',
    'other': 'class thing:\n    name, text, signs, module = "something", "", (), "x"\n',
}
"""Module to its code; what each calls `thing` is named as a task, a policy and a format."""


@pytest.fixture(autouse=True)
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = tmp_path / 'packages'
    for module, code in CODE.items():
        info = package / f'{module}_things-1.0.dist-info'
        info.mkdir(parents=True)
        (info / 'METADATA').write_text(f'Metadata-Version: 2.1\nName: {module}-things\nVersion: 1.0\n')
        lines = [f'[genima.{group}]\n{module} = {module}_things:thing\n' for group in ('tasks', 'policies', 'formats')]
        (info / 'entry_points.txt').write_text('\n'.join(lines))
        if code:
            (package / f'{module}_things.py').write_text(code)
    (package / 'bad_metadata-1.0.dist-info').mkdir()
    (package / 'bad_metadata-1.0.dist-info' / 'entry_points.txt').write_text('[genima.tasks]\nworse = not a place\n')
    monkeypatch.syspath_prepend(str(package))


@pytest.mark.parametrize('name', list(CODE))
def test_a_broken_thing_is_named_with_its_package_when_it_is_asked_for(name: str) -> None:
    ends = {'absent': 'ModuleNotFoundError', 'syntax': 'SyntaxError', 'raises': 'no licence', 'exits': 'SystemExit: 3'}
    for error, ask in (
        (TaskError, lambda: find_task(name)),
        (PolicyError, lambda: load_policy(f'{name}:here')),
        (DatasetError, lambda: plan(Path('a'), Path('b'), name, 'hdf5')),
    ):
        if (name, error) == ('fails', DatasetError):
            continue  # a format is not called
        says = rf"'{name}' of package {name}-things is broken: {name}_things:thing.*{ends.get(name, '')}"
        with pytest.raises(error, match=says):
            ask()


def test_everything_else_goes_on(tmp_path: Path) -> None:
    assert find_task('pick').name == 'pick' and tasks()[0] == 'pick'
    assert set(formats()) == set(FORMATS)
    (tmp_path / 'data' / 'meta').mkdir(parents=True)
    (tmp_path / 'data' / 'meta' / 'info.json').write_text('{}')
    assert detect(tmp_path / 'data') == 'lerobot'


def test_lists_say_which_are_broken(tmp_path: Path) -> None:
    with pytest.raises(TaskError, match=r"'fold'; known are pick, .*raises \(broken\)"):
        find_task('fold')
    with pytest.raises(TaskError, match=r"'worse' of package .* is broken"):
        find_task('worse')
    (tmp_path / 'empty').mkdir()
    with pytest.raises(DatasetError, match='raises: broken'):
        detect(tmp_path / 'empty')


def test_a_command_ends_in_words(tmp_path: Path) -> None:
    result = CliRunner().invoke(app, ['collect', '--task', 'raises', '--out', str(tmp_path / 'data')])
    assert isinstance(result.exception, GenimaError) and 'package raises-things' in str(result.exception)


def test_signs_that_cannot_be_searched_for_are_refused() -> None:
    from genima.convert.formats import Format

    for sign in ('', '/etc/*'):
        with pytest.raises(DatasetError, match='allowed: patterns below the folder'):
            Format('mine', 'of our lab', (sign,), 'mine')
