# SPDX-License-Identifier: Apache-2.0
"""Every way to break a dataset has a name, and a dataset that is not broken has no finding."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from small_episodes import replace, rewritten

from genima.episodes.dataset import release
from genima.episodes.index import FILE_NAME, refresh_index
from genima.episodes.store import content_digest
from genima.quality.findings import ERROR, KINDS, Finding
from genima.quality.inspect import inspect
from genima.quality.verify import verify, verify_dataset

FIRST, SECOND = 'episode_000000.h5', 'episode_000001.h5'


def _codes(findings: list[Finding]) -> set[str]:
    return {finding.code for finding in findings}


def test_a_good_dataset_has_no_findings(faultless: Path) -> None:
    done: list[str] = []
    assert verify(faultless, on_done=done.append) == []
    assert done == [path.name for path in sorted(faultless.glob('*.h5'))]


def test_processes_find_the_same(dataset: Path) -> None:
    (dataset / FIRST).write_bytes(b'')
    assert verify_dataset(dataset, workers=2) == verify_dataset(dataset, workers=1)


# damage to the bytes of a file


def _truncate(folder: Path) -> None:
    data = (folder / FIRST).read_bytes()
    (folder / FIRST).write_bytes(data[: 3 * len(data) // 4])


def _flip_in_a_picture(folder: Path) -> None:
    with h5py.File(folder / FIRST) as file:
        pictures = file['observations/rgb_front'].id.get_chunk_info(5)
    data = bytearray((folder / FIRST).read_bytes())
    data[pictures.byte_offset + pictures.size // 2] ^= 0xFF
    (folder / FIRST).write_bytes(data)


def _flip_in_the_joints(folder: Path) -> None:
    with h5py.File(folder / FIRST) as file:
        at = file['observations/joint_positions'].id.get_offset()
    data = bytearray((folder / FIRST).read_bytes())
    data[at + 1] ^= 0x10
    (folder / FIRST).write_bytes(data)


def _flip_in_the_layout(folder: Path) -> None:
    data = bytearray((folder / FIRST).read_bytes())
    data[100:140] = bytes(40)
    (folder / FIRST).write_bytes(data)


def _zip_instead(folder: Path) -> None:
    (folder / FIRST).write_bytes(b'PK\x03\x04' + bytes(5000))


BYTES: dict[str, tuple[Callable[[Path], object], set[str]]] = {
    'truncated': (_truncate, {'file-truncated'}),
    'empty': (lambda folder: (folder / FIRST).write_bytes(b''), {'file-empty'}),
    'another format': (_zip_instead, {'file-foreign'}),
    'flipped bits in a picture': (_flip_in_a_picture, {'file-damaged', 'digest-differs'}),
    'flipped bit in the joints': (_flip_in_the_joints, {'digest-differs'}),
    'flipped bits in the layout': (_flip_in_the_layout, {'file-damaged'}),
}


@pytest.mark.parametrize('how', BYTES)
def test_damaged_bytes_are_named(how: str, dataset: Path) -> None:
    corrupt, allowed = BYTES[how]
    corrupt(dataset)
    errors = [finding for finding in verify(dataset) if finding.severity == ERROR and finding.where == FIRST]
    assert errors and _codes(errors) & allowed, errors


@settings(max_examples=60)
@given(place=st.floats(0, 1, exclude_max=True), bit=st.integers(0, 7))
def test_any_flipped_bit_is_found_or_changes_nothing(faultless: Path, place: float, bit: int) -> None:
    path = faultless.parent / 'flipped.h5'
    data = bytearray((faultless / FIRST).read_bytes())
    data[int(place * len(data))] ^= 1 << bit
    path.write_bytes(data)
    inspection = inspect(path)
    with h5py.File(faultless / FIRST) as file:
        same = inspection.content_sha256 == content_digest(file)
    assert same or any(finding.severity == ERROR for finding in inspection.findings)


# what a wrong recorder or converter writes: the digest fits, the contents do not make sense


def _scale(name: str, factor: float) -> Callable[[h5py.File], None]:
    return lambda file: replace(file, name, (file[name][:] * factor).astype(file[name].dtype))


def _order(*names: str) -> Callable[[h5py.File], None]:
    def corrupt(file: h5py.File) -> None:
        for name in names:
            replace(file, name, file[name][:][:, [0, 3, 2, 1, 4, 5, 6]])

    return corrupt


def _metadata(**changes: object) -> Callable[[h5py.File], None]:
    def corrupt(file: h5py.File) -> None:
        values = json.loads(file['metadata/episode'].asstr()[()]) | changes
        replace(file, 'metadata/episode', json.dumps(values))

    return corrupt


def _pictures(steps: slice, frame: Callable[[np.ndarray], object]) -> Callable[[h5py.File], None]:
    def corrupt(file: h5py.File) -> None:
        file['observations/rgb_front'][steps] = frame(file['observations/rgb_front'])

    return corrupt


def _stamp(step: int, other: int) -> Callable[[h5py.File], None]:
    def corrupt(file: h5py.File) -> None:
        file['timestamps'][step] = file['timestamps'][other]

    return corrupt


def _later_from(step: int, seconds: float) -> Callable[[h5py.File], None]:
    def corrupt(file: h5py.File) -> None:
        file['timestamps'][step:] = file['timestamps'][step:] + seconds

    return corrupt


def _without_calibration(file: h5py.File) -> None:
    cameras = json.loads(file['metadata/camera_params'].asstr()[()])
    del cameras['front']
    replace(file, 'metadata/camera_params', json.dumps(cameras))


def _calibrated_at(width_px: int, fx: float) -> Callable[[h5py.File], None]:
    def corrupt(file: h5py.File) -> None:
        cameras = json.loads(file['metadata/camera_params'].asstr()[()])
        cameras['front']['intrinsics'] |= {'width_px': width_px, 'K': [[fx, 0, 15.5], [0, 30.0, 11.5], [0, 0, 1]]}
        replace(file, 'metadata/camera_params', json.dumps(cameras))

    return corrupt


def _swap_cameras(file: h5py.File) -> None:
    front, wrist = file['observations/rgb_front'][:], file['observations/rgb_wrist'][:]
    file['observations/rgb_front'][:], file['observations/rgb_wrist'][:] = wrist, front


def _drop(name: str) -> Callable[[h5py.File], None]:
    return lambda file: file.__delitem__(name)


def _drop_camera(file: h5py.File) -> None:
    _without_calibration(file)
    del file['observations/rgb_front'], file['observations/capture_time_front']


Q, COMMAND = 'observations/joint_positions', 'actions/joint_positions'
MEANING: dict[str, tuple[Callable[[h5py.File], None], str]] = {
    'a stamp twice': (_stamp(7, 6), 'stamps-repeat'),
    'a stamp of the past': (_stamp(7, 3), 'stamps-backwards'),
    'stamps in milliseconds': (_scale('timestamps', 1e3), 'units-time'),
    'stamps of another rate': (_scale('timestamps', 1.5), 'rate-differs'),
    'a hole in time': (_later_from(10, 0.4), 'stamps-gap'),
    'pictures of another clock': (
        lambda file: replace(file, 'observations/capture_time_front', file['timestamps'][:, 0] + 37.0), 'capture-far',
    ),
    'joints in degrees': (_scale(Q, 180 / np.pi), 'units-degrees'),
    'commands in degrees': (_scale(COMMAND, 180 / np.pi), 'units-degrees'),
    'joints in another order': (_order(Q), 'joint-order'),
    'joints and commands in another order': (_order(Q, COMMAND), 'joint-order'),
    'names in another order': (_metadata(joint_names=[f'panda_joint{n}' for n in (2, 1, 3, 4, 5, 6, 7)]), 'joint-order'),
    'names of another robot': (_metadata(joint_names=[f'joint_{n}' for n in range(7)]), 'joint-names'),
    'another robot': (_metadata(robot='ur5e'), 'joint-count'),
    'an encoder that is off': (lambda file: file[Q].__setitem__((slice(None), 3), 0.4), 'joint-limits'),
    'commands as changes': (lambda file: replace(file, COMMAND, file[COMMAND][:] - file[Q][:]), 'command-relative'),
    'commands of another arm': (_scale(COMMAND, 0.6), 'command-far'),
    'gripper in millimetres': (_scale('observations/gripper', 80.0), 'units-gripper'),
    'gripper in metres': (_scale('observations/gripper', 0.04), 'units-gripper'),
    'gripper in counts': (_scale('observations/gripper', 255.0), 'units-gripper'),
    'gripper the other way round': (
        lambda file: replace(file, 'observations/gripper', 1 - file['observations/gripper'][:]), 'gripper-inverted',
    ),
    'not a number': (lambda file: file[Q].__setitem__((4, 2), np.nan), 'not-finite'),
    'black pictures': (_pictures(slice(3, 9), lambda frames: 0), 'image-black'),
    'grey pictures': (_pictures(slice(3, 9), lambda frames: 128), 'image-blank'),
    'a frozen camera': (_pictures(slice(5, 20), lambda frames: frames[5]), 'image-frozen'),
    'cameras swapped': (_swap_cameras, 'cameras-swapped'),
    'a camera missing': (_drop_camera, 'camera-missing'),
    'pictures missing': (_drop('observations/rgb_front'), 'camera-missing'),
    'no calibration': (_without_calibration, 'calibration-missing'),
    'calibrated at another size': (_calibrated_at(64, 30.0), 'image-size'),
    'never calibrated': (_calibrated_at(32, 0.0), 'calibration-damaged'),
    'no commands': (_drop(COMMAND), 'field-missing'),
    'joints as integers': (lambda file: replace(file, Q, file[Q][:].astype(np.int32)), 'field-type'),
    'one step short': (lambda file: replace(file, Q, file[Q][:-1]), 'field-shape'),
    'no robot in the metadata': (_metadata(robot='r2d2'), 'robot-unknown'),
    'a success that is no label': (_metadata(success='yes'), 'metadata-value'),
    'an unknown failure': (_metadata(success=False, failure='tired'), 'metadata-value'),
    'metadata that are no JSON': (lambda file: replace(file, 'metadata/episode', '{"robot"'), 'metadata-damaged'),
    'another schema': (lambda file: file.attrs.__setitem__('schema_version', 9), 'schema'),
}  # fmt: skip


@pytest.mark.parametrize('how', MEANING)
def test_what_makes_no_sense_is_named(how: str, dataset: Path) -> None:
    corrupt, code = MEANING[how]
    with rewritten(dataset / SECOND) as file:
        corrupt(file)
    findings = verify(dataset)
    named = [finding for finding in findings if finding.code == code]
    assert [finding.where for finding in named] == [SECOND] * len(named) and named, findings
    assert 'digest-differs' not in _codes(findings)


# damage to the folder


def _swap_files(folder: Path) -> None:
    (folder / FIRST).rename(folder / 'aside')
    (folder / SECOND).rename(folder / FIRST)
    (folder / 'aside').rename(folder / SECOND)


def test_swapped_files_are_named_by_their_seeds_and_by_the_index(dataset: Path) -> None:
    refresh_index(dataset)
    _swap_files(dataset)
    swapped = [finding for finding in verify(dataset) if finding.code == 'episodes-swapped']
    assert {finding.where for finding in swapped} == {FIRST, SECOND}
    assert any('index' in finding.text for finding in swapped) and any('seed' in finding.text for finding in swapped)


def test_files_that_were_numbered_anew_are_no_swap(dataset: Path) -> None:
    for number, path in enumerate(sorted(dataset.glob('*.h5'), reverse=True)):
        path.rename(dataset / f'episode_{100 + number:06d}.h5')
    assert 'episodes-swapped' not in _codes(verify(dataset))


def test_copies_are_named(dataset: Path) -> None:
    shutil.copy(dataset / FIRST, dataset / 'episode_000009.h5')
    assert 'episode-duplicate' in _codes(verify(dataset))


def test_copies_under_other_metadata_are_named(dataset: Path) -> None:
    shutil.copy(dataset / FIRST, dataset / 'episode_000009.h5')
    with rewritten(dataset / 'episode_000009.h5') as file:
        _metadata(seed=9)(file)
    assert [finding.code for finding in verify(dataset)] == ['episode-duplicate']


def test_a_lost_episode_is_named(dataset: Path) -> None:
    refresh_index(dataset)
    (dataset / SECOND).unlink()
    assert ('episode-missing', SECOND) in {(finding.code, finding.where) for finding in verify(dataset)}


def test_an_episode_that_was_written_again_is_named(dataset: Path) -> None:
    refresh_index(dataset)
    with rewritten(dataset / FIRST) as file:
        _metadata(operator='somebody')(file)
    assert [(finding.code, finding.where) for finding in verify(dataset)] == [('index-changed', FIRST)]


def test_a_changed_release_is_named_even_if_the_index_was_made_anew(dataset: Path) -> None:
    release(dataset, '1.0', ['first'])
    with rewritten(dataset / FIRST) as file:
        _metadata(operator='somebody')(file)
    (dataset / SECOND).unlink()
    refresh_index(dataset)
    changed = {finding.where: finding.text for finding in verify(dataset) if finding.code == 'release-changed'}
    assert changed.keys() == {FIRST, SECOND} and 'other contents' in changed[FIRST] and 'not there' in changed[SECOND]


@pytest.mark.parametrize(
    ('name', 'code'),
    [('dataset.yaml', 'card-damaged'), (FILE_NAME, 'index-damaged'), ('releases/1.0.json', 'release-damaged')],
)
def test_damaged_files_beside_the_episodes_are_named(name: str, code: str, dataset: Path) -> None:
    release(dataset, '1.0', ['first'])
    (dataset / name).write_text((dataset / name).read_text()[:-20] + '\n[')
    assert code in _codes(verify(dataset))


def test_episodes_of_two_robots_are_mixed(dataset: Path) -> None:
    with rewritten(dataset / FIRST) as file:
        _metadata(robot='fr3')(file)
    assert 'episodes-mixed' in _codes(verify(dataset))


def test_a_folder_with_nothing_is_named(tmp_path: Path) -> None:
    assert _codes(verify(tmp_path)) == {'dataset-empty'}


def test_every_kind_says_how_bad_it_is_and_what_to_do() -> None:
    assert all(severity in ('error', 'warning', 'note') and len(advice) > 5 for severity, advice in KINDS.values())
