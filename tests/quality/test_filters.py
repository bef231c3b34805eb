# SPDX-License-Identifier: Apache-2.0
"""What is good enough is copied, what is not says why, and what cannot be measured is never called good."""

import json
from dataclasses import replace
from pathlib import Path

import h5py
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from small_episodes import make_episode, rewritten

from genima.camera_checks.silhouette import Silhouette
from genima.cameras.model import CameraModel
from genima.episodes.dataset import read_card
from genima.episodes.episode import Episode
from genima.episodes.label_file import apply
from genima.episodes.labels import Interval
from genima.episodes.store import read_episode, write_episode
from genima.errors import DatasetError
from genima.quality.drift import Drift, projection_drift
from genima.quality.filters import Marks, copy_good, measure_all
from genima.quality.idle import idle_steps, idle_stretches
from genima.quality.measures import measure
from genima.quality.verdict import FAIL, NOT_MEASURABLE, PASS, Quality, Thresholds
from genima.quality.verify import verify
from genima.robots.profile import RobotProfile

FIRST = 'episode_000000.h5'


def _measured(episode: Episode, folder: Path) -> dict[str, str]:
    write_episode(folder / FIRST, episode)
    return _verdicts(measure(folder / FIRST))


def _verdicts(quality: Quality) -> dict[str, str]:
    return {each.name: each.verdict for each in quality.measures}


def test_a_good_episode_passes_what_can_be_measured(panda: RobotProfile, tmp_path: Path) -> None:
    verdicts = _measured(make_episode(panda, 0), tmp_path)
    measurable = {name for name, verdict in verdicts.items() if verdict == PASS}
    assert measurable == {'sound', 'speed', 'skew', 'repeats'}
    assert verdicts['drift'] == verdicts['labels'] == NOT_MEASURABLE


def test_a_spike_is_rejected_by_the_time_between_the_steps(panda: RobotProfile, tmp_path: Path) -> None:
    episode = make_episode(panda, 0)
    episode.q_rad[12:, 2] += 0.25  # in 0.1 s
    assert _measured(episode, tmp_path)['speed'] == FAIL
    episode.timestamps_s[12:] += 0.2  # the same way in 0.3 s
    episode.capture_s = {name: episode.timestamps_s.copy() for name in episode.views}
    assert _measured(episode, tmp_path)['speed'] == PASS


def test_a_spike_that_is_not_learned_from_does_not_count(panda: RobotProfile, tmp_path: Path) -> None:
    episode = make_episode(panda, 0)
    episode.q_rad[12:, 2] += 0.25
    episode.ignore[11] = True
    assert _measured(episode, tmp_path)['speed'] == PASS


@pytest.mark.parametrize(
    ('labels', 'success', 'verdict'),
    [
        ([('ann', True), ('bob', True)], True, PASS),
        ([('ann', True), ('bob', False)], True, FAIL),
        ([('ann', False), ('bob', False)], True, FAIL),
        ([('ann', True), ('bob', True)], None, PASS),
        ([('ann', True)], True, NOT_MEASURABLE),
        ([('ann', True), ('ann', True)], True, NOT_MEASURABLE),
    ],
)
def test_annotators_must_agree(
    labels: list[tuple[str, bool]], success: bool | None, verdict: str, panda: RobotProfile, tmp_path: Path
) -> None:
    episode = make_episode(panda, 0)
    episode.metadata['labels'] = [{'annotator': name, 'success': label} for name, label in labels]
    episode.metadata['success'] = success
    assert _measured(episode, tmp_path)['labels'] == verdict


def test_pictures_far_from_their_steps_are_rejected(panda: RobotProfile, tmp_path: Path) -> None:
    episode = make_episode(panda, 0)
    episode.capture_s['front'] = episode.timestamps_s - 0.08
    assert _measured(episode, tmp_path)['skew'] == FAIL
    episode.capture_s = {name: episode.timestamps_s.copy() for name in episode.views}
    assert _measured(episode, tmp_path)['skew'] == NOT_MEASURABLE


