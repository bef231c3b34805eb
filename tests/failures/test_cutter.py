# SPDX-License-Identifier: Apache-2.0
"""The memory is bounded, what holds is never lost, and segments hold what they should."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from genima.errors import DatasetError
from genima.failures.cutter import MOST_PENDING, PATIENCE_S, Cutter
from genima.failures.layout import Flag
from genima.failures.ring import NS_PER_S, Ring

FLAG = Flag('jitter', 'it shakes', 0.0)


@given(
    steps_ms=st.lists(st.integers(0, 400), min_size=1, max_size=80),
    sizes=st.lists(st.integers(0, 60), min_size=80, max_size=80),
)
def test_the_ring_holds_the_newest_within_its_bounds(steps_ms: list[int], sizes: list[int]) -> None:
    ring, now_ns, everything = Ring(2.0, 300, {}), 0, []
    for step_ms, size in zip(steps_ms, sizes, strict=False):
        now_ns += step_ms * 1_000_000
        ring.put('/a', now_ns, bytes(size))
        everything.append((now_ns, size))
        kept = ring.snapshot()
        assert [(each.log_time_ns, len(each.data)) for each in kept] == everything[len(everything) - len(kept) :]
        assert ring.size_bytes == sum(len(each.data) for each in kept) <= 300
        assert kept[0].log_time_ns == ring.begins_ns >= now_ns - 2 * NS_PER_S


def test_what_holds_since_before_is_in_every_segment() -> None:
    ring = Ring(1.0, 1000, {'/tf_static': 2, '/gripper/command': 1})
    for number, topic in enumerate(['/tf_static', '/tf_static', '/gripper/command', '/gripper/command', '/joint_states']):
        ring.put(topic, number * NS_PER_S // 10, str(number).encode())
    ring.put('/joint_states', 10 * NS_PER_S, b'new')
    assert [(each.topic, each.data) for each in ring.snapshot()] == [
        ('/tf_static', b'0'), ('/tf_static', b'1'), ('/gripper/command', b'3'), ('/joint_states', b'new'),
    ]  # fmt: skip
    assert {each.log_time_ns for each in ring.snapshot()} == {10 * NS_PER_S}


def test_a_clock_that_was_set_begins_anew_and_keeps_what_holds() -> None:
    ring = Ring(10.0, 1000, {'/tf_static': 5})
    ring.put('/tf_static', 50 * NS_PER_S, b'tree')
    ring.put('/joint_states', 51 * NS_PER_S, b'old')
    ring.put('/joint_states', 2 * NS_PER_S, b'new')
    assert [each.data for each in ring.snapshot()] == [b'tree', b'new']


def _fill(cutter: Cutter, begin_s: float, end_s: float) -> None:
    for tick in range(round(10 * begin_s), round(10 * end_s)):
        cutter.put('/joint_states', tick * NS_PER_S // 10, b'12345')


def test_segments_overlap_and_each_has_its_own_time(tmp_path: Path) -> None:
    cutter = Cutter(5.0, 2.0, 10_000, {})
    _fill(cutter, 0, 10)
    cutter.flag(tmp_path / 'a', FLAG, 1.0, 10 * NS_PER_S, 0.0)
    _fill(cutter, 10, 11)
    cutter.flag(tmp_path / 'b', FLAG, 0.0, 11 * NS_PER_S, 1.0)
    assert cutter.ready(11 * NS_PER_S, 1.0) == []
    _fill(cutter, 11, 12.6)
    (first,) = cutter.ready(round(12.6 * NS_PER_S), 2.6)
    assert first.folder.name == 'a' and first.flag.stamp_s == 9.0
    assert first.flag.seconds_before == pytest.approx(4.1, abs=0.11) and first.flag.seconds_after == pytest.approx(3.0)
    (second,) = cutter.ready(round(12.6 * NS_PER_S), 2.6, ending=True)
    assert second.flag.seconds_before == pytest.approx(5.1, abs=0.11) and second.flag.seconds_after == pytest.approx(1.5)
    assert [each.log_time_ns for each in second.cut.messages] == sorted(each.log_time_ns for each in second.cut.messages)


def test_a_clock_that_stands_still_does_not_keep_a_segment_for_ever(tmp_path: Path) -> None:
    cutter = Cutter(5.0, 2.0, 10_000, {})
    _fill(cutter, 0, 1)
    cutter.flag(tmp_path, FLAG, 0.0, NS_PER_S, 100.0)
    assert cutter.ready(NS_PER_S, 102.0 + PATIENCE_S - 0.1) == []
    (segment,) = cutter.ready(NS_PER_S, 102.0 + PATIENCE_S)
    assert segment.flag.seconds_after == 0.0


def test_a_flood_after_the_flag_is_bounded_and_counted(tmp_path: Path) -> None:
    cutter = Cutter(5.0, 2.0, 100, {})
    _fill(cutter, 0, 1)
    cutter.flag(tmp_path, FLAG, 0.0, NS_PER_S, 0.0)
    for _ in range(30):
        cutter.put('/image', NS_PER_S, bytes(10))
    (segment,) = cutter.ready(3 * NS_PER_S, 2.0)
    assert segment.cut.dropped == 20 and cutter.ring.size_bytes <= 100


@pytest.mark.parametrize(
    ('seconds_ago', 'words'),
    [(float('nan'), 'a time that has passed'), (-1.0, 'a time that has passed'), (8.0, 'the memory reaches back 5.')],
)
def test_flags_that_make_no_sense_say_why(tmp_path: Path, seconds_ago: float, words: str) -> None:
    cutter = Cutter(5.0, 2.0, 10_000, {})
    _fill(cutter, 0, 10)
    with pytest.raises(DatasetError, match=words):
        cutter.flag(tmp_path, FLAG, seconds_ago, 10 * NS_PER_S, 0.0)


def test_before_anything_is_heard_and_when_too_many_wait(tmp_path: Path) -> None:
    cutter = Cutter(5.0, 2.0, 10_000, {'/tf_static': 10})
    for _ in range(2):
        with pytest.raises(DatasetError, match='nothing was heard yet'):
            cutter.flag(tmp_path, FLAG, 0.0, NS_PER_S, 0.0)
        cutter.put('/tf_static', 0, b'latched')
    _fill(cutter, 0, 1)
    for _ in range(MOST_PENDING):
        cutter.flag(tmp_path, FLAG, 0.0, NS_PER_S, 0.0)
    with pytest.raises(DatasetError, match='are waiting'):
        cutter.flag(tmp_path, FLAG, 0.0, NS_PER_S, 0.0)
