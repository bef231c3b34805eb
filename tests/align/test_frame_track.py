# SPDX-License-Identifier: Apache-2.0
"""Frames by capture time: the nearest one, late and frozen ones, and the same choice live and afterwards."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from genima.align.frames import FrameTrack, newest_set

STEPS_S = st.lists(st.floats(1e-3, 0.2), min_size=1, max_size=40)


def track_of(times_s: list[float], **options: float) -> FrameTrack:
    track = FrameTrack(**options)
    for k, time_s in enumerate(times_s):
        track.add(time_s, k, bytes([k % 256]))
    return track


@given(STEPS_S, st.floats(-0.1, 8.1))
def test_the_nearest_frame_is_found(steps_s: list[float], asked_s: float) -> None:
    times_s = np.cumsum(steps_s)
    frame = track_of(times_s.tolist()).nearest(asked_s)
    assert abs(frame.time_s - asked_s) == np.abs(times_s - asked_s).min()
    assert times_s[frame.payload] == frame.time_s


def test_of_two_equally_near_frames_the_earlier_is_taken() -> None:
    assert track_of([1.0, 2.0]).nearest(1.5).payload == 0


def test_the_latency_is_taken_off_the_stamps() -> None:
    track = track_of([1.0, 1.1], offset_s=0.03)
    np.testing.assert_allclose(track.times_s, [0.97, 1.07])
    assert track.nearest(1.0).payload == 0


def test_frozen_frames_are_counted_and_their_age_is_known() -> None:
    track = FrameTrack()
    for time_s, pixels in ((1.0, b'aa'), (1.1, b'aa'), (1.2, b'aa'), (1.3, b'ab')):
        track.add(time_s, None, pixels)
    assert track.frozen == 2
    np.testing.assert_array_equal(track.same_since_s, [1.0, 1.0, 1.0, 1.3])


def test_a_frame_with_the_same_stamp_replaces_the_first_and_is_not_frozen() -> None:
    track = FrameTrack()
    track.add(1.0, 'first', b'a')
    track.add(1.0, 'second', b'a')
    assert (len(track), track.nearest(0.0).payload, track.frozen) == (1, 'second', 0)


def test_late_frames_are_left_out_and_another_clock_begins_anew() -> None:
    track = track_of([10.0, 10.1])
    track.add(10.05, 'late', b'')
    assert (len(track), track.overtaken, track.restarts) == (2, 1, 0)
    track.add(3.0, 'reset', b'')
    assert (len(track), track.restarts, track.nearest(10.0).payload) == (1, 1, 'reset')


def test_memory_is_bounded() -> None:
    assert track_of([0.1 * k for k in range(100)], keep=8).times_s[0] == pytest.approx(9.2)


def test_there_is_no_set_before_all_cameras_were_heard_nor_while_one_lags() -> None:
    first, second = track_of([1.0, 1.1]), FrameTrack()
    assert newest_set([first, second], 0.05) is None
    second.add(1.04, 'x', b'')
    assert newest_set([first, second], 0.05) is None
    found = newest_set([first, second], 0.07)
    assert found is not None
    assert (found.time_s, [frame.payload for frame in found.frames]) == (1.04, [0, 'x'])


@given(st.lists(STEPS_S, min_size=2, max_size=4), st.data())
def test_a_conversion_chooses_the_frames_that_were_chosen_live(cameras: list[list[float]], data: st.DataObject) -> None:
    times_s = [np.cumsum(steps_s).tolist() for steps_s in cameras]
    whole = [track_of(each) for each in times_s]
    live = [FrameTrack(keep=8) for _ in times_s]
    waiting = {camera: list(enumerate(each)) for camera, each in enumerate(times_s)}
    while waiting:
        camera = data.draw(st.sampled_from(sorted(waiting)))  # the network delivers cameras in any order
        number, time_s = waiting[camera].pop(0)
        live[camera].add(time_s, number, b'')
        if not waiting[camera]:
            del waiting[camera]
        found = newest_set(live, 0.05)
        if found is not None:
            assert [frame.payload for frame in found.frames] == [track.nearest(found.time_s).payload for track in whole]
