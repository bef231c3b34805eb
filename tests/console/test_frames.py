# SPDX-License-Identifier: Apache-2.0
"""Pictures are encoded once, in time, and only for eyes."""

import threading
import time
from collections.abc import Callable, Iterator

import cv2
import numpy as np
import pytest
from genima_ros.console.frames import FrameHub, Pace
from genima_ros.console.log import ConsoleLog
from genima_ros.console.meters import Meter, percentiles_ms, plain
from genima_ros.console.watch import Watch
from hypothesis import given
from hypothesis import strategies as st

from genima.errors import GenimaError

RED = np.full((48, 64, 3), (200, 30, 30), dtype=np.uint8)


def _until(condition: Callable[[], object], timeout_s: float = 5.0) -> None:
    end_s = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < end_s
        time.sleep(0.005)


@pytest.fixture
def troubles() -> list[str]:
    return []


@pytest.fixture
def hub(troubles: list[str]) -> Iterator[FrameHub]:
    hub = FrameHub(lambda: None, troubles.append, max_width_px=64)
    yield hub
    hub.close()


def test_nothing_is_encoded_while_nobody_looks(hub: FrameHub) -> None:
    asked = threading.Event()

    def pixels() -> np.ndarray:
        asked.set()
        return RED

    hub.offer('front', 1.0, pixels)
    hub.look('browser', ['wrist'])
    hub.offer('front', 1.1, pixels)
    time.sleep(0.1)
    assert not asked.is_set() and hub.encoded == 0 and hub.newest('front') is None
    hub.look('browser', ['front'])
    hub.offer('front', 1.2, pixels)
    _until(lambda: hub.newest('front'))
    hub.look('browser', [])
    assert hub.newest('front') is None, 'who looks later must not see it as the present'
    assert not hub.watched


def test_one_picture_serves_all_browsers_and_looks_right(hub: FrameHub) -> None:
    for browser in range(5):
        hub.look(browser, ['front'])
    hub.offer('front', 1.25, lambda: RED)
    _until(lambda: hub.newest('front'))
    frame = hub.newest('front')
    assert frame is not None and hub.encoded == 1
    assert (frame.stamp_s, frame.width_px, frame.height_px) == (1.25, 64, 48)
    seen = cv2.imdecode(np.frombuffer(frame.jpeg, np.uint8), cv2.IMREAD_COLOR)[..., ::-1]
    np.testing.assert_allclose(seen, RED, atol=6)


def test_a_wide_picture_is_sent_smaller_but_keeps_its_size_for_the_overlay(hub: FrameHub) -> None:
    hub.look('browser', ['front'])
    hub.offer('front', 0.0, lambda: np.repeat(np.repeat(RED, 3, axis=0), 3, axis=1))
    _until(lambda: hub.newest('front'))
    frame = hub.newest('front')
    assert frame is not None and (frame.width_px, frame.height_px) == (192, 144)
    assert cv2.imdecode(np.frombuffer(frame.jpeg, np.uint8), cv2.IMREAD_COLOR).shape == (48, 64, 3)


def _sent_width(hub: FrameHub, stamp_s: float) -> int:
    hub.offer('front', stamp_s, lambda: np.full((480, 640, 3), 90, dtype=np.uint8))
    _until(lambda: (frame := hub.newest('front')) and frame.stamp_s == stamp_s)
    frame = hub.newest('front')
    assert frame is not None and (frame.width_px, frame.height_px) == (640, 480)
    return int(cv2.imdecode(np.frombuffer(frame.jpeg, np.uint8), cv2.IMREAD_COLOR).shape[1])


def test_pictures_are_sent_as_large_as_the_largest_browser_shows_them() -> None:
    hub = FrameHub(lambda: None, max_hz=1e6)
    try:
        hub.look('phone', ['front'], 170)
        assert _sent_width(hub, 0.0) == 213, 'a third'
        hub.look('desk', ['front'], 320)
        hub.look('elsewhere', ['wrist'], 640)
        assert _sent_width(hub, 1.0) == 320
        hub.look('wall', ['front'], 3000)
        assert _sent_width(hub, 2.0) == 640
        hub.look('wall', [])
        hub.look('hidden', ['front'], -1)
        assert _sent_width(hub, 3.0) == 320
    finally:
        hub.close()


