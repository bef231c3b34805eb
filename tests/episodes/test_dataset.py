# SPDX-License-Identifier: Apache-2.0
"""The folder of a dataset: index, versions, and what one finds among several."""

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from genima.cameras.model import CameraModel, MountedCamera
from genima.episodes.annotate import write_ignored
from genima.episodes.catalogue import Query, Summary, find_datasets, summarize
from genima.episodes.dataset import Card, read_card, read_frozen, release, write_card
from genima.episodes.diversity import clutter, conditions, described, level, materials
from genima.episodes.episode import Episode
from genima.episodes.frames import open_views
from genima.episodes.index import describe, index_digest, read_index, refresh_index
from genima.episodes.store import read_episode, write_episode
from genima.errors import DatasetError


def _episode(seed: int = 0, **metadata: object) -> Episode:
    rng = np.random.default_rng(seed)
    model = CameraModel('front', 6, 5, np.array([[4.0, 0, 2.5], [0, 4.0, 2.0], [0, 0, 1]]))
    return Episode(
        timestamps_s=np.arange(4) * 0.1,
        views={'front': rng.integers(0, 255, (4, 5, 6, 3), dtype=np.uint8)},
        q_rad=rng.normal(size=(4, 7)),
        gripper_open=np.ones(4),
        q_command_rad=rng.normal(size=(4, 7)),
        gripper_command_open=np.ones(4),
        cameras={'front': MountedCamera(model, 'base', np.eye(4))},
        metadata={'robot': 'panda', 'task': 'pick', 'rate_hz': 10.0, 'success': True, 'seed': seed} | metadata,
    )


def _dataset(folder: Path, count: int = 3, **metadata: object) -> Path:
    for seed in range(count):
        write_episode(folder / f'episode_{seed:06d}.h5', _episode(seed, **metadata))
    return folder


def _summary(folder: Path) -> Summary:
    return summarize(folder, read_card(folder), refresh_index(folder))


def test_an_index_entry_says_what_is_in_the_file(tmp_path: Path) -> None:
    episode = _episode(
        success=False, failure='timeout', licence='CC-BY-4.0', recorded_at='2026-11-22T02:00:00+00:00',
        diversity={'conditions': ['dim', 'wood', 'plain']},
    )  # fmt: skip
    write_episode(tmp_path / 'episode_000000.h5', episode)
    (entry,) = refresh_index(tmp_path)
    assert (entry.steps, entry.seconds, entry.rate_hz) == (4, pytest.approx(0.3), 10.0)
    assert (entry.robot, entry.task, entry.success, entry.failure) == ('panda', 'pick', False, 'timeout')
    assert (entry.diversity, entry.cameras, entry.licence) == ('medium', ('front',), 'CC-BY-4.0')
    assert entry.recorded_at == '2026-11-22T02:00:00+00:00' and len(entry.content_sha256) == 64


def test_the_index_is_read_back_as_it_was_written(tmp_path: Path) -> None:
    entries = refresh_index(_dataset(tmp_path))
    assert list(read_index(tmp_path).values()) == entries


def test_only_changed_files_are_read_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    refresh_index(_dataset(tmp_path))
    write_episode(tmp_path / 'episode_000001.h5', _episode(8, task='push'))
    (tmp_path / 'episode_000002.h5').unlink()
    read: list[str] = []
    monkeypatch.setattr('genima.episodes.index.describe', lambda path: read.append(path.name) or describe(path))
    entries = refresh_index(tmp_path)
    assert read == ['episode_000001.h5'] and [entry.task for entry in entries] == ['pick', 'push']


def test_a_damaged_index_or_episode_stops_nobody(tmp_path: Path) -> None:
    refresh_index(_dataset(tmp_path))
    (tmp_path / 'index.json').write_text('{"schema"')
    (tmp_path / 'episode_000001.h5').write_bytes(b'broken')
    entries = refresh_index(tmp_path)
    assert [bool(entry.error) for entry in entries] == [False, True, False]
    assert _summary(tmp_path).unreadable == ('episode_000001.h5',)


@pytest.mark.parametrize('text', ['{', '[]', '{"schema": "other", "schema_version": 1, "episodes": []}', '{"episodes": 3}'])
def test_a_damaged_index_is_named(text: str, tmp_path: Path) -> None:
    (tmp_path / 'index.json').write_text(text)
    with pytest.raises(DatasetError, match='genima dataset repair'):
        read_index(tmp_path)


