# SPDX-License-Identifier: Apache-2.0
"""What the recorder sees while it records: rates, gaps, silence, and a queue that never drops in silence."""

import threading
from pathlib import Path
from typing import Any

import bags
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from genima.errors import DatasetError
from genima.recording.queued import QueuedWriter
from genima.recording.reader import Bag
from genima.recording.streams import StreamWatch


def _watch(rate_hz: float, count: int, start_s: float = 100.0) -> StreamWatch:
    watch = StreamWatch()
    for index in range(count):
        watch.add(start_s + index / rate_hz, index / rate_hz)
    return watch


@given(st.floats(1.0, 500.0), st.integers(8, 200), st.integers(0, 2**31))
def test_rate_and_period_are_those_of_a_jittery_stream(rate_hz: float, count: int, seed: int) -> None:
    jitter = np.random.default_rng(seed).uniform(-0.12, 0.12, count) / rate_hz
    watch = StreamWatch()
    gaps = [watch.add(index / rate_hz + jitter[index], index / rate_hz) for index in range(count)]
    assert watch.rate_hz == pytest.approx(rate_hz, rel=0.1 + 1 / count)
    assert watch.period_s == pytest.approx(1 / rate_hz, rel=0.3)
    assert watch.count == count and not any(gaps) and watch.gaps == watch.missing == 0


@pytest.mark.parametrize(('lost', 'is_gap'), [(1, False), (2, True), (10, True)])
def test_lost_messages_are_a_gap(lost: int, is_gap: bool) -> None:
    watch = _watch(30.0, 20)
    gap_s = watch.add(100.0 + (19 + lost + 1) / 30.0, 1.0)
    assert (gap_s is not None) == is_gap == (watch.gaps == 1)
    assert watch.largest_gap_s == pytest.approx((lost + 1) / 30.0) and watch.missing == lost


def test_a_pause_is_seen_while_it_lasts() -> None:
    watch = _watch(10.0, 20)
    end_s = 100.0 + 1.9
    assert watch.pause_s(end_s + 0.2) is None
    assert watch.pause_s(end_s + 0.3) == pytest.approx(0.3)


def test_an_episode_does_not_inherit_gaps_but_the_period() -> None:
    watch = _watch(10.0, 20)
    watch.add(110.0, 10.0)
    watch.begin()
    assert (watch.count, watch.gaps, watch.largest_gap_s) == (0, 0, 0.0) and watch.period_s == pytest.approx(0.1)
    assert watch.add(112.0, 12.0) is None, 'the time before the episode is not part of it'
    assert watch.add(112.5, 12.5) == pytest.approx(0.5)


def test_silence_is_measured_on_the_wall() -> None:
    watch = StreamWatch()
    assert watch.silent(0.0), 'nothing was ever heard'
    watch = _watch(100.0, 20)
    assert not watch.silent(1.9) and watch.silent(2.5)
    slow = _watch(1.0, 20)
    assert not slow.silent(19.0 + 4.0) and slow.silent(19.0 + 6.0)


def test_a_clock_that_was_set_begins_anew() -> None:
    watch = _watch(10.0, 20)
    assert watch.add(5.0, 2.0) is None and watch.period_s is None and watch.gaps == 0


class _SlowWriter:
    """Takes one message at a time, when it is let."""

    def __init__(self) -> None:
        self.gate = threading.Semaphore(0)
        self.written: list[str] = []
        self.error: DatasetError | None = None

    def write(self, name: str, log_time_ns: int, data: bytes) -> None:
        self.gate.acquire()
        if self.error:
            raise self.error
        self.written.append(name)


def test_the_queue_writes_everything_in_order(tmp_path: Path) -> None:
    writer = bags.open_bag(tmp_path / 'episode_000000')
    queue = QueuedWriter(writer, 10_000_000)
    sent = list(bags.moments(200))
    assert all(queue.put(*moment) for moment in sent)
    queue.drain()
    writer.finish('success')
    assert [(item.topic.name, item.log_time_ns, item.data) for item in Bag(tmp_path / 'episode_000000').raw()] == sent
    assert queue.dropped == {} and queue.waiting_bytes == 0


def test_what_does_not_fit_is_counted() -> None:
    slow: Any = _SlowWriter()
    queue = QueuedWriter(slow, 250)
    taken = [queue.put(name, 0, bytes(100)) for name in 'abcde']
    assert taken == [True, True, False, False, False]
    assert queue.dropped == {'c': 1, 'd': 1, 'e': 1} and queue.waiting_bytes == 200
    slow.gate.release(10)
    queue.drain()
    assert slow.written == ['a', 'b']
    assert not queue.put('f', 0, b''), 'it is closed'


def test_one_message_always_fits() -> None:
    slow: Any = _SlowWriter()
    slow.gate.release(1)
    queue = QueuedWriter(slow, 10)
    assert queue.put('a', 0, bytes(100))
    queue.drain()
    assert slow.written == ['a']


def test_a_full_disk_drops_everything_and_says_why() -> None:
    slow: Any = _SlowWriter()
    slow.error = DatasetError('no space left')
    queue = QueuedWriter(slow, 1000)
    for name in 'ab':
        queue.put(name, 0, bytes(10))
    slow.gate.release(1)
    queue.drain()
    assert queue.trouble == 'no space left' and queue.dropped == {'a': 1, 'b': 1}
    assert not queue.put('a', 0, b'')
