# SPDX-License-Identifier: Apache-2.0
"""Native episodes as RLDS and back, bit for bit; tfds opens what is written."""

import json
import sys
from pathlib import Path

import h5py
import numpy as np
import pytest
import yaml
from run_tfds import needs_tfds, with_tfds

from genima.cameras.model import CameraModel, MountedCamera
from genima.convert.rlds.conversion import count, export, load
from genima.convert.rlds.example import decode_example, encode_example
from genima.convert.rlds.tfrecord import list_records, write_record
from genima.convert.rlds.values import exact
from genima.episodes.episode import Episode
from genima.episodes.store import content_digest, read_episode, write_episode
from genima.errors import DatasetError

NAMES = ['episode_000000.h5', 'episode_000003.h5', 'episode_000007.h5']


def silent(name: str) -> None:
    """Take the name of a finished episode."""


def episode(seed: int, steps: int, plan_steps: int = 0) -> Episode:
    rng = np.random.default_rng(seed)
    single = lambda *shape: rng.normal(size=shape).astype(np.float32).astype(np.float64)  # noqa: E731
    model = CameraModel('front', 6, 5, np.array([[4.1, 0, 2.5], [0, 4.2, 2.0], [0, 0, 1]]))
    return Episode(
        timestamps_s=1.7e9 + np.cumsum(rng.uniform(0.03, 0.07, steps)),
        views={name: rng.integers(0, 256, (steps, 5, 6, 3), dtype=np.uint8) for name in ('front', 'wrist')},
        q_rad=single(steps, 7),
        gripper_open=rng.random(steps).astype(np.float32).astype(np.float64),
        q_command_rad=single(steps, 7),
        gripper_command_open=rng.integers(0, 2, steps).astype(np.float64),
        cameras={'front': MountedCamera(model, 'panda_link0', np.eye(4))},
        metadata={'robot': 'panda', 'instruction': f'pick number {seed}, größer', 'success': seed % 2 == 0, 'rate_hz': 20.0},
        plan_q_rad=single(steps, plan_steps, 7) if plan_steps else None,
        plan_gripper_open=rng.integers(0, 2, (steps, plan_steps)).astype(np.float64) if plan_steps else None,
        capture_s={'front': 1.7e9 + np.cumsum(rng.uniform(0.03, 0.07, steps))},
        ignore=rng.random(steps) < 0.3,
    )


@pytest.fixture
def native(tmp_path: Path) -> Path:
    """Episodes with a plan, with a shorter one, and with none."""
    for name, (seed, steps, plan_steps) in zip(NAMES, [(0, 4, 3), (1, 1, 2), (2, 7, 0)], strict=True):
        write_episode(tmp_path / 'native' / name, episode(seed, steps, plan_steps))
    (tmp_path / 'native/dataset.yaml').write_text('name: cubes\ndescription: Cubes.\nlicence: CC-BY-4.0\nversion: "1.2"\n')
    return tmp_path / 'native'


def digests(folder: Path) -> dict[str, str]:
    found = {}
    for path in sorted(folder.glob('episode_*.h5')):
        with h5py.File(path) as file:
            found[path.name] = content_digest(file)
    return found