def test_a_release_freezes_every_episode(tmp_path: Path) -> None:
    card = release(_dataset(tmp_path), '1.0', ['three picks'])
    assert (card.version, card.changelog[-1].episodes) == ('1.0', 3)
    frozen = read_frozen(tmp_path, read_card(tmp_path).changelog[-1])
    assert frozen == {entry.file: entry.content_sha256 for entry in refresh_index(tmp_path)}
    assert card.changelog[-1].index_sha256 == index_digest(frozen)


def test_versions_follow_each_other_and_say_what_changed(tmp_path: Path) -> None:
    release(_dataset(tmp_path), '1.9', ['first'])
    for wrong in ('1.9', '1.8', '2', 'v2.0', '1.10.x'):
        with pytest.raises(DatasetError, match=r'does not follow 1\.9'):
            release(tmp_path, wrong, ['again'])
    with pytest.raises(DatasetError, match='--note'):
        release(tmp_path, '1.10', [])
    card = release(tmp_path, '1.10', ['recalibrated', 'labels corrected'])
    assert [each.version for each in card.changelog] == ['1.9', '1.10'] and read_card(tmp_path) == card


def test_what_cannot_be_read_is_not_released(tmp_path: Path) -> None:
    (_dataset(tmp_path) / 'episode_000001.h5').write_bytes(b'broken')
    with pytest.raises(DatasetError, match=r'episode_000001\.h5 cannot be read'):
        release(tmp_path, '1.0', ['first'])
    assert not (tmp_path / 'dataset.yaml').exists()


def test_a_changed_list_of_a_release_is_named(tmp_path: Path) -> None:
    newest = release(_dataset(tmp_path), '1.0', ['first']).changelog[-1]
    path = tmp_path / 'releases' / '1.0.json'
    path.write_text(path.read_text().replace('episode_000000', 'episode_000007'))
    with pytest.raises(DatasetError, match=r'changed after version 1\.0'):
        read_frozen(tmp_path, newest)


def test_a_card_is_read_back_and_its_mistakes_are_named(tmp_path: Path) -> None:
    assert read_card(tmp_path).name == tmp_path.name
    card = Card('picks', 'Grün: 200 picks', 'CC-BY-4.0')
    write_card(tmp_path, card)
    assert read_card(tmp_path) == card
    for wrong in ('version: 1.10', 'colour: red', '[1, 2]', 'name: [', 'changelog: {version: 1}'):
        (tmp_path / 'dataset.yaml').write_text(f'name: x\n{wrong}\n')
        with pytest.raises(DatasetError, match='is no dataset description'):
            read_card(tmp_path)


@given(st.lists(st.text(min_size=1), max_size=9))
def test_the_level_of_diversity_counts_different_conditions(names: list[str]) -> None:
    expected = ('unknown', 'low', 'low', 'medium', 'medium', 'medium', *['high'] * 9)[len(set(names))]
    assert level(names) == expected
    assert level(conditions({'diversity': {'conditions': names}})) == expected


def test_conditions_are_named_by_what_is_known() -> None:
    assert conditions({}) == conditions({'diversity': None}) == ()
    assert conditions({'diversity': {'lighting': 'side', 'background': 'plain'}}) == ('lighting side, background plain',)


def test_materials_and_clutter_are_conditions() -> None:
    """One configuration where only they are known; names of their own beside a list of what was varied."""
    metadata = described({}, background='plain', materials=['matte', 'glossy'], clutter=5)
    assert conditions(metadata) == ('background plain, object_material glossy and matte, clutter 5',)
    listed = {'diversity': {'conditions': ['dim'], 'object_material': 'wood', 'clutter': 0}}
    assert conditions(listed) == ('clutter 0', 'dim') and materials(listed) == ('wood',)
    assert conditions(described(listed, materials=['glossy'])) == ('clutter 0', 'dim', 'material glossy')
    assert conditions({'diversity': {'materials': 3, 'clutter': True}}) == () and clutter({'diversity': []}) == ''


