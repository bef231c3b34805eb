# SPDX-License-Identifier: Apache-2.0
"""Latencies of simulated cameras are found to five milliseconds, and what cannot be told is said to be so."""

from pathlib import Path

import numpy as np
import pytest
from filmed import PANDA, Motion, filmed

from genima.align.latency import Latency, estimate, read_offsets, small_grey
from genima.cameras.model import MountedCamera
from genima.errors import DatasetError

SEARCH_S = (-0.03, 0.1)


@pytest.fixture(scope='module')
def front() -> Motion:
    return filmed('front')


def latency(motion: Motion, delay_s: float) -> Latency:
    """The estimate for stamps that are late."""
    grey = np.stack([small_grey(frame) for frame in motion.frames])
    return estimate(motion.camera, PANDA, motion.joints, motion.times_s + delay_s, grey, SEARCH_S)


@pytest.mark.parametrize('delay_s', [0.0, 0.023, 0.06])
def test_the_latency_of_a_fixed_camera_is_found(front: Motion, delay_s: float) -> None:
    found = latency(front, delay_s)
    assert found.doubt == ''
    assert found.watched == 'arm'
    assert abs(found.offset_s - delay_s) < 0.005
    assert 0.0 < found.uncertainty_s < 0.005
    assert found.fit > 0.8


def test_differences_far_below_a_frame_are_seen(front: Motion) -> None:
    assert latency(front, 0.0225).offset_s - latency(front, 0.02).offset_s == pytest.approx(0.0025, abs=0.0008)


@pytest.mark.parametrize('name', ['wrist', pytest.param('right_shoulder', marks=pytest.mark.slow)])
def test_the_latency_of_other_cameras_is_found(name: str) -> None:
    motion = filmed(name)
    for delay_s in (0.0, 0.023, 0.06):
        found = latency(motion, delay_s)
        assert found.doubt == ''
        assert found.watched == ('background' if name == 'wrist' else 'arm')
        assert abs(found.offset_s - delay_s) < 0.005


def test_a_camera_that_sees_nothing_move_is_doubted(front: Motion) -> None:
    still = front._replace(frames=np.broadcast_to(front.frames[0], front.frames.shape))
    assert 'moves by 0.00 pixels' in latency(still, 0.0).doubt


def test_an_arm_that_moves_otherwise_is_doubted(front: Motion) -> None:
    assert 'does not move as expected' in latency(front._replace(frames=front.frames[::-1]), 0.0).doubt


def test_a_camera_that_is_not_where_the_calibration_says_is_doubted(front: Motion) -> None:
    T = front.camera.T_parent_camera.copy()
    T[:3, :3] = T[:3, :3] @ np.array([[0.0, -1.0, 0.0], [1.0, 0.0, 0.0], [0.0, 0.0, 1.0]])  # turned by 90 degrees
    turned = MountedCamera(front.camera.model, front.camera.parent_link, T)
    assert latency(front._replace(camera=turned), 0.0).doubt


def test_a_short_recording_is_refused(front: Motion) -> None:
    with pytest.raises(DatasetError, match="camera 'front': 30 frames with joints around them are too few"):
        latency(front._replace(times_s=front.times_s[10:40], frames=front.frames[10:40]), 0.0)


def test_large_pictures_are_made_smaller() -> None:
    assert small_grey(np.zeros((480, 640, 3), dtype=np.uint8)).shape == (240, 320)


def test_a_file_without_latencies_is_refused(tmp_path: Path) -> None:
    (tmp_path / 'a.json').write_text('{"offsets_s": {"front": 0.02}}')
    assert read_offsets(tmp_path / 'a.json') == {'front': 0.02}
    (tmp_path / 'b.json').write_text('{}')
    for name in ('b.json', 'missing.json'):
        with pytest.raises(DatasetError, match='holds no latencies'):
            read_offsets(tmp_path / name)
