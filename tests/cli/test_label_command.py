# SPDX-License-Identifier: Apache-2.0
"""`genima dataset label`, the review in a terminal, and the form on the pages."""

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from click.testing import Result
from typer.testing import CliRunner

from genima.cli.label_review import blocks, review
from genima.cli.main import app
from genima.episodes.labels import failure_modes, read_labels
from genima.episodes.store import read_episode
from genima.errors import DatasetError
from genima.robots.profile import RobotProfile

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / 'quality'))
from small_episodes import write_dataset

FIRST, SECOND = 'episode_000000.h5', 'episode_000001.h5'
NODE = shutil.which('node')
# just so much of a browser as the form asks for
BROWSER = """
const field = (value) => ({value});
const rows = ANSWERS.map(([verdict, note]) => ({querySelector: (q) => field(q.includes('verdict') ? verdict : note)}));
let submit; const said = {textContent: ''};
const form = {dataset: DATASET, elements: {annotator: field(' ann ')}, addEventListener: (kind, act) => { submit = act; },
  querySelector: (q) => rows[Number(q.match(/data-row="(\\d+)"/)[1])]};
global.document = {getElementById: (id) => id === 'labels' ? form : said, createElement: () => ({click() {}})};
let saved = ''; global.Blob = function (parts) { saved = parts[0]; };
global.URL = {createObjectURL: () => 'blob:'};
SCRIPT
submit({preventDefault() {}});
console.log(saved);
"""


@pytest.fixture
def dataset(tmp_path: Path, panda: RobotProfile) -> Path:
    return write_dataset(tmp_path / 'wave', panda, 3)


def _label(*arguments: object, answer: str = '') -> Result:
    words = ['dataset', 'label', *(str(argument) for argument in arguments)]
    return CliRunner(env={'COLUMNS': '250'}).invoke(app, words, input=answer)


def test_two_annotators_and_when_it_failed(dataset: Path, tmp_path: Path) -> None:
    for name in ('ann', 'bob'):
        options = ('--episode', '0', '--annotator', name, '--failure', '--cause', 'collision')
        result = _label(dataset, *options, '--from-s', '1', '--to-s', '1.5', '--note', 'it hit the table')
        assert result.exit_code == 0, result.output
    metadata = read_episode(dataset / FIRST).metadata
    assert (metadata['success'], metadata['failure'], len(metadata['labels'])) == (False, 'collision', 2)
    assert failure_modes(read_episode(dataset / FIRST)).sum() == 6
    result = _label(dataset, '--json', tmp_path / 'said.json')
    assert 'collision' in result.output and '1 of 3 episodes labelled' in result.output
    said = json.loads((tmp_path / 'said.json').read_text())
    assert said['alpha'] is None and said['episodes'][0]['consensus'] == 'failure'


@pytest.mark.parametrize(
    ('options', 'why'),
    [
        (('--success',), 'who judges'),
        (('--annotator', 'ann', '--success'), 'which episode'),
        (('--annotator', 'ann', '--episode', '0', '--success', '--cause', 'timeout'), 'goes with'),
        (('--annotator', 'ann', '--episode', '0', '--failure', '--cause', 'luck'), 'one of'),
        (('--annotator', 'ann', '--episode', '0', '--from-s', '1'), 'go together'),
        (('--annotator', 'ann', '--episode', '0', '--from-s', '1', '--to-s', '2'), 'one of'),
        (('--annotator', 'ann', '--cause', 'timeout'), 'go with'),
        (('--annotator', 'ann'), 'needs a terminal'),
    ],
)
def test_half_a_label_is_refused(options: tuple[str, ...], why: str, dataset: Path) -> None:
    before = (dataset / FIRST).read_bytes()
    error = _label(dataset, *options).exception
    assert isinstance(error, DatasetError) and why in str(error)
    assert (dataset / FIRST).read_bytes() == before


def test_a_review_asks_for_each_episode_once(dataset: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    answers = iter(['s', 'x', 'f', '3', 'k', 'q'])
    monkeypatch.setattr('typer.prompt', lambda question: next(answers))
    review(dataset, 'ann')
    assert [each.success for each in read_labels(read_episode(dataset / FIRST).metadata)] == [True]
    assert read_episode(dataset / SECOND).metadata['failure'] == 'grasp_failure'
    review(dataset, 'ann')  # the first two are judged: the third comes at once
    assert next(answers, None) is None and not read_labels(read_episode(dataset / 'episode_000002.h5').metadata)


def test_images_become_characters() -> None:
    text = blocks(np.arange(4 * 3 * 3, dtype=np.uint8).reshape(4, 3, 3))
    assert text.plain == '▀▀▀\n▀▀▀\n'


@pytest.mark.skipif(NODE is None, reason='node, which runs the script of the page, is not installed')
def test_the_form_saves_what_the_command_reads(dataset: Path, tmp_path: Path) -> None:
    pages = tmp_path / 'pages'
    arguments = ['dataset', 'show', str(dataset), '--out', str(pages), '--horizon', '1']
    assert CliRunner().invoke(app, arguments).exit_code == 0
    page = (pages / 'index.html').read_text()
    assert f'genima dataset label {dataset} --from labels.json' in page
    assert 'id="labels"' in (pages / f'{Path(FIRST).stem}.html').read_text()
    script = re.search(r'<script>(.*?)</script>', page, re.S)
    values = {'episodes': json.dumps([FIRST, SECOND]), 'schema': 'genima-labels', 'file': 'labels.json'}
    answers = [['collision', ' "quoted" <b> '], ['success', '']]
    assert script is not None and NODE is not None
    program = BROWSER.replace('SCRIPT', script[1]).replace('ANSWERS', json.dumps(answers))
    program = program.replace('DATASET', json.dumps(values))
    (tmp_path / 'labels.json').write_bytes(subprocess.run([NODE, '-e', program], check=True, capture_output=True).stdout)
    assert _label(dataset, '--from', tmp_path / 'labels.json').exit_code == 0
    metadata = read_episode(dataset / FIRST).metadata
    assert (metadata['failure'], metadata['labels'][0]['note']) == ('collision', '"quoted" <b>')
    assert metadata['labels'][0]['annotator'] == 'ann'


def test_what_episodes_look_like_is_noted_afterwards(dataset: Path) -> None:
    words = ['dataset', 'describe', str(dataset), '--episode', '0', '--material', 'glossy', '--clutter', '5']
    result = CliRunner().invoke(app, words)
    assert result.exit_code == 0 and 'material glossy' in result.output and 'clutter 5' in result.output
    assert read_episode(dataset / SECOND).metadata['diversity'].keys() == {'conditions'}
    assert isinstance(CliRunner().invoke(app, ['dataset', 'describe', str(dataset)]).exception, DatasetError)
