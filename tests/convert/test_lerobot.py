# SPDX-License-Identifier: Apache-2.0
import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lerobot_cases import PANDA_JOINTS, digests, edit_info, make_episode, save, silent, smooth_episode

from genima.convert.lerobot import conversion as lerobot
from genima.convert.lerobot import hub as lerobot_hub
from genima.convert.lerobot import layout as lerobot_layout
from genima.convert.lerobot import video
from genima.convert.lerobot.assemble import file_numbers
from genima.convert.lerobot.stats import color_counts, image_stats
from genima.episodes.dataset import Card, read_card, write_card
from genima.episodes.episode import Episode
from genima.episodes.store import read_episode, write_episode
from genima.errors import DatasetError


@pytest.fixture
def native(tmp_path: Path) -> Path:
    return save(tmp_path / 'native', *(make_episode(seed, steps=3 + seed) for seed in range(3)))


@pytest.fixture
def dataset(native: Path, tmp_path: Path) -> Path:
    lerobot.export(native, tmp_path / 'dataset', silent, images='png')
    return tmp_path / 'dataset'


@st.composite
def collections(draw: st.DrawFn) -> list[Episode]:
    joints, cameras = draw(st.sampled_from([6, 7])), draw(st.integers(1, 4))
    size = draw(st.tuples(st.integers(1, 9), st.integers(1, 9)))
    plans = draw(st.lists(st.sampled_from([0, 0, 1, 4]), min_size=1, max_size=3))
    steps = [draw(st.integers(1, 6)) for _ in plans]
    seed = draw(st.integers(0, 1000))
    return [make_episode(seed + index, steps[index], cameras, plan, joints, size) for index, plan in enumerate(plans)]


