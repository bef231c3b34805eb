# SPDX-License-Identifier: Apache-2.0
"""Recordings become episodes with everything in its place, and episodes become recordings that come back bit by bit."""

from pathlib import Path

import numpy as np
import pytest
from small_recording import DURATION_S, PANDA, START_S, Making, mounted, pixels, q_rad, record

from genima.cameras.model import CameraModel, MountedCamera
from genima.convert.mcap import conversion as mcap
from genima.episodes.episode import Episode
from genima.episodes.store import read_episode, write_episode
from genima.errors import DatasetError


def load(source: Path, out: Path, **options: object) -> list[str]:
    done: list[str] = []
    mcap.load(source, out, done.append, **options)  # type: ignore[arg-type]
    return done


@pytest.fixture(scope='module')
def loaded(tmp_path_factory: pytest.TempPathFactory) -> Episode:
    folder = tmp_path_factory.mktemp('loaded')
    making = Making(marks=((0.5, 'ignore_begin'), (0.8, 'ignore_end'), (1.0, 'mark')))
    record(folder / 'in' / 'episode_000003', making)
    assert load(folder / 'in', folder / 'out') == ['episode_000003']
    return read_episode(folder / 'out' / 'episode_000003.h5')


def test_a_recording_is_put_on_an_even_grid(loaded: Episode) -> None:
    np.testing.assert_allclose(np.diff(loaded.timestamps_s), 0.1, atol=1e-6)
    assert START_S <= loaded.timestamps_s[0] <= START_S + 0.06
    assert loaded.timestamps_s[-1] >= START_S + DURATION_S - 0.25
    np.testing.assert_allclose(loaded.q_rad, [q_rad(time_s) for time_s in loaded.timestamps_s], atol=1e-5)
    np.testing.assert_allclose(loaded.gripper_open, (loaded.timestamps_s - START_S) / DURATION_S, atol=1e-5)
    np.testing.assert_allclose(
        loaded.q_command_rad, [q_rad(time_s + 0.1) + 0.01 for time_s in loaded.timestamps_s], atol=1e-4
    )
    assert loaded.plan_q_rad is None


def test_each_picture_is_that_of_its_capture_time(loaded: Episode) -> None:
    for name, begin_s in (('front', 0.013), ('wrist', 0.02)):
        assert np.abs(loaded.capture_s[name] - loaded.timestamps_s).max() <= 1 / 60 + 1e-6
        for step, captured_s in enumerate(loaded.capture_s[name]):
            number = round((captured_s - START_S - begin_s) * 30)
            np.testing.assert_array_equal(loaded.views[name][step], pixels(name, number))


def test_gripper_and_marks_act_from_their_time_on(loaded: Episode) -> None:
    since_s = loaded.timestamps_s - START_S
    np.testing.assert_array_equal(loaded.ignore, (since_s >= 0.5) & (since_s < 0.8))
    commanded = (since_s >= 0.7) & (since_s < 1.4)
    np.testing.assert_array_equal(loaded.gripper_command_open[commanded], 0.0)
    np.testing.assert_array_equal(loaded.gripper_command_open[since_s >= 1.4], 1.0)


def test_cameras_stand_where_tf_says(loaded: Episode) -> None:
    assert loaded.cameras['wrist'].parent_link == 'panda_hand'
    for name, camera in loaded.cameras.items():
        assert camera.model.model == 'plumb_bob'
        np.testing.assert_array_equal(camera.model.K, mounted(name).model.K)
        np.testing.assert_allclose(camera.T_parent_camera, mounted(name).T_parent_camera, atol=1e-12)


def test_metadata_tell_provenance_outcome_and_how_the_streams_kept_time(loaded: Episode) -> None:
    metadata = loaded.metadata
    told = {'robot': 'panda', 'operator': 'Ann', 'success': True, 'rate_hz': 10.0, 'note': 'well done'}
    assert told.items() <= metadata.items()
    assert metadata['calibration']['age_days'] == 3
    assert metadata['joint_names'] == list(PANDA.arm_joints)
    assert [event['kind'] for event in metadata['events']] == ['ignore_begin', 'ignore_end', 'mark']
    front = metadata['sync']['cameras']['front']
    assert front['stream']['rate_hz'] == pytest.approx(30.0, abs=0.01)
    assert sum(front['skew_counts']) == len(loaded)


def test_a_rate_and_a_latency_can_be_told(tmp_path: Path) -> None:
    record(tmp_path / 'in' / 'episode_000000', Making(delay_s=0.06))
    (tmp_path / 'latency.json').write_text('{"offsets_s": {"front": 0.06, "wrist": 0.06}}')
    load(tmp_path / 'in', tmp_path / 'out', rate_hz=30.0, latency=tmp_path / 'latency.json')
    episode = read_episode(tmp_path / 'out' / 'episode_000000.h5')
    np.testing.assert_allclose(np.diff(episode.timestamps_s), 1 / 30, atol=1e-6)
    for step, captured_s in enumerate(episode.capture_s['front']):
        number = round((captured_s - START_S - 0.013) * 30)
        np.testing.assert_array_equal(episode.views['front'][step], pixels('front', number))
    assert episode.metadata['sync']['cameras']['front']['offset_s'] == 0.06