def test_repeated_pictures_are_rejected(panda: RobotProfile, tmp_path: Path) -> None:
    episode = make_episode(panda, 0)
    episode.capture_s['front'] = episode.timestamps_s[2 * (np.arange(len(episode)) // 2)] + 0.04
    assert _measured(episode, tmp_path)['repeats'] == FAIL


def test_a_damaged_episode_is_rejected(dataset: Path) -> None:
    (dataset / FIRST).write_bytes((dataset / FIRST).read_bytes()[:5000])
    quality = measure(dataset / FIRST)
    assert _verdicts(quality) == {'sound': FAIL} and 'file-truncated' in quality.reasons()[0]


# projection drift


def _with_arm(profile: RobotProfile, right_px: float = 0.0, still: bool = False, late_s: float = 0.0) -> Episode:
    """An episode whose camera sees the arm `right_px` beside where it is calibrated to, in images that are `late_s` old."""
    episode = make_episode(profile, 0, steps=40)
    mounted = episode.cameras['front']
    K = np.array([[130.0, 0, 63.5], [0, 130.0, 47.5], [0, 0, 1]])
    episode.cameras = {'front': replace(mounted, model=CameraModel('front', 128, 96, K))}
    real = replace(mounted, model=CameraModel('front', 128, 96, K + np.array([[0, 0, right_px], [0, 0, 0], [0, 0, 0]])))
    silhouette = Silhouette(profile)
    links = silhouette.parts_seen_from(profile.base_link).moving
    frames = np.random.default_rng(0).integers(60, 70, (len(episode), 96, 128, 3), dtype=np.uint8)
    taken_s = episode.timestamps_s - late_s
    for frame, at_s in zip(frames, np.full_like(taken_s, 0.3) if still else taken_s, strict=True):
        q_rad = np.array([np.interp(at_s, episode.timestamps_s, joint) for joint in episode.q_rad.T])
        frame[silhouette.mask(real, q_rad, 1.0, links) > 0] = 200
    episode.views, episode.capture_s = {'front': frames}, {'front': taken_s}
    return episode


@pytest.mark.parametrize('right_px', [0.0, 3.0, -6.0, 10.0, 22.0])
def test_drift_is_measured_to_half_a_pixel(right_px: float, panda: RobotProfile) -> None:
    episode = _with_arm(panda, right_px)
    drift = projection_drift(episode, episode.views, panda)['front']
    assert isinstance(drift, Drift)
    assert (drift.right_px, drift.down_px) == pytest.approx((right_px, 0.0), abs=0.5)


def test_images_that_are_old_are_compared_with_the_joints_of_then(panda: RobotProfile) -> None:
    episode = _with_arm(panda, late_s=0.04)
    drift = projection_drift(episode, episode.views, panda)['front']
    assert isinstance(drift, Drift) and drift.distance_px < 0.4


def test_drift_over_the_threshold_is_rejected(panda: RobotProfile, tmp_path: Path) -> None:
    assert _measured(_with_arm(panda, 3.0), tmp_path)['drift'] == PASS
    assert _measured(_with_arm(panda, 6.0), tmp_path)['drift'] == FAIL


def test_an_arm_that_stands_still_in_the_images_says_nothing(panda: RobotProfile, tmp_path: Path) -> None:
    assert _measured(_with_arm(panda, still=True), tmp_path)['drift'] == NOT_MEASURABLE


def test_a_camera_on_the_arm_is_not_measurable(panda: RobotProfile) -> None:
    episode = _with_arm(panda)
    episode.cameras['front'] = replace(episode.cameras['front'], parent_link=panda.gripper.tcp_link)
    reason = projection_drift(episode, episode.views, panda)['front']
    assert isinstance(reason, str) and 'carries' in reason


# idle stretches


def _waiting(profile: RobotProfile, first: int, last: int) -> Episode:
    """An episode that stops at step `first` and goes on after step `last`."""
    episode = make_episode(profile, 0)
    steps = np.arange(len(episode))
    source = np.where(steps <= first, steps, np.maximum(first, steps - (last - first)))
    for values in (episode.q_rad, episode.q_command_rad, episode.gripper_open, episode.gripper_command_open):
        values[:] = values[source]
    return episode


@pytest.mark.parametrize(
    ('first', 'last', 'place'), [(0, 7, 'start'), (17, 25, 'middle'), (20, 29, 'end'), (0, 29, 'whole')]
)
def test_idle_stretches_are_found_where_they_are(first: int, last: int, place: str, panda: RobotProfile) -> None:
    (stretch,) = idle_stretches(_waiting(panda, first, last))
    assert (stretch.first, stretch.last, stretch.place) == (first, last, place)
    assert stretch.seconds == pytest.approx((last - first) / 10)


def test_a_command_to_move_ends_idleness(panda: RobotProfile) -> None:
    episode = _waiting(panda, 0, 29)
    assert len(idle_stretches(episode)) == 1
    episode.gripper_command_open[15:] = 0.0
    assert [(each.first, each.last) for each in idle_stretches(episode)] == [(0, 14), (15, 29)]


@given(first=st.integers(0, 29), length=st.integers(0, 29))
def test_marks_cover_idle_steps_and_no_others(first: int, length: int, panda: RobotProfile) -> None:
    last = min(first + length, 29)
    stretches = idle_stretches(_waiting(panda, first, last))
    marks = idle_steps(stretches, 30)
    if length <= 5:
        assert not stretches or last == 29
    assert not marks[:first].any() and not marks[last + 1 :].any()


# the new folder


def test_what_passes_is_copied_and_the_report_names_the_rest(dataset: Path, tmp_path: Path) -> None:
    with rewritten(dataset / FIRST) as file:
        file['observations/joint_positions'][12:, 2] += 0.25
    thresholds = Thresholds()
    qualities = measure_all(dataset, thresholds)
    out = tmp_path / 'good'
    kept = copy_good(dataset, out, qualities, thresholds)
    assert kept == [f'episode_{number:06d}.h5' for number in (1, 2, 3)]
    assert sorted(path.name for path in out.iterdir()) == sorted(
        [*kept, 'dataset.yaml', 'index.json', 'quality.json', 'quality.svg']
    )
    assert (out / kept[0]).stat().st_ino == (dataset / kept[0]).stat().st_ino  # nothing is stored twice
    assert '3 of 4 episodes of wave' in read_card(out).description
    rejected = {each['file']: each['rejected'] for each in json.loads((out / 'quality.json').read_text())['episodes']}
    assert 'speed' in rejected[FIRST][0] and not rejected[kept[0]]
    assert (out / 'quality.svg').read_text().startswith('<svg')
    assert verify(out) == []
    assert not list(tmp_path.glob('.good*'))


def test_idle_marks_go_into_new_files_only(panda: RobotProfile, dataset: Path, tmp_path: Path) -> None:
    write_episode(dataset / FIRST, _waiting(panda, 17, 25))
    before = (dataset / FIRST).read_bytes()
    thresholds = Thresholds()
    copy_good(dataset, tmp_path / 'good', measure_all(dataset, thresholds), thresholds, marks=Marks(idle=True))
    marked = read_episode(tmp_path / 'good' / FIRST)
    assert np.flatnonzero(marked.ignore).tolist() == list(range(17, 25))
    assert marked.metadata['idle_marked']['seconds'] == pytest.approx(0.8)
    assert (dataset / FIRST).read_bytes() == before
    assert verify(tmp_path / 'good' / FIRST) == []


def test_idle_marks_bring_version_1_up_to_date(panda: RobotProfile, dataset: Path, tmp_path: Path) -> None:
    write_episode(dataset / FIRST, _waiting(panda, 17, 25))
    with h5py.File(dataset / FIRST, 'r+') as file:
        del file['annotations'], file.attrs['content_sha256']
        times_s = file['timestamps'][:, 0]
        del file['timestamps']
        file['timestamps'] = times_s
        for name in ('front', 'wrist'):
            del file[f'observations/capture_time_{name}']
        file.attrs['schema_version'] = 1
    thresholds = Thresholds()
    copy_good(dataset, tmp_path / 'good', measure_all(dataset, thresholds), thresholds, marks=Marks(idle=True))
    assert verify(tmp_path / 'good' / FIRST) == []
    assert read_episode(tmp_path / 'good' / FIRST).ignore.sum() == 8


def test_strict_rejects_what_was_not_measured(dataset: Path, tmp_path: Path) -> None:
    thresholds = Thresholds()
    with pytest.raises(DatasetError, match='none of the 4 episodes'):
        copy_good(dataset, tmp_path / 'good', measure_all(dataset, thresholds), thresholds, strict=True)
    assert not (tmp_path / 'good').exists()


def test_a_folder_that_exists_is_left_alone(dataset: Path) -> None:
    thresholds = Thresholds()
    with pytest.raises(DatasetError, match='exists already'):
        copy_good(dataset, dataset, measure_all(dataset, thresholds), thresholds)


def test_a_majority_is_enough_where_that_was_said(panda: RobotProfile, tmp_path: Path) -> None:
    episode = make_episode(panda, 0)
    episode.metadata['labels'] = [{'annotator': name, 'success': name != 'cleo'} for name in ('ann', 'bob', 'cleo')]
    write_episode(tmp_path / FIRST, episode)
    assert _verdicts(measure(tmp_path / FIRST))['labels'] == FAIL
    assert _verdicts(measure(tmp_path / FIRST, Thresholds(agreement=0.6)))['labels'] == PASS
    episode.metadata['labels'].pop(0)
    write_episode(tmp_path / FIRST, episode)
    assert _verdicts(measure(tmp_path / FIRST, Thresholds(agreement=0.5)))['labels'] == FAIL


def test_steps_that_fail_are_marked_to_be_ignored(dataset: Path, tmp_path: Path) -> None:
    apply(dataset, [('0', Interval('ann', 1.0, 1.5, 'collision'))])
    qualities = measure_all(dataset, Thresholds())
    copy_good(dataset, tmp_path / 'good', qualities, Thresholds(), marks=Marks(failures=True))
    assert np.flatnonzero(read_episode(tmp_path / 'good' / FIRST).ignore).tolist() == [10, 11, 12, 13, 14, 15]
    assert not [each for each in verify(tmp_path / 'good') if each.severity == 'error']