@settings(max_examples=8, deadline=None)
@given(collections())
def test_what_was_exported_comes_back_bit_by_bit(episodes: list[Episode]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        native = save(Path(folder) / 'native', *episodes)
        lerobot.export(native, Path(folder) / 'dataset', silent, images='png')
        lerobot.load(Path(folder) / 'dataset', Path(folder) / 'again', silent)
        assert digests(Path(folder) / 'again') == digests(native)


def test_videos_lose_little_and_say_how_much(tmp_path: Path) -> None:
    native = save(tmp_path / 'native', smooth_episode(0), smooth_episode(1, steps=8))
    for images in ('video', 'h264'):
        out, again = tmp_path / images, tmp_path / f'{images} again'
        lerobot.export(native, out, silent, images=images)
        lerobot.load(out, again, silent)
        for path in sorted(native.glob('*.h5')):
            before, after = read_episode(path), read_episode(again / path.name)
            np.testing.assert_array_equal(after.q_rad, before.q_rad)
            np.testing.assert_array_equal(after.timestamps_s, before.timestamps_s)
            assert after.metadata == before.metadata
            for camera, frames in before.views.items():
                error = np.square(frames.astype(float) - after.views[camera]).mean()
                assert abs(10 * np.log10(255**2 / error) - lerobot.psnr_db(out)[camera]) < 2
        assert min(lerobot.psnr_db(out).values()) > 30


@pytest.mark.parametrize('encoder', video.ENCODERS)
def test_no_encoder_goes_before_what_moves_an_arm(tmp_path: Path, encoder: str) -> None:
    """SVT-AV1 gives itself, and whoever opens it, the highest real-time priority there is where it runs as root."""
    policies: set[int] = set()

    def frames() -> Iterator[np.ndarray]:
        for _ in range(3):
            policies.update(os.sched_getscheduler(int(thread)) for thread in os.listdir('/proc/self/task'))
            yield np.zeros((64, 64, 3), dtype=np.uint8)

    before = os.sched_getscheduler(0)
    video.encode(video.ENCODERS[encoder], frames(), tmp_path / 'view.mp4', 10, 1)
    # other libraries of this process may have chosen SCHED_BATCH or SCHED_IDLE for threads of theirs
    assert before in policies and policies.isdisjoint({os.SCHED_FIFO, os.SCHED_RR})
    assert os.sched_getscheduler(0) == before


def test_files_are_split_where_they_grow_too_large(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    native = save(tmp_path / 'native', *(smooth_episode(seed) for seed in range(4)))
    monkeypatch.setattr(lerobot_layout, 'VIDEO_FILE_S', 1.0)  # two episodes of half a second
    monkeypatch.setattr(lerobot_layout, 'DATA_FILE_MB', 1e-9)
    monkeypatch.setattr(lerobot_layout, 'CHUNK_FILES', 3)
    lerobot.export(native, tmp_path / 'dataset', silent)
    assert len(list((tmp_path / 'dataset/videos').rglob('*.mp4'))) == 4
    data = sorted(
        path.relative_to(tmp_path / 'dataset').as_posix() for path in (tmp_path / 'dataset/data').rglob('*.parquet')
    )
    assert data == [f'data/chunk-000/file-00{number}.parquet' for number in range(3)] + ['data/chunk-001/file-000.parquet']
    lerobot.load(tmp_path / 'dataset', tmp_path / 'again', silent)
    for path in sorted(native.glob('*.h5')):
        before, after = read_episode(path), read_episode(tmp_path / 'again' / path.name)
        np.testing.assert_array_equal(after.q_command_rad, before.q_command_rad)
        assert all(np.abs(frames - after.views[name].astype(int)).mean() < 8 for name, frames in before.views.items())


def test_a_file_is_filled_up_to_each_of_its_limits() -> None:
    shares = np.array([[0.4, 0.1], [0.6, 0.1], [0.1, 0.1], [2.0, 0.1], [0.1, 0.9], [0.1, 0.2]])
    assert file_numbers(shares) == [0, 0, 1, 2, 3, 4]


def test_statistics_are_those_of_the_rows_and_pixels(native: Path, dataset: Path) -> None:
    episodes = [read_episode(path) for path in sorted(native.glob('*.h5'))]
    stats = json.loads((dataset / 'meta/stats.json').read_text())
    state = np.concatenate([np.column_stack([each.q_rad, each.gripper_open]) for each in episodes])
    pixels = np.concatenate([each.views['cam_0'].reshape(-1, 3) for each in episodes]) / 255
    for key, rows, count in (('observation.state', state, len(state)), ('observation.images.cam_0', pixels, len(state))):
        assert stats[key]['count'] == [count]
        for name in ('min', 'max', 'mean', 'std'):
            np.testing.assert_allclose(np.ravel(stats[key][name]), getattr(rows, name)(axis=0), atol=1e-6)
    assert np.shape(stats['observation.images.cam_0']['q50']) == (3, 1, 1)
    row = pq.read_table(dataset / 'meta/episodes/chunk-000/file-000.parquet').to_pylist()[1]
    np.testing.assert_allclose(row['stats/action/q10'][:7], np.quantile(episodes[1].q_command_rad, 0.1, axis=0), atol=1e-6)
    assert row['stats/action/count'] == [len(episodes[1])]


@given(st.integers(1, 40), st.integers(1, 40), st.integers(0, 1000))
def test_counted_colours_give_the_statistics_of_the_pixels(height: int, width: int, seed: int) -> None:
    frame = np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)
    stats, pixels = image_stats(color_counts(frame), 1), frame.reshape(-1, 3) / 255
    for name, value in (('min', pixels.min(0)), ('max', pixels.max(0)), ('mean', pixels.mean(0)), ('std', pixels.std(0))):
        np.testing.assert_allclose(stats[name].ravel(), value, atol=1e-9)
    np.testing.assert_allclose(stats['q90'].ravel(), np.quantile(pixels, 0.9, axis=0, method='inverted_cdf'), atol=1e-9)


def test_the_tables_say_what_lerobot_asks_for(dataset: Path) -> None:
    info = json.loads((dataset / 'meta/info.json').read_text())
    assert (info['codebase_version'], info['fps'], info['total_episodes'], info['total_frames']) == ('v3.0', 10, 3, 12)
    assert info['features']['observation.state']['names'] == [*PANDA_JOINTS, 'gripper']
    rows = pq.read_table(dataset / 'data/chunk-000/file-000.parquet')
    assert rows['index'].to_pylist() == list(range(12))
    assert rows['frame_index'].to_pylist() == [0, 1, 2, 0, 1, 2, 3, 0, 1, 2, 3, 4]
    np.testing.assert_array_equal(rows['timestamp'].to_numpy()[:3], np.float32([0, 0.1, 0.2]))
    # whatever begins otherwise is an input or output for LeRobot's policies
    policy = {key for key in info['features'] if key.startswith(('observation', 'action'))}
    assert policy == {'observation.state', 'action', 'observation.images.cam_0'}
    tasks = pq.read_table(dataset / 'meta/tasks.parquet')
    assert tasks['task'].to_pylist() == ['pick number 0 – größer', 'pick number 1 – größer']
    episodes = pq.read_table(dataset / 'meta/episodes/chunk-000/file-000.parquet')
    assert episodes['dataset_to_index'].to_pylist() == [3, 7, 12]
    assert episodes['genima/success'].to_pylist() == [True, False, None]
    assert episodes['genima/failure'].to_pylist() == [None, 'timeout', None]


def test_an_interrupted_export_goes_on(native: Path, dataset: Path, tmp_path: Path) -> None:
    out, done = tmp_path / 'resumed', []

    def interrupt(name: str) -> None:
        done.append(name)
        if len(done) == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        lerobot.export(native, out, interrupt, images='png')
    assert not out.exists()
    lerobot.export(native, out, done.append, images='png')
    assert done == ['episode_000000', 'episode_000003', 'episode_000006']
    for path in sorted(path for path in dataset.rglob('*') if path.is_file()):
        assert (out / path.relative_to(dataset)).read_bytes() == path.read_bytes(), path
    assert not list(tmp_path.glob('.resumed*'))
    lerobot.export(native, out, done.append, images='png')  # everything is there
    assert len(done) == 3


def stop_at_once(name: str) -> None:
    raise KeyboardInterrupt


def test_a_changed_episode_is_exported_again(native: Path, dataset: Path, tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        lerobot.export(native, tmp_path / 'out', stop_at_once, images='png')
    changed = make_episode(seed=0, steps=3)
    changed.q_rad[0] += 1
    write_episode(native / 'episode_000000.h5', changed)
    lerobot.export(native, tmp_path / 'out', silent, images='png')
    lerobot.load(tmp_path / 'out', tmp_path / 'again', silent)
    assert digests(tmp_path / 'again') == digests(native)
    with pytest.raises(DatasetError, match='not the export of these'):
        lerobot.export(native, dataset, silent, images='png')


def test_an_interrupted_load_goes_on(dataset: Path, native: Path, tmp_path: Path) -> None:
    done: list[str] = []
    (tmp_path / 'again').mkdir()
    shutil.copy(native / 'episode_000003.h5', tmp_path / 'again')
    lerobot.load(dataset, tmp_path / 'again', done.append)
    assert done == ['episode_000000', 'episode_000006']
    assert digests(tmp_path / 'again') == digests(native)
    assert lerobot.count(dataset) == 3


def test_several_processes_give_the_same(native: Path, dataset: Path, tmp_path: Path) -> None:
    lerobot.export(native, tmp_path / 'two', silent, workers=2, images='png')
    lerobot.load(tmp_path / 'two', tmp_path / 'again', silent, workers=2)
    assert digests(tmp_path / 'again') == digests(native)


def test_description_and_releases_travel_along(native: Path, tmp_path: Path) -> None:
    write_card(native, Card('picks', 'Cubes.', 'CC-BY-4.0'))
    (native / 'releases').mkdir()
    (native / 'releases/1.0.json').write_text('{}')
    lerobot.export(native, tmp_path / 'dataset', silent, images='png')
    lerobot.load(tmp_path / 'dataset', tmp_path / 'again', silent)
    assert read_card(tmp_path / 'again') == read_card(native)
    assert (tmp_path / 'again/releases/1.0.json').read_text() == '{}'


@pytest.mark.parametrize(
    ('change', 'message'),
    [
        ({'joints': 6}, 'joint_names'),
        ({'cameras': 2}, 'views'),
        ({'size': (8, 8)}, 'views'),
    ],
)
def test_episodes_that_do_not_fit_each_other_are_named(
    native: Path, tmp_path: Path, change: dict[str, Any], message: str
) -> None:
    write_episode(native / 'episode_000009.h5', make_episode(9, **change))
    with pytest.raises(DatasetError, match=f'episode_000009.*{message}'):
        lerobot.export(native, tmp_path / 'out', silent, images='png')


def test_a_rate_that_is_no_whole_number_is_refused(tmp_path: Path) -> None:
    episode = make_episode()
    episode.metadata['rate_hz'] = 12.5
    with pytest.raises(DatasetError, match=r'12\.5 Hz'):
        lerobot.export(save(tmp_path / 'native', episode), tmp_path / 'out', silent)


def test_views_that_no_codec_takes_are_refused(native: Path, tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match='--images png'):
        lerobot.export(native, tmp_path / 'out', silent)
    with pytest.raises(DatasetError, match='gif'):
        lerobot.export(native, tmp_path / 'out', silent, images='gif')


def test_a_damaged_episode_is_named(native: Path, tmp_path: Path) -> None:
    path = native / 'episode_000003.h5'
    path.write_bytes(path.read_bytes()[:3000])
    with pytest.raises(DatasetError, match='episode_000003'):
        lerobot.export(native, tmp_path / 'out', silent, images='png')
    assert not (tmp_path / 'out').exists()


@pytest.mark.parametrize(
    'file',
    ['meta/info.json', 'meta/tasks.parquet', 'meta/episodes/chunk-000/file-000.parquet', 'data/chunk-000/file-000.parquet'],
)
@pytest.mark.parametrize('damage', ['missing', 'cut', 'zeros'])
def test_a_damaged_dataset_is_named(dataset: Path, tmp_path: Path, file: str, damage: str) -> None:
    path = dataset / file
    whole = path.read_bytes()
    path.unlink()
    if damage != 'missing':
        path.write_bytes(whole[: len(whole) // 2] if damage == 'cut' else bytes(len(whole)))
    with pytest.raises(DatasetError, match=r'again|complete'):
        lerobot.load(dataset, tmp_path / 'again', silent)
    assert not list((tmp_path / 'again').glob('*'))


@pytest.mark.parametrize('file', ['meta/episodes/chunk-000/file-000.parquet', 'data/chunk-000/file-000.parquet'])
def test_a_flipped_bit_never_becomes_another_number(dataset: Path, native: Path, tmp_path: Path, file: str) -> None:
    path, refused = dataset / file, 0
    whole = path.read_bytes()
    for place in np.linspace(4, len(whole) - 5, 40).astype(int):
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 4]) + whole[place + 1 :])
        again = tmp_path / f'again {place}'
        try:
            lerobot.load(dataset, again, silent)
        except DatasetError:
            refused += 1
        else:
            assert digests(again) == digests(native), place
    assert refused > 5


@pytest.mark.parametrize('damage', ['missing', 'cut', 'of another'])
def test_a_damaged_video_is_named(tmp_path: Path, damage: str) -> None:
    native = save(tmp_path / 'native', smooth_episode(0), smooth_episode(1, steps=9))
    lerobot.export(native, tmp_path / 'dataset', silent)
    video = tmp_path / 'dataset/videos/observation.images.cam_1/chunk-000/file-000.mp4'
    if damage == 'of another':
        lerobot.export(save(tmp_path / 'other', smooth_episode(0)), tmp_path / 'short', silent)
        shutil.copy(tmp_path / 'short' / video.relative_to(tmp_path / 'dataset'), video)
    elif damage == 'cut':
        video.write_bytes(video.read_bytes()[:1500])
    else:
        video.unlink()
    with pytest.raises(DatasetError, match='cam_1'):
        lerobot.load(tmp_path / 'dataset', tmp_path / 'again', silent)


def test_a_missing_or_doubled_row_is_named(dataset: Path, tmp_path: Path) -> None:
    path = dataset / 'data/chunk-000/file-000.parquet'
    rows = pq.read_table(path)
    for kept in ([0, 1, *range(3, 12)], [0, 0, *range(2, 12)]):
        pq.write_table(rows.take(kept), path)
        with pytest.raises(DatasetError, match='in order'):
            lerobot.load(dataset, tmp_path / 'again', silent)


def test_another_version_is_refused_with_the_way_out(dataset: Path, tmp_path: Path) -> None:
    edit_info(dataset, codebase_version='v1.6')
    with pytest.raises(DatasetError, match=r'v1\.6.*convert_dataset_v1_to_v2'):
        lerobot.load(dataset, tmp_path / 'again', silent)


def test_a_push_uploads_the_folder_with_a_card_and_the_tag(dataset: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[tuple[str, Any]] = []

    class Hub:
        def __getattr__(self, name: str) -> Any:
            return lambda *values, **named: calls.append((name, (*values, named)))

    monkeypatch.setattr('huggingface_hub.HfApi', Hub)
    assert lerobot_hub.push_to_hub(dataset, 'lab/picks') == 'https://huggingface.co/datasets/lab/picks'
    named = dict(calls)
    assert list(named) == ['create_repo', 'upload_file', 'upload_folder', 'delete_tag', 'create_tag']
    assert named['create_repo'][-1]['private'] is True
    assert b'- LeRobot' in named['upload_file'][-1]['path_or_fileobj']
    assert named['upload_folder'][-1]['folder_path'] == dataset
    assert named['create_tag'][-1]['tag'] == 'v3.0'
    with pytest.raises(DatasetError, match='no LeRobot dataset'):
        lerobot_hub.push_to_hub(dataset.parent, 'lab/picks')
