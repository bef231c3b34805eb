# SPDX-License-Identifier: Apache-2.0
"""`genima dataset …` as a user meets it."""

import json
import re
import sys
from pathlib import Path

import pytest
from click.testing import Result
from typer.testing import CliRunner

from genima.cli.dataset import app
from genima.episodes.store import read_episode
from genima.errors import DatasetError
from genima.quality.findings import KINDS
from genima.robots.profile import RobotProfile

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / 'quality'))
from small_episodes import rewritten, write_dataset

ROOT = Path(__file__).resolve().parents[2]
COMMANDS = ('list', 'info', 'release', 'verify', 'repair', 'filter', 'show')
FIRST = 'episode_000000.h5'


@pytest.fixture
def dataset(tmp_path: Path, panda: RobotProfile) -> Path:
    return write_dataset(tmp_path / 'data' / 'wave', panda, 3)


def _genima(*arguments: object, answer: str = '') -> Result:
    return CliRunner(env={'COLUMNS': '250'}).invoke(app, [str(argument) for argument in arguments], input=answer)


def _said(result: Result) -> str:
    return ' '.join(result.output.split())


def test_every_command_explains_itself() -> None:
    for command in COMMANDS:
        result = _genima(command, '--help')
        assert result.exit_code == 0 and 'Usage' in result.output, command


def test_list_chooses_and_gives_figures(dataset: Path, tmp_path: Path) -> None:
    write_dataset(tmp_path / 'data' / 'more', RobotProfile.load('fr3'), 2)
    figures = tmp_path / 'figures.json'
    result = _genima(
        'list', tmp_path / 'data', '--robot', 'panda', '--rate', '5-20', '--success-rate', '0.5', '--json', figures
    )
    assert result.exit_code == 0 and '1 of 2 datasets' in result.output
    (found,) = json.loads(figures.read_text())['datasets']
    assert (found['episodes'], found['tasks'], found['success_rate'], found['diversity']) == (3, ['wave'], 1.0, 'medium')
    assert isinstance(_genima('list', tmp_path, '--rate', 'fast').exception, DatasetError)


def test_info_shows_a_release_and_what_is_in_it(dataset: Path) -> None:
    assert _genima('release', dataset, '1.0', '--note', 'first recordings').exit_code == 0
    result = _genima('info', dataset)
    assert result.exit_code == 0 and 'first recordings' in result.output and 'CC-BY-4.0' in result.output
    assert (dataset / 'dataset.yaml').is_file() and (dataset / 'index.json').is_file()


def test_what_has_errors_is_not_released_unless_they_are_accepted(dataset: Path) -> None:
    with rewritten(dataset / FIRST) as file:
        file['observations/rgb_front'][3] = 0
    refused = _genima('release', dataset, '1.0', '--note', 'first')
    assert isinstance(refused.exception, DatasetError) and 'image-black' in refused.output
    assert _genima('release', dataset, '1.0', '--note', 'first', '--accept', 'image-black').exit_code == 0
    assert 'no such code' in str(_genima('verify', dataset, '--accept', 'nonsense').exception)


def test_verify_ends_with_1_on_errors_only(dataset: Path, tmp_path: Path) -> None:
    assert _genima('verify', dataset).exit_code == 0
    (dataset / FIRST).write_bytes((dataset / FIRST).read_bytes()[:-50])
    result = _genima('verify', dataset, '--json', tmp_path / 'found.json')
    assert result.exit_code == 1 and 'error file-truncated (1): copy the file again' in _said(result)
    assert json.loads((tmp_path / 'found.json').read_text())['findings'][0]['code'] == 'file-truncated'
    assert _genima('verify', dataset, '--accept', 'file-truncated').exit_code == 0


def test_repair_asks_before_it_writes(dataset: Path) -> None:
    (dataset / 'index.json').write_text('{')
    assert 'Do these 1 repairs?' in _genima('repair', dataset, answer='n\n').output
    assert (dataset / 'index.json').read_text() == '{'
    assert 'done: index.json' in _genima('repair', dataset, '--yes').output
    assert 'nothing to do' in _genima('repair', dataset).output


def test_filter_copies_and_says_why_not(dataset: Path, tmp_path: Path) -> None:
    with rewritten(dataset / FIRST) as file:
        file['observations/joint_positions'][9, 0] += 0.3
    result = _genima('filter', dataset, '--out', tmp_path / 'good')
    assert result.exit_code == 0 and f'rejected {FIRST}: speed' in result.output
    assert '2 of 3 episodes copied' in result.output
    assert len(list((tmp_path / 'good').glob('episode_*.h5'))) == 2


def test_show_writes_one_page_that_needs_nothing_else(dataset: Path, tmp_path: Path) -> None:
    result = _genima('show', dataset / FIRST, '--out', tmp_path / 'page.html', '--horizon', '5')
    assert result.exit_code == 0, result.exception
    page = (tmp_path / 'page.html').read_text()
    for source in re.findall(r'(?:src|href)="([^"]*)"', page):
        assert source.startswith(('data:', '#')), source
    assert 'wave at the camera' in page and page.count('<svg') == 3 and 'spheres of 5 steps ahead' in page


def test_show_writes_a_page_per_episode_of_a_folder(dataset: Path, tmp_path: Path) -> None:
    result = _genima('show', dataset, '--out', tmp_path / 'pages', '--most', '2')
    assert result.exit_code == 0, result.exception
    assert sorted(path.name for path in (tmp_path / 'pages').iterdir()) == [
        'episode_000000.html', 'episode_000001.html', 'index.html',
    ]  # fmt: skip
    assert 'href="episode_000001.html"' in (tmp_path / 'pages' / 'index.html').read_text()


def test_the_documentation_names_every_code_and_every_metadata_key_of_a_recording(dataset: Path) -> None:
    text = (ROOT / 'docs' / 'dataset.md').read_text()
    missing = [code for code in KINDS if f'`{code}`' not in text]
    missing += [key for key in read_episode(dataset / FIRST, images=False).metadata if f'`{key}`' not in text]
    assert not missing