def test_a_camera_that_froze_is_reported(tmp_path: Path) -> None:
    record(tmp_path / 'in' / 'episode_000000', Making(frozen=range(20, 26)))
    load(tmp_path / 'in', tmp_path / 'out')
    front = read_episode(tmp_path / 'out' / 'episode_000000.h5', images=False).metadata['sync']['cameras']['front']
    assert (front['frozen_frames'], front['longest_frozen_s']) == (5, pytest.approx(5 / 30, abs=1e-3))


def test_compressed_pictures_are_read(tmp_path: Path) -> None:
    record(tmp_path / 'in' / 'episode_000000', Making(compressed=True))
    load(tmp_path / 'in', tmp_path / 'out')
    episode = read_episode(tmp_path / 'out' / 'episode_000000.h5')
    number = round((episode.capture_s['front'][5] - START_S - 0.013) * 30)
    np.testing.assert_array_equal(episode.views['front'][5], pixels('front', number))


@pytest.mark.parametrize(('outcome', 'failure', 'success'), [('failure', 'collision', False), ('unfinished', None, None)])
def test_the_outcome_is_carried(tmp_path: Path, outcome: str, failure: str | None, success: bool | None) -> None:
    record(tmp_path / 'in' / 'episode_000000', Making(outcome=outcome, failure=failure))
    load(tmp_path / 'in', tmp_path / 'out')
    metadata = read_episode(tmp_path / 'out' / 'episode_000000.h5', images=False).metadata
    assert (metadata['success'], metadata.get('failure')) == (success, failure)


@pytest.mark.parametrize(
    ('making', 'words'),
    [
        (Making(infos=False), "camera 'front': its camera_info was not recorded"),
        (Making(focal_changes=True), "camera 'front': its camera_info changes during the recording"),
        (Making(moved=True), "camera 'front' moved on panda_link0 during the recording"),
        (
            Making(cameras={'front': mounted('front', 'table')}),
            "camera 'front': tf does not connect 'front_frame' to the robot",
        ),
        (Making(cameras={}), 'no camera was recorded'),
        (Making(provenance={}), 'does not name its robot'),
    ],
)
def test_what_would_make_a_wrong_episode_is_refused(tmp_path: Path, making: Making, words: str) -> None:
    record(tmp_path / 'in' / 'episode_000000', making)
    with pytest.raises(DatasetError, match=words):
        load(tmp_path / 'in', tmp_path / 'out')
    assert not list((tmp_path / 'out').iterdir())


def test_a_damaged_recording_is_refused_and_the_others_are_converted(tmp_path: Path) -> None:
    for number in range(3):
        record(tmp_path / 'in' / f'episode_{number:06d}')
    file = tmp_path / 'in' / 'episode_000001' / 'episode_000001_0.mcap'
    file.write_bytes(file.read_bytes()[:-3000])
    done: list[str] = []
    with pytest.raises(DatasetError, match=r'1 of 3 episodes could not be converted:\n.*episode_000001.*repair'):
        mcap.load(tmp_path / 'in', tmp_path / 'out', done.append)
    assert done == ['episode_000000', 'episode_000002']


def test_an_interrupted_conversion_goes_on_and_unfinished_recordings_are_told_of(tmp_path: Path) -> None:
    for number in range(2):
        record(tmp_path / 'in' / f'episode_{number:06d}')
    cut = record(tmp_path / 'in' / 'episode_000002')
    for name in ('episode.json', 'metadata.yaml'):
        (cut / name).unlink()
    assert mcap.count(tmp_path / 'in') == 2
    (tmp_path / 'out').mkdir()
    (tmp_path / 'out' / 'episode_000000.h5').touch()
    with pytest.warns(UserWarning, match='episode_000002 was not finished'):
        assert load(tmp_path / 'in', tmp_path / 'out') == ['episode_000001']


def test_a_bag_of_rosbag2_needs_no_summary(tmp_path: Path) -> None:
    folder = record(tmp_path / 'in' / 'monday')
    (folder / 'episode.json').unlink()
    assert load(tmp_path / 'in', tmp_path / 'out', robot='panda') == ['episode_000000']
    assert read_episode(tmp_path / 'out' / 'episode_000000.h5', images=False).metadata['success'] is None