def test_an_episode_comes_back_bit_for_bit(native: Path, tmp_path: Path) -> None:
    done: list[str] = []
    export(native, tmp_path / 'cubes', done.append)
    load(tmp_path / 'cubes', tmp_path / 'again', done.append)
    assert done == NAMES * 2
    assert digests(tmp_path / 'again') == digests(native)
    for name in NAMES:
        before, after = read_episode(native / name), read_episode(tmp_path / 'again' / name)
        for key in ('timestamps_s', 'q_rad', 'gripper_open', 'q_command_rad', 'gripper_command_open', 'ignore'):
            np.testing.assert_array_equal(getattr(after, key), getattr(before, key))
        np.testing.assert_array_equal(after.capture_s['front'], before.capture_s['front'])
        for camera in ('front', 'wrist'):
            np.testing.assert_array_equal(after.views[camera], before.views[camera])
        assert after.metadata == before.metadata
        assert {k: v.to_dict() for k, v in after.cameras.items()} == {k: v.to_dict() for k, v in before.cameras.items()}
        assert (after.plan_q_rad is None) == (before.plan_q_rad is None)
        if before.plan_q_rad is not None:
            np.testing.assert_array_equal(after.plan_q_rad, before.plan_q_rad)
            np.testing.assert_array_equal(after.plan_gripper_open, before.plan_gripper_open)
    assert yaml.safe_load((tmp_path / 'again/dataset.yaml').read_text())['licence'] == 'CC-BY-4.0'


def test_episodes_of_another_image_size_share_a_dataset(native: Path, tmp_path: Path) -> None:
    larger = episode(5, 3)
    larger.views['wrist'] = np.zeros((3, 8, 6, 3), dtype=np.uint8)
    write_episode(native / 'episode_000009.h5', larger)
    export(native, tmp_path / 'cubes', silent)
    assert json.loads((tmp_path / 'cubes/1.2.0/features.json').read_text())
    load(tmp_path / 'cubes', tmp_path / 'again', silent)
    assert digests(tmp_path / 'again') == digests(native)


def test_files_are_named_as_tfds_wants_them(native: Path, tmp_path: Path) -> None:
    export(native, tmp_path / 'my cubes', silent)
    folder = tmp_path / 'my cubes/1.2.0'
    shards = [f'my_cubes-train.tfrecord-0000{number}-of-00003' for number in range(3)]
    assert sorted(path.name for path in folder.iterdir()) == [
        'dataset_info.json', 'features.json', 'genima_manifest.json', 'metadata.json', *shards,
    ]  # fmt: skip
    info = json.loads((folder / 'dataset_info.json').read_text())
    assert info['name'] == 'my_cubes' and info['version'] == '1.2.0'
    assert info['redistributionInfo'] == {'license': 'CC-BY-4.0'}
    assert info['splits'][0]['shardLengths'] == ['1', '1', '1']
    assert count(tmp_path / 'my cubes') == count(native) == 3
    assert not list((tmp_path / 'my cubes').glob('.*'))


def test_steps_say_where_an_episode_begins_ends_and_whether_it_succeeded(native: Path, tmp_path: Path) -> None:
    export(native, tmp_path / 'cubes', silent)
    shards = sorted((tmp_path / 'cubes/1.2.0').glob('*.tfrecord-*'))
    succeeded, failed = (decode_example(list_records(path)[0].read()) for path in shards[:2])
    assert succeeded['steps/is_first'].tolist() == [1, 0, 0, 0]
    assert succeeded['steps/is_last'].tolist() == succeeded['steps/is_terminal'].tolist() == [0, 0, 0, 1]
    assert succeeded['steps/reward'].tolist() == [0, 0, 0, 1]
    assert failed['steps/is_last'].tolist() == [1]
    assert failed['steps/is_terminal'].tolist() == failed['steps/reward'].tolist() == [0]
    assert bytes(failed['steps/language_instruction'][0]).decode() == 'pick number 1, größer'
    state, gripper = failed['steps/observation/state'], failed['steps/observation/gripper']
    np.testing.assert_array_equal(state, np.concatenate([failed['steps/observation/joint_positions'], gripper]))


def test_an_interrupted_export_goes_on_where_it_was(native: Path, tmp_path: Path) -> None:
    class PowerCutError(Exception):
        pass

    def stop(name: str) -> None:
        raise PowerCutError

    with pytest.raises(PowerCutError):
        export(native, tmp_path / 'cubes', stop)
    (finished,) = (tmp_path / 'cubes/.1.2.0.partial').iterdir()
    written = finished.stat().st_mtime_ns
    assert not (tmp_path / 'cubes/1.2.0').exists()
    done: list[str] = []
    export(native, tmp_path / 'cubes', done.append)
    assert done == NAMES
    assert (tmp_path / 'cubes/1.2.0/cubes-train.tfrecord-00000-of-00003').stat().st_mtime_ns == written


