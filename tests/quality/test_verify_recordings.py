# SPDX-License-Identifier: Apache-2.0
"""Every way to break a recording has a name, and one that is not broken has no finding."""

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from small_recordings import IMAGES, INFO, JOINTS, STATE, Spoken, record

from genima.quality.findings import ERROR, Finding
from genima.quality.repair import plan_repair
from genima.quality.verify import count_parts, verify
from genima.recording.reader import Bag
from genima.recording.writer import BagWriter
from genima.robots.profile import RobotProfile

Change = Callable[[int, Spoken], Spoken | None]
NAMES = [f'episode_{number:06d}' for number in range(3)]


@pytest.fixture(scope='session')
def faultless_recordings(tmp_path_factory: pytest.TempPathFactory, panda: RobotProfile) -> Path:
    folder = tmp_path_factory.mktemp('faultless') / 'recordings'
    for seed, name in enumerate(NAMES):
        record(folder / name, panda, seed)
    return folder


@pytest.fixture
def recordings(faultless_recordings: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(faultless_recordings, tmp_path / 'recordings'))


def _codes(findings: list[Finding]) -> set[str]:
    return {finding.code for finding in findings}


def test_good_recordings_have_no_findings(faultless_recordings: Path) -> None:
    assert verify(faultless_recordings) == [] == verify(faultless_recordings / NAMES[0])
    assert count_parts(faultless_recordings) == 3


# damage to the files


def _bag(folder: Path) -> Path:
    return folder / NAMES[0] / f'{NAMES[0]}_0.mcap'


