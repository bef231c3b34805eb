# SPDX-License-Identifier: Apache-2.0
"""A demonstration on its grid: every array from its own stream, and a report that tells what went wrong."""

import json

import numpy as np
import pytest

from genima.align.demonstration import Aligned, GridOptions, Streams, align
from genima.align.frames import FrameTrack
from genima.align.report import stream_report
from genima.chunks.plan import Chunk
from genima.errors import DatasetError
from genima.robots.profile import RobotProfile

PANDA = RobotProfile.load('panda')
FINGERS = PANDA.gripper.joints
DURATION_S = 3.0
START_S = 100.0


def q_rad(time_s: float) -> np.ndarray:
    """A smooth motion."""
    return PANDA.home_rad + 0.2 * np.sin(time_s - START_S + np.arange(7))


def command_rad(time_s: float) -> np.ndarray:
    return q_rad(time_s) + 0.01


def times(rate_hz: float, begin_s: float = 0.0, end_s: float = DURATION_S) -> np.ndarray:
    return START_S + begin_s + np.arange(round((end_s - begin_s) * rate_hz) + 1) / rate_hz


def demonstration() -> Streams:
    streams = Streams(PANDA)
    for time_s in times(100.0):
        streams.joints.add(PANDA.arm_joints, q_rad(time_s), time_s)
        streams.joints.add(FINGERS, [0.04 * (time_s - START_S) / DURATION_S] * 2, time_s)
    for time_s in times(50.0, 0.0, DURATION_S + 0.2):
        streams.reference.add(PANDA.arm_joints, command_rad(time_s), time_s)
    for name, rate_hz, begin_s in (('front', 30.0, 0.04), ('wrist', 15.0, 0.1)):
        streams.cameras[name] = FrameTrack()
        for k, time_s in enumerate(times(rate_hz, begin_s)):
            streams.cameras[name].add(time_s, k, f'{name} {k}'.encode())
    streams.gripper_commands = [(START_S + 1.0, 0.0), (START_S + 2.0, 1.0)]
    return streams


def chunks(begin_s: float = 0.0) -> list[Chunk]:
    ahead_s = 0.1 * np.arange(1, 11)
    return [
        Chunk(time_s, 0.1, np.stack([q_rad(time_s + each) + 0.02 for each in ahead_s]), np.linspace(0, 1, 10))
        for time_s in times(10.0, begin_s)
    ]


@pytest.fixture(scope='module')
def aligned() -> Aligned:
    return align(demonstration(), GridOptions(10.0))


def test_the_grid_lies_where_every_stream_is_there(aligned: Aligned) -> None:
    grid_s = aligned.timestamps_s - START_S
    assert grid_s[0] == pytest.approx(0.1)  # the wrist camera begins last
    np.testing.assert_allclose(np.diff(grid_s), 0.1, atol=1e-9)
    assert 2.8 <= grid_s[-1] <= DURATION_S


def test_joints_are_interpolated(aligned: Aligned) -> None:
    wanted = np.stack([q_rad(time_s) for time_s in aligned.timestamps_s])
    np.testing.assert_allclose(aligned.q_rad, wanted, atol=2.5e-6)  # a h^2 / 8 at 100 Hz
    np.testing.assert_allclose(aligned.gripper_open, (aligned.timestamps_s - START_S) / DURATION_S, atol=1e-6)


def test_the_command_is_the_reference_one_step_on(aligned: Aligned) -> None:
    wanted = np.stack([command_rad(time_s + 0.1) for time_s in aligned.timestamps_s])
    np.testing.assert_allclose(aligned.q_command_rad, wanted, atol=1e-5)


def test_without_a_reference_the_command_is_what_was_reached() -> None:
    streams = demonstration()
    streams.reference = type(streams.reference)()
    found = align(streams, GridOptions(10.0))
    np.testing.assert_array_equal(found.q_command_rad[:-1], found.q_rad[1:])


def test_the_gripper_is_commanded_until_the_next_command(aligned: Aligned) -> None:
    since_s = aligned.timestamps_s - START_S
    # nothing was commanded so early: the fingers opened from the beginning on, which is what they must have been told
    np.testing.assert_array_equal(aligned.gripper_command_open[(since_s > 0.1) & (since_s < 0.999)], 1.0)
    np.testing.assert_array_equal(aligned.gripper_command_open[(since_s > 1.001) & (since_s < 1.999)], 0.0)
    np.testing.assert_array_equal(aligned.gripper_command_open[since_s > 2.001], 1.0)


@pytest.mark.parametrize('rate_hz', [10.0, 20.0, 30.0])
def test_each_step_has_the_nearest_frame_of_each_camera(rate_hz: float) -> None:
    found = align(demonstration(), GridOptions(rate_hz))
    for name, period_s in (('front', 1 / 30), ('wrist', 1 / 15)):
        assert np.abs(found.capture_s[name] - found.timestamps_s).max() <= period_s / 2 + 1e-9
        track = demonstration().cameras[name]
        np.testing.assert_array_equal(track.times_s[found.frames[name]], found.capture_s[name])


def test_plans_are_chunks_from_the_step_on_held_at_their_end() -> None:
    streams = demonstration()
    streams.chunks = chunks()
    found = align(streams, GridOptions(10.0, plan_steps=20))
    assert found.plan_q_rad is not None and found.plan_gripper_open is not None
    assert found.plan_q_rad.shape == (len(found.timestamps_s), 20, 7)
    for step in (0, 7):
        ahead_s = found.timestamps_s[step] + 0.1 * np.arange(1, 11)
        np.testing.assert_allclose(found.plan_q_rad[step, :10], [q_rad(each) + 0.02 for each in ahead_s], atol=1e-3)
        np.testing.assert_array_equal(found.plan_q_rad[step, 10:], np.tile(found.plan_q_rad[step, 9], (10, 1)))
        np.testing.assert_allclose(found.plan_gripper_open[step, 9:], 1.0)