def test_a_catalogue_counts_materials_and_clutter(tmp_path: Path) -> None:
    for seed, (material, things) in enumerate((('matte', 0), ('glossy', 5), ('glossy', 5))):
        noted = {'materials': [material], 'clutter': things}
        write_episode(tmp_path / f'episode_{seed:06d}.h5', _episode(seed, diversity=noted))
    summary = _summary(tmp_path)
    assert summary.materials == {'glossy': 2, 'matte': 1} and summary.clutter == {'0': 1, '5': 2}
    assert len(summary.conditions) == 2
    assert Query(material='matte').accepts(summary) and not Query(material='wood').accepts(summary)


def test_an_index_of_an_earlier_program_is_made_anew_and_is_no_damage(tmp_path: Path) -> None:
    _dataset(tmp_path, 2)
    refresh_index(tmp_path)
    path = tmp_path / 'index.json'
    path.write_text(path.read_text().replace('"schema_version": 2', '"schema_version": 1'))
    assert read_index(tmp_path) == {} and len(refresh_index(tmp_path)) == 2 and len(read_index(tmp_path)) == 2


def test_datasets_are_found_and_chosen(tmp_path: Path) -> None:
    _dataset(tmp_path / 'a', 3)
    _dataset(tmp_path / 'lab' / 'b', 2, robot='ur5e', task='push', rate_hz=30.0, success=None)
    _dataset(tmp_path / 'lab' / '.hidden', 1)
    (tmp_path / 'empty').mkdir()
    folders = list(find_datasets(tmp_path))
    assert folders == [tmp_path / 'a', tmp_path / 'lab' / 'b']
    a, b = map(_summary, folders)
    chosen = {
        'robot': Query(robot='ur5e'), 'task': Query(task='push'), 'rate': Query(min_rate_hz=20.0),
        'episodes': Query(max_episodes=2),
    }  # fmt: skip
    assert all(query.accepts(b) and not query.accepts(a) for query in chosen.values())
    others = (Query(min_success=0.9), Query(min_episodes=3), Query(max_rate_hz=10.0))
    assert all(query.accepts(a) and not query.accepts(b) for query in others)
    for summary in (a, b):
        assert Query().accepts(summary) and not Query(diversity='high').accepts(summary)
        assert Query(max_seconds=0.4).accepts(summary) and not Query(min_seconds=0.4).accepts(summary)


def test_conditions_of_all_episodes_make_the_level_of_a_dataset(tmp_path: Path) -> None:
    for seed in range(6):
        write_episode(tmp_path / f'episode_{seed:06d}.h5', _episode(seed, diversity={'conditions': [f'wall {seed}']}))
    assert _summary(tmp_path).diversity == 'high'
    assert {entry.diversity for entry in refresh_index(tmp_path)} == {'low'}


def test_single_frames_are_read(tmp_path: Path) -> None:
    write_episode(tmp_path / 'episode_000000.h5', _episode(3))
    with open_views(tmp_path / 'episode_000000.h5') as views:
        np.testing.assert_array_equal(views['front'][2], _episode(3).views['front'][2])
    with pytest.raises(DatasetError, match='cannot be opened'), open_views(tmp_path / 'nothing.h5'):
        pass


def test_marks_are_added_to_those_that_are_there(tmp_path: Path) -> None:
    episode = _episode()
    episode.ignore[0] = True
    write_episode(tmp_path / 'episode_000000.h5', episode)
    write_ignored(tmp_path / 'episode_000000.h5', tmp_path / 'copy.h5', np.array([0, 0, 1, 0], dtype=bool), {'by': 'test'})
    marked = read_episode(tmp_path / 'copy.h5')
    assert marked.ignore.tolist() == [True, False, True, False] and marked.metadata['by'] == 'test'
    with pytest.raises(DatasetError, match='3 marks for 4 steps'):
        write_ignored(tmp_path / 'episode_000000.h5', tmp_path / 'other.h5', np.zeros(3, dtype=bool), {})
    assert not (tmp_path / 'other.h5').exists() and not list(tmp_path.glob('.other*'))


def test_the_index_is_plain_json(tmp_path: Path) -> None:
    refresh_index(_dataset(tmp_path, 1))
    values = json.loads((tmp_path / 'index.json').read_text())
    assert (values['schema'], values['schema_version'], len(values['episodes'])) == ('genima-index', 2, 1)
