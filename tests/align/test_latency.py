# SPDX-License-Identifier: Apache-2.0
"""Latencies of simulated cameras are found to five milliseconds, and what cannot be told is said to be so."""

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import mujoco
import numpy as np
import pytest

from genima.align.joints import JointTrack
from genima.align.latency import estimate, read_offsets, small_grey
from genima.cameras.model import MountedCamera
from genima.errors import DatasetError
from genima.robots.profile import RobotProfile
from genima.sim.simulation import Simulation

PANDA = RobotProfile.load('panda')
SEARCH_S = (-0.03, 0.1)
SIZE_PX = 128
DURATION_S = 7.0
KNOT_S = 0.02


class Motion(NamedTuple):
    """A camera's frames while the arm moves, and the joints."""

    camera: MountedCamera
    joints: JointTrack
    times_s: np.ndarray
    frames: np.ndarray


def motion_rad(start_rad: np.ndarray) -> np.ndarray:
    """Slow and faster swings of every joint, (T, 7), that grow within the first second."""
    times_s = np.arange(0.0, DURATION_S + 1.0, KNOT_S)
    rng = np.random.default_rng(0)
    size_rad = np.array([0.3, 0.16, 0.18, 0.18, 0.2, 0.2, 0.25])
    slow, fast = (np.sin(2 * np.pi * rng.uniform(*span, 7) * times_s[:, None]) for span in ((0.15, 0.4), (0.5, 0.9)))
    return start_rad + size_rad * (0.5 * slow + 0.35 * fast) * np.minimum(times_s, 1.0)[:, None]


def filmed(name: str) -> Motion:
    simulation = Simulation(PANDA, seed=3, render=False)
    q_rad = motion_rad(simulation.q_rad.copy())
    v_rad_s = np.gradient(q_rad, KNOT_S, axis=0)
    v_rad_s[-1] = 0.0
    simulation.controller.set_trajectory(0.0, 1e-4, KNOT_S * np.arange(1, len(q_rad)), q_rad[1:], v_rad_s[1:])
    renderer = mujoco.Renderer(simulation.model, SIZE_PX, SIZE_PX)
    renderer.scene.flags[mujoco.mjtRndFlag.mjRND_SHADOW] = False
    joints, times_s, frames = JointTrack(), [], []
    for tick in range(round(DURATION_S * 100)):  # joints at 100 Hz, a frame at most every 30 ms
        simulation.step_to(0.01 * tick)
        joints.add(PANDA.arm_joints, simulation.q_rad, simulation.time_s)
        if tick % 3 == 0:
            mujoco.mj_forward(simulation.model, simulation.data)  # a step leaves poses and pictures one step behind
            renderer.update_scene(simulation.data, camera=name)
            frames.append(small_grey(renderer.render()))
            times_s.append(simulation.time_s)
    renderer.close()
    return Motion(simulation.cameras[name], joints, np.array(times_s), np.stack(frames))


@pytest.fixture(scope='module')
def front() -> Iterator[Motion]:
    yield filmed('front')


@pytest.mark.parametrize('delay_s', [0.0, 0.023, 0.06])
def test_the_latency_of_a_fixed_camera_is_found(front: Motion, delay_s: float) -> None:
    found = estimate(front.camera, PANDA, front.joints, front.times_s + delay_s, front.frames, SEARCH_S)
    assert found.doubt == ''
    assert found.watched == 'arm'
    assert abs(found.offset_s - delay_s) < 0.005
    assert 0.0 < found.uncertainty_s < 0.005
    assert found.fit > 0.8


def test_differences_far_below_a_frame_are_seen(front: Motion) -> None:
    found_s = [
        estimate(front.camera, PANDA, front.joints, front.times_s + delay_s, front.frames, SEARCH_S).offset_s
        for delay_s in (0.02, 0.0225)
    ]
    assert found_s[1] - found_s[0] == pytest.approx(0.0025, abs=0.0008)


@pytest.mark.parametrize('name', ['wrist', pytest.param('right_shoulder', marks=pytest.mark.slow)])
def test_the_latency_of_other_cameras_is_found(name: str) -> None:
    motion = filmed(name)
    for delay_s in (0.0, 0.023, 0.06):
        found = estimate(motion.camera, PANDA, motion.joints, motion.times_s + delay_s, motion.frames, SEARCH_S)
        assert found.doubt == ''
        assert found.watched == ('background' if name == 'wrist' else 'arm')
        assert abs(found.offset_s - delay_s) < 0.005


def test_a_camera_that_sees_nothing_move_is_doubted(front: Motion) -> None:
    still = np.broadcast_to(front.frames[0], front.frames.shape)
    found = estimate(front.camera, PANDA, front.joints, front.times_s, still, SEARCH_S)
    assert 'moves by 0.00 pixels' in found.doubt


def test_an_arm_that_moves_otherwise_is_doubted(front: Motion) -> None:
    found = estimate(front.camera, PANDA, front.joints, front.times_s, front.frames[::-1], SEARCH_S)
    assert 'does not move as expected' in found.doubt


def test_a_camera_that_is_not_where_the_calibration_says_is_doubted(front: Motion) -> None:
    T = front.camera.T_parent_camera.copy()
    T[:3, :3] = T[:3, :3] @ np.array([[0.0, -1.0, 0.0], [1.0, 0.0, 0.0], [0.0, 0.0, 1.0]])  # turned by 90 degrees
    turned = MountedCamera(front.camera.model, front.camera.parent_link, T)
    assert estimate(turned, PANDA, front.joints, front.times_s, front.frames, SEARCH_S).doubt


def test_a_short_recording_is_refused(front: Motion) -> None:
    with pytest.raises(DatasetError, match="camera 'front': 30 frames with joints around them are too few"):
        estimate(front.camera, PANDA, front.joints, front.times_s[10:40], front.frames[10:40], SEARCH_S)


def test_large_pictures_are_made_smaller() -> None:
    assert small_grey(np.zeros((480, 640, 3), dtype=np.uint8)).shape == (240, 320)


def test_a_file_without_latencies_is_refused(tmp_path: Path) -> None:
    (tmp_path / 'a.json').write_text('{"offsets_s": {"front": 0.02}}')
    assert read_offsets(tmp_path / 'a.json') == {'front': 0.02}
    (tmp_path / 'b.json').write_text('{}')
    for name in ('b.json', 'missing.json'):
        with pytest.raises(DatasetError, match='holds no latencies'):
            read_offsets(tmp_path / name)
