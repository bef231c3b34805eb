# SPDX-License-Identifier: Apache-2.0
"""Labels of several annotators: the majority decides, a tie does not, and nothing else in the file changes."""

import json
import os
import sys
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from genima.episodes.label_file import apply, find_episode, read_label_file
from genima.episodes.labels import FAILURE_MODES, Interval, Label, alpha, consensus, failure_modes, with_label
from genima.episodes.store import read_episode
from genima.errors import DatasetError
from genima.quality.verify import verify
from genima.robots.profile import RobotProfile

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / 'quality'))
from small_episodes import rewritten, write_dataset

FIRST = 'episode_000000.h5'


@pytest.fixture
def dataset(tmp_path: Path, panda: RobotProfile) -> Path:
    return write_dataset(tmp_path / 'wave', panda, 3)


def _votes(*votes: bool | str) -> list[Label]:
    return [Label(f'a{index}', vote is True, vote if isinstance(vote, str) else '') for index, vote in enumerate(votes)]


@pytest.mark.parametrize(
    ('votes', 'success', 'failure', 'agreement'),
    [
        ((), None, '', 0.0),
        ((True,), True, '', 1.0),
        ((True, False), None, '', 0.5),
        ((True, True, False), True, '', 2 / 3),
        (('collision', 'collision', 'timeout', True), False, 'collision', 3 / 4),
        (('collision', 'timeout', False), False, '', 1.0),
    ],
)
def test_the_majority_decides(votes: tuple[bool | str, ...], success: bool | None, failure: str, agreement: float) -> None:
    agreed = consensus(_votes(*votes))
    assert (agreed.success, agreed.failure, agreed.agreement) == (success, failure, pytest.approx(agreement))


def test_alpha_is_that_of_the_textbook() -> None:
    """Two observers, ten units, binary data: alpha = 0.095 (Krippendorff, Computing Krippendorff's Alpha, 2011, part A)."""
    first, second = '0100000000', '1110010100'
    units = [[Label('m', m == '1'), Label('w', w == '1')] for m, w in zip(first, second, strict=True)]
    assert alpha(units) == pytest.approx(0.095, abs=5e-4)
    assert alpha([_votes(True, True), _votes(True)]) is None and alpha([]) is None


def test_a_second_label_of_one_annotator_replaces_the_first_and_the_recorded_verdict_is_kept() -> None:
    metadata: dict[str, Any] = {'success': False, 'failure': 'timeout', 'task': 'wave'}
    metadata = with_label(with_label(metadata, Label('ann', False, 'collision')), Label('ann', True))
    assert metadata['success'] is True and 'failure' not in metadata and len(metadata['labels']) == 1
    assert metadata['recorded'] == {'success': False, 'failure': 'timeout'} and metadata['task'] == 'wave'


def test_labels_are_written_and_the_episode_stays_sound(dataset: Path, tmp_path: Path) -> None:
    os.link(dataset / FIRST, tmp_path / 'kept.h5')
    before = read_episode(dataset / FIRST)
    apply(dataset, [('0', Label('ann', False, 'grasp_failure')), (FIRST, Interval('ann', 1.0, 1.5, 'grasp_failure'))])
    after = read_episode(dataset / FIRST)
    assert (after.metadata['success'], after.metadata['failure']) == (False, 'grasp_failure')
    assert all((after.views[name] == before.views[name]).all() for name in before.views)
    assert not [finding for finding in verify(dataset) if finding.severity == 'error']
    assert read_episode(tmp_path / 'kept.h5').metadata == before.metadata


def test_failure_modes_are_per_step_and_by_majority(dataset: Path) -> None:
    episode = read_episode(dataset / FIRST)
    assert not failure_modes(episode).any()
    apply(dataset, [('0', Interval('ann', 1.0, 1.5, 'collision')), ('0', Interval('bob', 1.3, 2.0, 'collision'))])
    modes = failure_modes(read_episode(dataset / FIRST))
    assert modes.dtype == np.uint8 and np.flatnonzero(modes).tolist() == [13, 14, 15]
    assert FAILURE_MODES[modes[13]] == 'collision'
    apply(dataset, [('0', Interval('bob', 0.0, 0.4, 'timeout')), ('0', Interval('ann', 0.0, 0.4, 'collision'))])
    assert not failure_modes(read_episode(dataset / FIRST))[:5].any()


def test_damage_is_not_hidden_by_a_new_digest(dataset: Path) -> None:
    with h5py.File(dataset / FIRST, 'r+') as file:
        file['observations/joint_positions'][3] += 0.01
    with pytest.raises(DatasetError, match='changed after it was written'):
        apply(dataset, [('0', Label('ann', True))])


@pytest.mark.parametrize(
    'label',
    [
        {'annotator': '', 'success': True},
        {'annotator': 'a\n', 'success': True},
        {'annotator': 'a', 'success': 'yes'},
        {'annotator': 'a', 'success': True, 'failure': 'collision'},
        {'annotator': 'a', 'success': False, 'failure': 'bad luck'},
        {'annotator': 'a', 'success': True, 'note': 'x' * 3000},
        {'annotator': 'a'},
        'success',
    ],
)
def test_one_bad_label_stops_the_file_before_anything_is_written(label: object, dataset: Path, tmp_path: Path) -> None:
    bad = {'episode': '1', **label} if isinstance(label, dict) else label
    good = {'episode': '0', 'annotator': 'ann', 'success': False}
    path = tmp_path / 'labels.json'
    path.write_text(json.dumps({'schema': 'genima-labels', 'labels': [good, bad]}))
    with pytest.raises(DatasetError, match='no file of labels'):
        read_label_file(path)
    path.write_text(json.dumps({'schema': 'genima-labels', 'labels': [good]}))
    assert apply(dataset, read_label_file(path)) == 1


@pytest.mark.parametrize('text', ['', '[]', '{"schema": "other"}', '{"schema": "genima-labels", "labels": 3}', '[' * 100000])
def test_other_files_are_refused(text: str, tmp_path: Path) -> None:
    (tmp_path / 'x.json').write_text(text)
    with pytest.raises(DatasetError, match='no file of labels'):
        read_label_file(tmp_path / 'x.json')


def test_an_episode_is_found_by_name_and_number_and_nowhere_else(dataset: Path) -> None:
    assert find_episode(dataset, '2') == find_episode(dataset, 'episode_000002') == dataset / 'episode_000002.h5'
    for name in ('7', '../wave/episode_000000.h5', ''):
        with pytest.raises(DatasetError, match='has no episode'):
            find_episode(dataset, name)
    with pytest.raises(DatasetError, match='lasts'):
        apply(dataset, [('0', Interval('ann', 99.0, 100.0, 'timeout'))])


def test_labels_that_make_no_sense_are_found_by_verify(dataset: Path) -> None:
    with rewritten(dataset / FIRST) as file:
        metadata = json.loads(file['metadata/episode'].asstr()[()])
        metadata |= {'labels': [{'annotator': 3, 'success': True}], 'failure_intervals': {'from_s': 1}}
        del file['metadata/episode']
        file['metadata/episode'] = json.dumps(metadata)
    texts = [finding.text for finding in verify(dataset) if finding.code == 'metadata-value']
    assert len(texts) == 2 and 'annotator' in texts[0] and 'it is a list' in texts[1]
