# SPDX-License-Identifier: Apache-2.0
"""Two reports become a comparison with a page, or are refused in words; two policies are run by turns."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

from genima.cli.main import app
from genima.errors import DatasetError, GenimaError
from genima.evaluate import compare as module
from genima.evaluate.compare import pairs_of_reports, read_report

MODEL = Path(__file__).resolve().parents[2] / 'models' / 'panda_pick'


def report(name: str, rate: float, episodes: int = 120, **values: Any) -> dict[str, Any]:
    rng = np.random.default_rng(len(name))
    outcomes = enumerate((rng.random(episodes) < rate).tolist())
    results = [{'seed': 1000 + index, 'success': done, 'elapsed_s': 3.0 + index % 7} for index, done in outcomes]
    conditions = {'timeout_s': 15.0, 'simulator': 'mujoco 4'}
    return {'policy': name, 'contract': 'a' * 16, 'robot': 'panda', 'task': 'pick', 'conditions': conditions,
            'results': results, **values}  # fmt: skip


def invoke(*words: str) -> str:
    done = CliRunner().invoke(app, ['compare', *words], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return done.output


def test_reports_are_compared_with_figures_and_a_page(tmp_path: Path) -> None:
    paths = [tmp_path / 'ours.json', tmp_path / 'baseline.json']
    for path, rate in zip(paths, (0.95, 0.5), strict=True):
        path.write_text(json.dumps(report(path.stem, rate)))
    out = invoke(*map(str, paths), '--report', str(tmp_path / 'page'), '--json', str(tmp_path / 'figures.json'))
    assert 'ours is better' in out
    figures = json.loads((tmp_path / 'figures.json').read_text())
    assert figures['different'] and figures['p_anytime'] < 0.001 and figures['episodes'] == len(figures['seeds']) == 120
    assert figures['only_first'] > figures['only_second'] and figures['time_to_success_ks']['p'] < 0.01
    page = (tmp_path / 'page' / 'index.html').read_text()
    assert page.count('<svg') == 2 and 'ours is better' in page


def test_the_same_report_twice_is_not_told_apart(tmp_path: Path) -> None:
    path = tmp_path / 'ours.json'
    path.write_text(json.dumps(report('ours', 0.9)))
    assert 'Not told apart in 120 paired episodes' in invoke(str(path), str(path))


@pytest.mark.parametrize(
    ('other', 'words'),
    [
        (report('other', 0.9, task='stack'), 'differ in task: "pick" and "stack"'),
        (report('other', 0.9, robot='fr3'), 'differ in robot: "panda" and "fr3"'),
        (report('other', 0.9, conditions={'timeout_s': 30.0}), 'differ in conditions'),
        (report('other', 0.9, episodes=110), '10 seeds are in one report only \\(1110, 1111'),
    ],
)
def test_reports_that_cannot_be_paired_are_refused(other: dict[str, Any], words: str) -> None:
    with pytest.raises(DatasetError, match=words):
        pairs_of_reports(report('ours', 0.9), other)


@pytest.mark.parametrize('content', ['[]', '{"episodes": 3}', '{"results": [{"seed": "a"}]}', '{"results": []}'])
def test_a_file_that_is_no_report_is_refused(content: str, tmp_path: Path) -> None:
    (tmp_path / 'x.json').write_text(content)
    with pytest.raises(DatasetError, match='has no results of episodes'):
        read_report(tmp_path / 'x.json')


HUGE = pytest.param(10**400, id='huge')


@pytest.mark.parametrize('elapsed_s', [None, 'soon', [1.0], float('nan'), float('inf'), -1.0, True, HUGE])
def test_a_time_that_is_none_is_refused(elapsed_s: Any, tmp_path: Path) -> None:
    spoilt = report('ours', 0.9, episodes=3)
    spoilt['results'][1]['elapsed_s'] = elapsed_s
    (tmp_path / 'x.json').write_text(json.dumps(spoilt))
    with pytest.raises(DatasetError, match='has no results of episodes'):
        read_report(tmp_path / 'x.json')


def test_a_report_that_hides_its_conditions_or_repeats_a_seed_is_refused(tmp_path: Path) -> None:
    (tmp_path / 'x.json').write_text(json.dumps(report('ours', 0.9, conditions=None)))
    with pytest.raises(DatasetError, match='does not say its conditions; evaluate again'):
        read_report(tmp_path / 'x.json')
    twice = report('ours', 0.9)
    twice['results'][1]['seed'] = twice['results'][0]['seed']
    (tmp_path / 'x.json').write_text(json.dumps(twice))
    with pytest.raises(DatasetError, match='120 results of 119 seeds'):
        read_report(tmp_path / 'x.json')


def test_policies_are_run_by_turns_until_they_are_told_apart(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    class Result:
        def __init__(self, success: bool) -> None:
            self.success, self.elapsed_s = success, 4.0

    def run(policy: str, seeds: list[int], config: object, threads: int) -> Any:
        asked.append((policy, seeds[0]))
        yield Result(policy.endswith('panda_pick'))

    monkeypatch.setattr(module, 'run_episodes', run)
    (tmp_path / 'copy').symlink_to(MODEL)
    out = invoke(str(MODEL), str(tmp_path / 'copy'), '--seed', '7')
    assert asked[:4] == [(str(MODEL), 7), (str(tmp_path / 'copy'), 7), (str(MODEL), 8), (str(tmp_path / 'copy'), 8)]
    assert len(asked) < 30 and 'is better' in out


def test_a_report_and_a_policy_are_not_compared(tmp_path: Path) -> None:
    with pytest.raises(GenimaError, match='two reports of `genima evaluate --json`, or two policies'):
        invoke(str(tmp_path / 'a.json'), str(MODEL))
