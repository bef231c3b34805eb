# SPDX-License-Identifier: Apache-2.0
"""A grade is the worst of its marks, and never an A where something was not measured."""

import json
import sys
from pathlib import Path

import pytest
from small_episodes import make_episode, write_dataset
from typer.testing import CliRunner

from genima.cli.main import app
from genima.episodes.label_file import apply
from genima.episodes.labels import Label
from genima.episodes.store import write_episode
from genima.errors import DatasetError
from genima.quality.grade import LETTERS, SCALES, Grade, Mark, grade, letter_of
from genima.robots.profile import RobotProfile


def _marks(letters: str) -> list[Mark]:
    return [Mark('any', letter.strip(), 1.0, '', '', '') for letter in letters]


@pytest.mark.parametrize(('letters', 'expected'), [('AAA', 'A'), ('ABA', 'B'), ('A A', 'B'), (' C ', 'C'), ('ADF', 'F')])
def test_the_worst_mark_decides_and_what_is_missing_keeps_from_an_a(letters: str, expected: str) -> None:
    assert letter_of(_marks(letters)) == expected


def test_scales_go_from_good_to_bad_and_name_their_source() -> None:
    for scale in SCALES.values():
        ordered = sorted(scale.bounds, reverse=scale.rises)
        assert list(scale.bounds) == ordered and scale.source
        assert scale.letter(scale.bounds[0]) == 'A' and scale.letter(-1e9 if scale.rises else 1e9) == 'F'
    assert [SCALES['diversity'].letter(count) for count in (6, 5, 3, 2, 1)] == list('ABBCC')
    assert [SCALES['drift'].letter(share) for share in (0, 4, 12, 20, 30)] == list(LETTERS)


def test_a_faster_arm_and_a_dispute_cost_a_letter(panda: RobotProfile, tmp_path: Path) -> None:
    write_dataset(tmp_path, panda, 4)
    before = {mark.name: mark for mark in grade(tmp_path).marks}
    assert before['speed'].letter == before['rate'].letter == 'A' and before['image size'].letter == 'F'
    assert before['labels'].letter == before['agreement'].letter == before['drift'].letter == ''
    episode = make_episode(panda, 9)
    episode.q_rad[12:, 2] += 0.25
    write_episode(tmp_path / 'episode_000009.h5', episode)
    apply(tmp_path, [('0', Label('ann', True)), ('0', Label('bob', False)), ('1', Label('ann', True))])
    after = {mark.name: mark for mark in grade(tmp_path).marks}
    assert (after['speed'].letter, after['speed'].value) == ('D', 20.0)
    assert after['labels'].letter == 'F' and after['agreement'].letter == 'F' and after['judged'].value == 80.0


def test_few_labels_that_agree_are_no_a(panda: RobotProfile, tmp_path: Path) -> None:
    write_dataset(tmp_path, panda, 4)
    votes = [(str(number), Label(name, True)) for number in range(4) for name in ('ann', 'bob')]
    apply(tmp_path, votes[:2])
    assert {mark.letter for mark in grade(tmp_path).marks if mark.name in ('labels', 'agreement')} == {'B'}
    apply(tmp_path, votes)
    assert {mark.letter for mark in grade(tmp_path).marks if mark.name in ('labels', 'agreement')} == {'A'}


def test_the_exit_code_is_for_ci(panda: RobotProfile, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_dataset(tmp_path / 'data', panda, 1)
    module = sys.modules['genima.quality.grade']
    monkeypatch.setattr(module, 'grade', lambda folder, on_done: Grade('C', tuple(_marks('AC'))))
    arguments = ['dataset', 'grade', str(tmp_path / 'data'), '--json', str(tmp_path / 'grade.json'), '--min']
    codes = [CliRunner().invoke(app, [*arguments, letter]).exit_code for letter in 'ABCDf']
    assert codes == [1, 1, 0, 0, 0]
    assert json.loads((tmp_path / 'grade.json').read_text())['letter'] == 'C'
    assert isinstance(CliRunner().invoke(app, [*arguments, 'E']).exception, DatasetError)


def test_a_damaged_episode_is_graded_too(panda: RobotProfile, tmp_path: Path) -> None:
    write_dataset(tmp_path, panda, 1)
    path = tmp_path / 'episode_000000.h5'
    path.write_bytes(path.read_bytes()[:4000])
    given = grade(tmp_path)
    assert given.letter == 'F' and given.marks[0].value == 100.0