def test_a_picture_that_cannot_be_read_is_named_and_the_next_one_comes(hub: FrameHub, troubles: list[str]) -> None:
    def broken() -> np.ndarray:
        raise GenimaError('cameras/front/image_raw: encoding 16UC1')

    hub.look('browser', ['front', 'wrist'])
    hub.offer('front', 0.0, broken)
    hub.offer('wrist', 0.0, lambda: RED)
    _until(lambda: hub.newest('wrist'))
    assert troubles == ['cameras/front/image_raw: encoding 16UC1']


@given(st.lists(st.floats(0.0, 0.2), min_size=1, max_size=200))
def test_pace_never_exceeds_its_rate_by_more_than_one(gaps_s: list[float]) -> None:
    pace, now_s, passed_s = Pace(30.0), 0.0, []
    for gap_s in gaps_s:
        now_s += gap_s
        if pace.admits(now_s):
            passed_s.append(now_s)
    for first in range(len(passed_s)):
        for last in range(first, len(passed_s)):
            assert last - first <= (passed_s[last] - passed_s[first]) * 30.0 + 1.0 + 1e-6


@given(st.lists(st.floats(-0.008, 0.008), min_size=2, max_size=100))
def test_a_camera_at_that_rate_loses_nothing_to_jitter_after_its_first_pictures(jitter_s: list[float]) -> None:
    pace = Pace(30.0)
    admitted = [pace.admits(i / 29.9 + jitter) for i, jitter in enumerate(jitter_s)]
    assert admitted.count(False) <= 1


def test_a_fast_camera_is_thinned_out_to_the_rate() -> None:
    pace = Pace(30.0)
    assert sum(pace.admits(i / 60.0) for i in range(600)) == pytest.approx(300, abs=5)
    pace = Pace(30.0)
    assert sum(pace.admits(i / 40.0) for i in range(400)) == pytest.approx(300, abs=5)


def test_the_watch_is_lost_by_silence_and_must_be_taken_anew() -> None:
    now_s = [0.0]
    watch = Watch(0.5, lambda: now_s[0])
    watch.keep('page')
    assert watch.holders == 0, 'nobody has taken it'
    watch.take('page')
    watch.take('other')
    now_s[0] = 0.4
    watch.keep('page')
    now_s[0] = 0.8
    assert watch.held_by('page') and not watch.held_by('other') and watch.holders == 1
    now_s[0] = 1.5
    watch.keep('page')
    assert watch.holders == 0, 'it was silent for too long'
    watch.take('page')
    watch.release('page')
    assert watch.holders == 0


def test_rates_ages_and_latencies() -> None:
    meter = Meter()
    for i in range(40):
        meter.hear(wall_s=0.1 * i, now_s=100.0 + 0.1 * i, stamp_s=99.95 + 0.1 * i)
    read = meter.read(wall_s=3.9, now_s=104.0)
    assert read['hz'] == pytest.approx(10.0, abs=0.6)
    assert read['age_ms'] == pytest.approx(150.0) and read['p50_ms'] == pytest.approx(50.0) == read['p99_ms']
    assert meter.read(wall_s=20.0, now_s=120.0)['hz'] == 0.0
    assert percentiles_ms([]) == (None, None)
    values = np.random.default_rng(0).normal(size=77)
    assert percentiles_ms(values.tolist()) == pytest.approx(np.percentile(values, [50, 99]).tolist())


def test_values_for_json_are_finite() -> None:
    values = {'a': [1.0, float('nan'), np.float64(2.123456789)], 'b': np.array([float('inf'), 1.0]), 'c': np.bool_(True)}
    assert plain(values) == {'a': [1.0, None, 2.12346], 'b': [None, 1.0], 'c': True}


def test_the_log_keeps_the_newest_and_counts() -> None:
    log = ConsoleLog()
    for i in range(300):
        log.add('command', f'arm {i}', ok=i % 2 == 0)
    entries = log.newest_first()
    assert log.count == 300 and len(entries) == 200 and entries[0]['text'] == 'arm 299' and entries[0]['ok'] is False