def test_a_changed_episode_is_not_taken_for_the_finished_one(native: Path, tmp_path: Path) -> None:
    export(native, tmp_path / 'cubes', silent)
    done: list[str] = []
    export(native, tmp_path / 'cubes', done.append)
    assert done == NAMES
    write_episode(native / NAMES[0], episode(8, 4, 3))
    with pytest.raises(DatasetError, match='release a new version'):
        export(native, tmp_path / 'cubes', silent)


def test_loading_leaves_what_is_there(native: Path, tmp_path: Path) -> None:
    export(native, tmp_path / 'cubes', silent)
    write_episode(tmp_path / 'again' / NAMES[1], episode(8, 2))
    done: list[str] = []
    load(tmp_path / 'cubes', tmp_path / 'again', done.append, workers=2)
    assert sorted(done) == NAMES
    assert len(read_episode(tmp_path / 'again' / NAMES[1])) == 2
    assert digests(tmp_path / 'again')[NAMES[2]] == digests(native)[NAMES[2]]


def test_episodes_with_other_cameras_are_refused(native: Path, tmp_path: Path) -> None:
    odd = episode(4, 3)
    del odd.views['wrist']
    write_episode(native / 'episode_000009.h5', odd)
    with pytest.raises(DatasetError, match=r"episode_000009.h5 has 7 joints and cameras \['front'\]"):
        export(native, tmp_path / 'cubes', silent)


def shard_of(tmp_path: Path, native: Path) -> Path:
    export(native, tmp_path / 'cubes', silent)
    return tmp_path / 'cubes/1.2.0/cubes-train.tfrecord-00002-of-00003'


@pytest.mark.parametrize(
    ('damage', 'message'),
    [
        (lambda data: data[:-5], 'bytes before record 0 does'),
        (lambda data: data[:6], 'within the header'),
        (lambda data: data[:500] + bytes([data[500] ^ 1]) + data[501:], 'CRC-32C'),
        (lambda data: b'\x01' + data[1:], 'no TFRecord header'),
        (lambda data: b'', 'has 0 records'),
    ],
    ids=['cut', 'cut header', 'flipped bit', 'other length', 'empty'],
)
def test_a_damaged_shard_is_named(damage, message: str, native: Path, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    shard = shard_of(tmp_path, native)
    shard.write_bytes(damage(shard.read_bytes()))
    with pytest.raises(DatasetError, match=message) as error:
        load(tmp_path / 'cubes', tmp_path / 'again', silent)
    assert shard.name in str(error.value)


def test_an_episode_that_is_not_the_exported_one_is_refused(native: Path, tmp_path: Path) -> None:
    shard = shard_of(tmp_path, native)
    record = {name: field if isinstance(field, np.ndarray) else [bytes(value) for value in field]
              for name, field in decode_example(list_records(shard)[0].read()).items()}  # fmt: skip
    record['steps/observation/time'] = exact(np.arange(7.0))
    write_record(shard, encode_example(record))
    with pytest.raises(DatasetError, match='not what was exported'):
        load(tmp_path / 'cubes', tmp_path / 'again', silent)
    assert not (tmp_path / 'again' / NAMES[2]).exists()


@pytest.mark.slow
@needs_tfds
def test_tfds_opens_an_export_and_reads_the_same(native: Path, tmp_path: Path) -> None:
    export(native, tmp_path / 'cubes', silent)
    said = with_tfds('compare', tmp_path / 'cubes/1.2.0', native)
    sys.stdout.write(said)
    assert '3 episodes, 12 steps, 24 pictures equal' in said