def _truncate(folder: Path) -> None:
    data = _bag(folder).read_bytes()
    _bag(folder).write_bytes(data[: len(data) // 2])


def _flip(folder: Path) -> None:
    data = bytearray(_bag(folder).read_bytes())
    data[len(data) // 2] ^= 0xFF
    _bag(folder).write_bytes(data)


def _swap(folder: Path) -> None:
    (folder / NAMES[0]).rename(folder / 'aside')
    (folder / NAMES[1]).rename(folder / NAMES[0])
    (folder / 'aside').rename(folder / NAMES[1])


def _swap_bags(folder: Path) -> None:
    other = folder / NAMES[1] / f'{NAMES[1]}_0.mcap'
    other.rename(folder / 'aside')
    _bag(folder).rename(other)
    (folder / 'aside').rename(_bag(folder))


FILES: dict[str, tuple[Callable[[Path], object], str]] = {
    'truncated': (_truncate, 'file-truncated'),
    'flipped bits': (_flip, 'recording-changed'),
    'another format': (lambda folder: _bag(folder).write_bytes(b'#ROSBAG V2.0\n' * 9000), 'recording-damaged'),
    'no bag': (lambda folder: _bag(folder).unlink(), 'recording-damaged'),
    'never finished': (lambda folder: (folder / NAMES[0] / 'episode.json').unlink(), 'recording-unfinished'),
    'no metadata.yaml': (lambda folder: (folder / NAMES[0] / 'metadata.yaml').unlink(), 'recording-unfinished'),
    'a damaged summary': (lambda folder: (folder / NAMES[0] / 'episode.json').write_text('{'), 'recording-damaged'),
    'swapped folders': (_swap, 'episodes-swapped'),
    'swapped bags': (_swap_bags, 'recording-changed'),
    'a copy': (lambda folder: shutil.copytree(folder / NAMES[0], folder / 'episode_000009'), 'episode-duplicate'),
}


@pytest.mark.parametrize('how', FILES)
def test_damaged_files_are_named(how: str, recordings: Path) -> None:
    corrupt, code = FILES[how]
    corrupt(recordings)
    findings = verify(recordings)
    assert code in _codes([finding for finding in findings if finding.severity == ERROR]), findings


# what a wrong driver says


def _of(topic: str, change: Callable[[int, Spoken], Spoken | None]) -> Change:
    return lambda index, spoken: change(index, spoken) if spoken.topic == topic else spoken


def _with(topic: str, **changes: Callable[[object], object]) -> Change:
    def change(index: int, spoken: Spoken) -> Spoken:
        return spoken._replace(fields={**spoken.fields, **{name: to(spoken.fields[name]) for name, to in changes.items()}})

    return _of(topic, change)


def _stamped(topic: str, shift_ns: Callable[[int], int]) -> Change:
    return _of(topic, lambda index, spoken: spoken._replace(stamp_ns=spoken.stamp_ns + shift_ns(index)))


STILL = np.arange(24 * 32 * 3).reshape(24, 32, 3).astype(np.uint8)


def _permuted(values: object) -> object:
    return np.asarray(values)[[0, 3, 2, 1, 4, 5, 6, 7]]


MEANING: dict[str, tuple[Change, str]] = {
    'a stamp twice': (_stamped(IMAGES, lambda index: -100_000_000 if index == 7 else 0), 'stamps-repeat'),
    'a stamp of the past': (_stamped(JOINTS, lambda index: -300_000_000 if index == 70 else 0), 'stamps-backwards'),
    'dropped pictures': (_of(IMAGES, lambda index, spoken: None if 9 < index < 15 else spoken), 'stamps-gap'),
    'a camera on another clock': (_stamped(IMAGES, lambda index: 40 * 10**9), 'capture-far'),
    'a camera missing': (_of(IMAGES, lambda index, spoken: None), 'camera-missing'),
    'no calibration': (_of(INFO, lambda index, spoken: None), 'calibration-missing'),
    'never calibrated': (_with(INFO, fx=lambda value: 0.0), 'calibration-damaged'),
    'calibrated at another size': (_with(INFO, width=lambda value: 640), 'image-size'),
    'black pictures': (_with(IMAGES, pixels=lambda value: np.zeros_like(value)), 'image-black'),
    'a frozen camera': (_with(IMAGES, pixels=lambda value: STILL), 'image-frozen'),
    'joints in degrees': (_with(JOINTS, position=lambda value: np.rad2deg(value)), 'units-degrees'),
    'joints under other names': (_with(JOINTS, position=_permuted), 'joint-order'),
    'joints of another robot': (_with(JOINTS, name=lambda value: [f'other_{name}' for name in value]), 'joint-names'),
    'commands of another arm': (_with(STATE, reference=lambda value: 0.6 * value), 'command-far'),
    'fingers in millimetres': (
        _with(JOINTS, position=lambda value: value * np.array([1, 1, 1, 1, 1, 1, 1, 1000])), 'units-gripper',
    ),
    'no joints': (_of(JOINTS, lambda index, spoken: None), 'topic-missing'),
}  # fmt: skip


@pytest.mark.parametrize('how', MEANING)
def test_what_makes_no_sense_is_named(how: str, recordings: Path, panda: RobotProfile) -> None:
    change, code = MEANING[how]
    shutil.rmtree(recordings / NAMES[0])
    record(recordings / NAMES[0], panda, 0, change)
    findings = verify(recordings)
    named = [finding for finding in findings if finding.code == code]
    assert named and all(finding.where.startswith(NAMES[0]) for finding in named), findings


# repair


def test_an_unfinished_recording_is_made_whole_and_the_original_kept(recordings: Path, panda: RobotProfile) -> None:
    shutil.rmtree(recordings / NAMES[0])
    record(recordings / NAMES[0], panda, 0, finish=False)
    _truncate(recordings)
    broken = _bag(recordings).read_bytes()
    (action,) = plan_repair(recordings)
    assert 'episode.json is missing' in action.text and action.run is not None
    assert _bag(recordings).read_bytes() == broken
    action.run()
    assert _codes(verify(recordings)) <= {'stamps-gap'}
    assert _bag(recordings).with_name(f'{_bag(recordings).name}.broken').read_bytes() == broken
    assert list(plan_repair(recordings)) == []


def test_a_bag_that_holds_nothing_is_left_alone(recordings: Path) -> None:
    _bag(recordings).write_bytes(b'nothing')
    (action,) = plan_repair(recordings)
    assert action.run is None and _bag(recordings).read_bytes() == b'nothing'


def test_what_the_recorder_knew_it_had_lost_is_said(recordings: Path) -> None:
    path = recordings / NAMES[1] / 'episode.json'
    summary = json.loads(path.read_text())
    summary['topics'][IMAGES] |= {'dropped': 3, 'lost': 0}
    summary['topics'][JOINTS] |= {'lost': 7}
    path.write_text(json.dumps({**summary, 'packets_dropped': 21}))
    findings = verify(recordings)
    assert [(finding.code, finding.where, finding.severity) for finding in findings] == [
        ('messages-dropped', NAMES[1], 'warning'),
        ('messages-lost', NAMES[1], 'warning'),
        ('messages-lost', NAMES[1], 'warning'),
    ]
    assert f'3 of {IMAGES}' in findings[0].text and f'7 of {JOINTS}' in findings[1].text and '21 packets' in findings[2].text


def _moved(source: Path, folder: Path, namespace: str, provenance: dict[str, Any]) -> Path:
    """Copy a recording with all its topics in a namespace."""
    with BagWriter(folder, provenance) as writer:
        for item in Bag(source).raw():
            topic = replace(item.topic, name=namespace + item.topic.name)
            writer.add_topic(topic)
            writer.write(topic.name, item.log_time_ns, item.data)
        writer.finish('success')
    return folder


@pytest.mark.parametrize('said', [{'namespace': '/cell1'}, {}], ids=['our recorder', 'a plain bag'])
def test_a_recording_in_a_namespace_is_checked_alike(panda: RobotProfile, tmp_path: Path, said: dict[str, Any]) -> None:
    provenance = {'robot': 'panda', **said}
    good = _moved(record(tmp_path / 'good', panda, 1), tmp_path / 'recordings' / NAMES[0], '/cell1', provenance)
    assert verify(good) == []
    odd = record(tmp_path / 'odd', panda, 2, lambda index, spoken: _degrees(spoken) if spoken.topic == STATE else spoken)
    bad = _moved(odd, tmp_path / 'recordings' / NAMES[1], '/cell1', provenance)
    assert _codes(verify(bad)) == _codes(verify(odd)) == {'command-far'}


def test_two_robots_in_one_bag_are_not_mixed(panda: RobotProfile, tmp_path: Path) -> None:
    first = record(tmp_path / 'first', panda, 1)
    with BagWriter(tmp_path / NAMES[0], {'robot': 'panda'}) as writer:
        for space in ('/left', '/right'):
            for item in Bag(first).raw():
                topic = replace(item.topic, name=space + item.topic.name)
                writer.add_topic(topic)
                writer.write(topic.name, item.log_time_ns, item.data)
        writer.finish('success')
    assert 'topic-missing' in _codes(verify(tmp_path / NAMES[0]))


def _degrees(spoken: Spoken) -> Spoken:
    return spoken._replace(fields={**spoken.fields, 'reference': np.rad2deg(spoken.fields['reference'])})