def native(steps: int = 12, with_plan: bool = True, seed: int = 0) -> Episode:
    """An episode with numbers that are hard to carry: odd times, tiny joints, rotations that no quaternion hits."""
    rng = np.random.default_rng(seed)
    q = rng.normal(size=(steps, 7)).astype(np.float32).astype(np.float64)
    q[3] = [0.0, 1e-30, -1e-12, 3e-8, 0.0, -2.5, 1e-7]
    times_s = np.cumsum(np.full(steps, 0.1)) + 1 / 3
    Q, _ = np.linalg.qr(rng.normal(size=(3, 3)))
    T = np.eye(4)
    T[:3, :3] = Q * np.sign(np.linalg.det(Q))
    T[:3, 3] = rng.normal(size=3)
    model = CameraModel('front', 16, 12, np.array([[20.1, 0, 7.3], [0, 19.9, 5.7], [0, 0, 1.0]]))
    ignore = np.zeros(steps, dtype=bool)
    ignore[[0, 1, 5, steps - 1]] = True
    plan_q, plan_open = (rng.normal(size=(steps, 6, 7)).astype(np.float32), rng.random((steps, 6)) > 0.5)
    return Episode(
        timestamps_s=times_s,
        views={'front': rng.integers(0, 255, (steps, 12, 16, 3), dtype=np.uint8)},
        q_rad=q,
        gripper_open=rng.random(steps).astype(np.float32),
        q_command_rad=rng.normal(size=(steps, 7)),
        gripper_command_open=(rng.random(steps) > 0.5).astype(float),
        cameras={'front': MountedCamera(model, 'panda_hand', T)},
        metadata={'robot': 'panda', 'rate_hz': 10.0, 'success': False, 'failure': 'timeout', 'instruction': 'öffne'},
        plan_q_rad=plan_q if with_plan else None,
        plan_gripper_open=plan_open if with_plan else None,
        capture_s={'front': times_s - 0.07},  # older than half a step: the nearest frame would be the next one
        ignore=ignore,
    )


@pytest.mark.parametrize('with_plan', [True, False])
def test_an_episode_comes_back_bit_by_bit(tmp_path: Path, with_plan: bool) -> None:
    write_episode(tmp_path / 'first' / 'episode_000000.h5', native(with_plan=with_plan))
    done: list[str] = []
    mcap.export(tmp_path / 'first', tmp_path / 'bags', done.append)
    assert done == ['episode_000000']
    load(tmp_path / 'bags', tmp_path / 'second')
    first, second = (read_episode(tmp_path / name / 'episode_000000.h5') for name in ('first', 'second'))
    for name in ('timestamps_s', 'q_rad', 'gripper_open', 'q_command_rad', 'gripper_command_open', 'ignore'):
        np.testing.assert_array_equal(getattr(second, name), getattr(first, name), err_msg=name)
    np.testing.assert_array_equal(second.capture_s['front'], first.capture_s['front'])
    np.testing.assert_array_equal(second.views['front'], first.views['front'])
    np.testing.assert_array_equal(second.cameras['front'].T_parent_camera, first.cameras['front'].T_parent_camera)
    assert second.cameras['front'].model == first.cameras['front'].model
    assert second.metadata == first.metadata
    assert (second.plan_q_rad is not None) == with_plan
    if with_plan:
        np.testing.assert_array_equal(second.plan_q_rad, first.plan_q_rad)
        np.testing.assert_array_equal(second.plan_gripper_open, first.plan_gripper_open)


def test_what_was_recorded_and_loaded_comes_back_bit_by_bit(tmp_path: Path) -> None:
    record(tmp_path / 'bags' / 'episode_000000', Making(marks=((0.5, 'ignore_begin'), (0.8, 'ignore_end'))))
    load(tmp_path / 'bags', tmp_path / 'first')
    mcap.export(tmp_path / 'first', tmp_path / 'again', lambda name: None)
    load(tmp_path / 'again', tmp_path / 'second')
    first, second = (tmp_path / name / 'episode_000000.h5' for name in ('first', 'second'))
    assert read_episode(first).metadata == read_episode(second).metadata
    assert _digest(first) == _digest(second)


def _digest(path: Path) -> str:
    import h5py

    with h5py.File(path, 'r') as file:
        return str(file.attrs['content_sha256'])


def test_an_exported_episode_can_be_put_on_another_grid(tmp_path: Path) -> None:
    record(tmp_path / 'bags' / 'episode_000000')
    load(tmp_path / 'bags', tmp_path / 'first', rate_hz=30.0)
    mcap.export(tmp_path / 'first', tmp_path / 'again', lambda name: None)
    load(tmp_path / 'again', tmp_path / 'second', rate_hz=10.0)
    episode = read_episode(tmp_path / 'second' / 'episode_000000.h5', images=False)
    np.testing.assert_allclose(np.diff(episode.timestamps_s), 0.1, atol=1e-6)
    np.testing.assert_allclose(episode.q_rad, [q_rad(time_s) for time_s in episode.timestamps_s], atol=1e-3)


def test_an_export_goes_on_and_never_replaces_an_unfinished_recording(tmp_path: Path) -> None:
    for number in range(3):
        write_episode(tmp_path / 'first' / f'episode_{number:06d}.h5', native(seed=number))
    (tmp_path / 'bags' / 'episode_000001').mkdir(parents=True)
    done: list[str] = []
    with pytest.raises(DatasetError, match='episode_000001 exists and was not finished'):
        mcap.export(tmp_path / 'first', tmp_path / 'bags', done.append)
    assert done == ['episode_000000', 'episode_000002']
    (tmp_path / 'bags' / 'episode_000001').rmdir()
    mcap.export(tmp_path / 'first', tmp_path / 'bags', done.append)
    assert done[2:] == ['episode_000001']
    assert sorted(path.name for path in (tmp_path / 'bags').iterdir()) == [f'episode_{number:06d}' for number in range(3)]