def test_steps_before_the_first_chunk_plan_what_was_commanded() -> None:
    streams = demonstration()
    streams.chunks = chunks(begin_s=1.0)
    found = align(streams, GridOptions(10.0, plan_steps=5))
    assert found.plan_q_rad is not None
    np.testing.assert_array_equal(found.plan_q_rad[0], found.q_command_rad[:5])


def test_few_chunks_are_no_plans() -> None:
    streams = demonstration()
    streams.chunks = chunks(begin_s=2.0)
    assert align(streams, GridOptions(10.0)).plan_q_rad is None


def test_steps_are_ignored_from_begin_to_end() -> None:
    streams = demonstration()
    streams.ignored = [(START_S + 0.5, START_S + 1.0), (START_S + 2.5, float('inf'))]
    found = align(streams, GridOptions(10.0))
    since_s = np.round(found.timestamps_s - START_S, 6)
    np.testing.assert_array_equal(found.ignore, ((since_s >= 0.5) & (since_s < 1.0)) | (since_s >= 2.5))


def without(name: str, begin_s: float, end_s: float) -> Streams:
    """The demonstration with a camera that was silent for a while."""
    streams = demonstration()
    whole, streams.cameras[name] = streams.cameras[name], FrameTrack()
    for k, time_s in enumerate(whole.times_s):
        if not begin_s < time_s - START_S < end_s:
            streams.cameras[name].add(time_s, k, str(k).encode())
    return streams


def test_steps_without_a_frame_near_are_ignored_and_reported() -> None:
    found = align(without('front', 1.0, 1.3), GridOptions(10.0))
    report = found.report.cameras['front']
    assert 0 < report.far_steps == found.ignore.sum() <= 3
    ((begin_s, length_s),) = report.stream.gaps_s
    assert begin_s == pytest.approx(START_S + 1.0, abs=0.04)
    assert length_s == pytest.approx(0.3, abs=0.07)


def test_a_camera_that_is_silent_for_too_long_is_refused() -> None:
    with pytest.raises(DatasetError, match=r"camera 'front': \d+ of \d+ steps have no frame within 0\.050 s"):
        align(without('front', 1.0, 2.0), GridOptions(10.0))


def test_silent_joints_are_refused() -> None:
    streams = demonstration()
    streams.joints = type(streams.joints)()
    for time_s in times(100.0):
        if not 1.0 < time_s - START_S < 1.5:
            streams.joints.add([*PANDA.arm_joints, *FINGERS], [*q_rad(time_s), 0.04, 0.04], time_s)
    with pytest.raises(DatasetError, match=r'joint panda_joint1: nothing was heard for 0\.[45]\d\d s'):
        align(streams, GridOptions(10.0))


def test_a_clock_that_was_set_is_refused() -> None:
    streams = demonstration()
    streams.joints.add(PANDA.arm_joints, PANDA.home_rad, 5.0)
    with pytest.raises(DatasetError, match='joint_states: its stamps jump back'):
        align(streams, GridOptions(10.0))


@pytest.mark.parametrize('empty', [{}, {'front': FrameTrack()}])
def test_without_pictures_there_is_no_episode(empty: dict[str, FrameTrack]) -> None:
    streams = demonstration()
    streams.cameras = empty
    with pytest.raises(DatasetError, match='camera'):
        align(streams, GridOptions(10.0))


def test_the_report_counts_skew_repeats_and_frozen_frames() -> None:
    streams = demonstration()
    frozen = streams.cameras['wrist'] = FrameTrack(offset_s=0.02)
    for k, time_s in enumerate(times(15.0, 0.1)):
        frozen.add(time_s + 0.02, k, b'same' if 10 <= k < 13 else str(k).encode())
    found = align(streams, GridOptions(30.0))
    camera = found.report.cameras['wrist']
    assert camera.stream.rate_hz == pytest.approx(15.0)
    assert camera.offset_s == 0.02
    assert sum(camera.skew_counts) == found.report.steps == len(found.timestamps_s)
    assert camera.repeated_steps == pytest.approx(len(found.timestamps_s) / 2, abs=1)
    assert (camera.frozen_frames, camera.longest_frozen_s) == (2, pytest.approx(2 / 15))
    assert found.report.streams['joint_states'].rate_hz == pytest.approx(100.0)
    assert json.loads(json.dumps(found.report.to_json()))['cameras']['wrist']['frozen_frames'] == 2


def test_a_known_latency_moves_the_frames() -> None:
    late = demonstration()
    late.cameras['front'] = FrameTrack(offset_s=0.05)
    for k, time_s in enumerate(times(30.0, 0.04)):
        late.cameras['front'].add(time_s + 0.05, k, str(k).encode())
    found, wanted = align(late, GridOptions(10.0)), align(demonstration(), GridOptions(10.0))
    assert found.frames['front'] == wanted.frames['front']


def test_a_rate_is_that_of_the_clock_not_of_its_ticks() -> None:
    """A camera of 30 Hz on a clock that ticks every 5 ms has periods of 30 and 35 ms, and maybe a gap."""
    times_s = 0.005 * np.floor(np.arange(300) / 30.0 / 0.005)
    assert stream_report(times_s).rate_hz == pytest.approx(30.0, rel=0.002)
    paused = stream_report(np.concatenate([times_s, times_s + 60.0]))
    assert paused.rate_hz == pytest.approx(30.0, rel=0.002) and len(paused.gaps_s) == 1
