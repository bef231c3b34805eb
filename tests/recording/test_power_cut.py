# SPDX-License-Identifier: Apache-2.0
"""Whatever interrupts a recording, what was written is readable, and repair makes it whole."""

import signal
import subprocess
import sys
import time
from pathlib import Path

import bags
import numpy as np
import pytest
from rosbags.rosbag2 import Reader

from genima.errors import DatasetError
from genima.recording.layout import bag_files, is_finished, read_summary
from genima.recording.reader import Bag, read_bag
from genima.recording.repair import repair


@pytest.fixture(scope='module')
def whole(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[tuple[str, int, bytes]]]:
    folder = tmp_path_factory.mktemp('recordings') / 'episode_000004'
    return folder, bags.record(folder, flush_every=8)


def _cut(whole: Path, target: Path, size: int) -> Path:
    target.mkdir()
    source = bag_files(whole)[0]
    (target / source.name).write_bytes(source.read_bytes()[:size])
    return target


def _read(folder: Path) -> tuple[list[tuple[str, int, bytes]], list[str]]:
    bag = Bag(folder)
    return [(item.topic.name, item.log_time_ns, item.data) for item in bag.raw()], bag.damage


def test_a_file_cut_anywhere_is_readable_up_to_its_last_chunk(whole: tuple, tmp_path: Path) -> None:  # type: ignore[type-arg]
    folder, written = whole
    size = bag_files(folder)[0].stat().st_size
    cuts = sorted({*np.random.default_rng(0).integers(8, size, 100).tolist(), *range(size - 60, size), 8, 9, 17})
    counts = []
    for index, at in enumerate(cuts):
        found, damage = _read(_cut(folder, tmp_path / str(index), at))
        assert found == written[: len(found)] and len(damage) == 1, f'cut at {at}'
        counts.append(len(found))
    assert counts == sorted(counts) and counts[0] == 0 and counts[-1] == len(written)
    assert len(set(counts)) == 1 + -(-len(written) // 8), 'chunk by chunk'


def test_a_file_that_is_no_mcap_is_an_error(whole: tuple, tmp_path: Path) -> None:  # type: ignore[type-arg]
    for name, size in (('empty', 0), ('short', 7)):
        with pytest.raises(DatasetError, match='is not an MCAP file'):
            _read(_cut(whole[0], tmp_path / name, size))
    with pytest.raises(DatasetError, match=r'no \*\.mcap'):
        Bag(tmp_path)


def test_flipped_bytes_cost_their_chunk_and_are_told(whole: tuple, tmp_path: Path) -> None:  # type: ignore[type-arg]
    folder, written = whole
    path = bag_files(folder)[0]
    clean = path.read_bytes()
    rng = np.random.default_rng(1)
    noticed = 0
    for index in range(60):
        data = bytearray(clean)
        data[int(rng.integers(len(data) // 4, 3 * len(data) // 4))] ^= int(rng.integers(1, 256))
        target = tmp_path / str(index)
        target.mkdir()
        (target / path.name).write_bytes(data)
        found, damage = _read(target)
        assert set(found) <= set(written), 'a damaged message was passed on'
        noticed += bool(damage)
        assert damage or found == written
    assert noticed > 30, 'most bytes belong to chunks'


def test_zeros_at_the_end_are_a_cut(whole: tuple, tmp_path: Path) -> None:  # type: ignore[type-arg]
    """Some file systems leave them after a power cut."""
    folder, written = whole
    path = bag_files(folder)[0]
    data = path.read_bytes()
    target = tmp_path / 'zeros'
    target.mkdir()
    (target / path.name).write_bytes(data[: len(data) // 2] + bytes(5000))
    found, damage = _read(target)
    assert 0 < len(found) < len(written) and found == written[: len(found)] and damage


def test_damage_is_warned_of_unless_somebody_listens(whole: tuple, tmp_path: Path) -> None:  # type: ignore[type-arg]
    folder, _ = whole
    cut = _cut(folder, tmp_path / 'cut', bag_files(folder)[0].stat().st_size // 2)
    with pytest.warns(UserWarning, match='is cut at byte'):
        list(read_bag(cut))
    heard: list[str] = []
    list(read_bag(cut, on_damage=heard.append))
    assert len(heard) == 1 and 'interrupted' in heard[0]


def test_repair_keeps_what_is_intact_and_writes_down_the_rest(whole: tuple, tmp_path: Path) -> None:  # type: ignore[type-arg]
    folder, _ = whole
    cut = _cut(folder, tmp_path / 'episode_000004', bag_files(folder)[0].stat().st_size // 2)
    kept, _ = _read(cut)
    (cut / '.repaired.mcap').write_bytes(b'of a repair that was interrupted')
    done = repair(cut)
    assert done is not None and done.messages == len(kept) and 'is cut' in done.damage[0]
    assert _read(cut) == (kept, [])
    summary = read_summary(cut)
    assert summary['outcome'] == 'unfinished' and summary['provenance'] == bags.PROVENANCE
    assert summary['repaired']['damage'] == list(done.damage) and summary['file'] == bag_files(cut)[0].name
    with Reader(cut) as reader:
        assert reader.message_count == len(kept)
    assert sorted(path.name for path in cut.iterdir()) == ['episode.json', 'episode_000004_0.mcap', 'metadata.yaml']
    assert repair(cut) is None, 'nothing is left to do'


def test_repair_keeps_the_outcome_of_a_finished_episode(whole: tuple, tmp_path: Path) -> None:  # type: ignore[type-arg]
    folder, written = whole
    target = tmp_path / 'episode_000004'
    target.mkdir()
    for file in folder.iterdir():
        (target / file.name).write_bytes(file.read_bytes())
    assert repair(target) is None
    path = bag_files(target)[0]
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 0xFF
    path.write_bytes(data)
    done = repair(target)
    assert done is not None and len(written) - 8 <= done.messages < len(written)
    summary = read_summary(target)
    assert (summary['outcome'], summary['note']) == ('success', 'well done')
    assert summary['topics'][bags.JOINTS.name]['largest_gap_s'] == 0.01


def test_nothing_to_keep_is_an_error(whole: tuple, tmp_path: Path) -> None:  # type: ignore[type-arg]
    cut = _cut(whole[0], tmp_path / 'episode_000004', 100)
    with pytest.raises(DatasetError, match='no message'):
        repair(cut)
    assert not is_finished(cut)


RECORDER = """
import sys, time
sys.path.insert(0, sys.argv[1])
import bags
writer = bags.open_bag(__import__('pathlib').Path(sys.argv[2]), sys.argv[3], flush_s=0.2)
for index, moment in enumerate(bags.moments(100000)):
    writer.write(*moment)
    if index % 40 == 0:
        print(index, time.monotonic(), flush=True)
    time.sleep(0.001)
"""


@pytest.mark.parametrize('compression', ['none', 'lz4'])
def test_a_killed_recorder_loses_the_last_moments_only(tmp_path: Path, compression: str) -> None:
    folder = tmp_path / 'episode_000000'
    arguments = [sys.executable, '-c', RECORDER, str(Path(__file__).parent), str(folder), compression]
    process = subprocess.Popen(arguments, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    said: list[tuple[int, float]] = []
    while not said or said[-1][1] - said[0][1] < 1.5:
        index, at_s = process.stdout.readline().split()
        said.append((int(index), float(at_s)))
    process.send_signal(signal.SIGKILL)
    killed_s = time.monotonic()
    process.wait()
    assert not is_finished(folder)
    found, damage = _read(folder)
    expected = list(bags.moments(len(found)))[: len(found)]
    assert found == expected and damage
    safe = max(index for index, at_s in said if at_s < killed_s - 1.0)
    assert len(found) >= safe, 'what was written a second ago is there'
    done = repair(folder)
    assert done is not None and done.messages == len(found)
