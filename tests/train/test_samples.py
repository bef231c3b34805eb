# SPDX-License-Identifier: Apache-2.0
"""The painter's loader: the same targets as everywhere else, from files that need not fit into memory."""

import errno
import os
import tracemalloc
from dataclasses import replace
from pathlib import Path

import h5py
import numpy as np
import pytest
import torch
from made_episodes import HEIGHT_PX, made, write
from typer.testing import CliRunner

from genima.cameras.views import prepare, tile
from genima.cli.main import app
from genima.contract.spec import PolicySpec
from genima.contract.targets import paint_targets
from genima.errors import DatasetError
from genima.robots.profile import RobotProfile
from genima.spheres.detect import find
from genima.train.controller_data import ControllerData
from genima.train.samples import Samples, load_samples, to_tensor
from genima.train.stored_views import scratch_array


def painted(samples: Samples, index: int) -> np.ndarray:
    """Return the target views of one moment as the rest of the project draws them."""
    cameras, opening = samples.cameras_of(index), float(samples.target_open[index])
    seen = samples.spec, samples.profile, cameras, samples.views[index]
    return paint_targets(*seen, samples.q_rad[index], samples.target_q_rad[index], opening)


def test_batches_are_what_the_contract_draws(tmp_path: Path, small_spec: PolicySpec, panda: RobotProfile) -> None:
    """Also where cameras differ from episode to episode."""
    samples = load_samples(write(tmp_path, made(panda, 0), made(panda, 1, x_m=1.3)), small_spec, panda)
    assert len(samples) == 10 and len(samples.cameras) == 2
    order = [7, 0, 9, 3, 3]
    images, targets = samples.images(order), samples.targets(order)
    for row, index in enumerate(order):
        expected = painted(samples, index)
        np.testing.assert_array_equal(samples.target_views(index), expected)
        np.testing.assert_array_equal(targets[row], tile(expected))
        np.testing.assert_array_equal(images[row], tile(samples.views[index]))
    assert (images != targets).any(axis=(1, 2, 3)).all()
    assert to_tensor(images).shape == (5, 3, 256, 256)


def test_tensors_hold_every_level() -> None:
    images = np.arange(256 * 3, dtype=np.int64).reshape(1, 16, 16, 3).astype(np.uint8)
    planes = torch.from_numpy(images).permute(0, 3, 1, 2).contiguous()
    for given, expected in ((images, planes), (images[:, ::-1], planes.flip(2))):
        assert torch.equal(to_tensor(given), expected.float() / 127.5 - 1)


def test_spheres_that_touch_are_drawn_as_everywhere(tmp_path: Path, small_spec: PolicySpec, panda: RobotProfile) -> None:
    """The compiled loop leaves these to the general renderer, and cameras that are close to a sphere as well."""
    large = replace(small_spec, radius_scale={'front': 3.0}, hidden={})
    samples = load_samples(write(tmp_path, made(panda, 0)), large, panda)
    for index in range(len(samples)):
        np.testing.assert_array_equal(samples.target_views(index), painted(samples, index))


def test_views_apart_are_one_image_each(tmp_path: Path, small_spec: PolicySpec, panda: RobotProfile) -> None:
    samples = load_samples(write(tmp_path, made(panda, 0)), replace(small_spec, tiling='per_view'), panda)
    np.testing.assert_array_equal(samples.images([2, 1]), samples.views[[2, 1]].reshape(8, 128, 128, 3))


def test_views_are_prepared_as_in_deployment(tmp_path: Path, small_spec: PolicySpec, panda: RobotProfile) -> None:
    """Rectified, cut and scaled; spheres are drawn for the rectified view, not for the lens."""
    episode = made(panda, 0, distorted=True)
    small = replace(small_spec, view_size_px=96)
    samples = load_samples(write(tmp_path, episode), small, panda)
    front = episode.cameras['front'].model
    view, pinhole = prepare(episode.views['front'][3], front, 96)
    np.testing.assert_array_equal(samples.views[3, small.cameras.index('front')], view)
    assert samples.cameras_of(0)['front'].model.square(96) == pinhole
    gripper = next(sphere for sphere in small.spheres if sphere.is_gripper)
    cameras = samples.cameras_of(0)
    T = np.linalg.inv(cameras['front'].T_base_camera(panda, samples.q_rad[0]))
    centre = T[:3, :3] @ samples.scenes.T_base_sphere[0, small.spheres.index(gripper), :3, 3] + T[:3, 3]
    found = find(samples.target_views(0)[small.cameras.index('front')], [gripper.color(samples.target_open[0])])[0]
    assert found is not None
    assert np.linalg.norm(found.uv_px - pinhole.project(centre)[0]) < 1.0
    controller = ControllerData.load(tmp_path, small)
    assert controller.cameras['front'].model == front.pinhole()


def test_steps_to_ignore_are_left_out(tmp_path: Path, small_spec: PolicySpec, panda: RobotProfile) -> None:
    ignore = np.array([False, True, False, False, True])
    episode = made(panda, 0, ignore=ignore)
    samples = load_samples(write(tmp_path / 'some', episode), small_spec, panda)
    np.testing.assert_array_equal(samples.q_rad, episode.q_rad[~ignore])
    side = slice(16, 16 + HEIGHT_PX)
    np.testing.assert_array_equal(samples.views[1, 0], episode.views['front'][2][:, side])
    everything = write(tmp_path / 'all', made(panda, 0, ignore=np.ones(5, dtype=bool)))
    with pytest.raises(DatasetError, match='ignored'):
        load_samples(everything, small_spec, panda)


def test_failures_are_not_learned_from(tmp_path: Path, small_spec: PolicySpec, panda: RobotProfile) -> None:
    episodes = [made(panda, seed=seed) for seed in range(3)]
    for episode, success in zip(episodes, (True, False, None), strict=True):
        episode.metadata['success'] = success
    samples = load_samples(write(tmp_path / 'mixed', *episodes), small_spec, panda)
    assert len(samples) == 2 * len(episodes[0])
    with pytest.raises(DatasetError, match='all 1 episodes were judged failures'):
        load_samples(write(tmp_path / 'bad', episodes[1]), small_spec, panda)


def test_loading_needs_far_less_memory_than_the_views(tmp_path: Path, small_spec: PolicySpec, panda: RobotProfile) -> None:
    folder, scratch = write(tmp_path / 'data', made(panda, 0, steps=60), made(panda, 1, steps=60)), tmp_path / 'scratch'
    scratch.mkdir()
    load_samples(folder, small_spec, panda, limit=1)  # what is cached once is not counted
    tracemalloc.start()
    samples = load_samples(folder, small_spec, panda, scratch=scratch)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < samples.views.nbytes / 4, f'{peak} of {samples.views.nbytes} bytes'
    assert not list(scratch.iterdir()), 'the file has no name: nothing is left behind, whatever happens'


def test_a_full_disk_is_said_before_anything_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, 'posix_fallocate', full)
    with pytest.raises(DatasetError, match=r'4\.0 GB .*TMPDIR'):
        scratch_array((1000, 1000, 4000), tmp_path)


def test_damaged_pictures_are_a_clear_error(tmp_path: Path, small_spec: PolicySpec, panda: RobotProfile) -> None:
    black = {name: np.zeros_like(images) for name, images in made(panda, 0).views.items()}
    folder = write(tmp_path, made(panda, 0, views=black))
    path = folder / 'episode_000000.h5'
    with h5py.File(path) as file:
        place = file['observations/rgb_front'].id.get_chunk_info(2).byte_offset
    content = bytearray(path.read_bytes())
    content[place : place + 100] = b'\xff' * 100
    path.write_bytes(content)
    with pytest.raises(DatasetError, match='episode_000000'):
        load_samples(folder, small_spec, panda)


def test_data_of_another_task_or_in_other_words_are_refused(
    tmp_path: Path, small_spec: PolicySpec, panda: RobotProfile
) -> None:
    for name, value in (('task', 'stack'), ('instruction', 'pick up the blue cube')):
        episode = made(panda, 0)
        episode.metadata[name] = value
        folder = write(tmp_path / name, episode)
        for load in (lambda: load_samples(folder, small_spec, panda), lambda: ControllerData.load(folder, small_spec)):  # noqa: B023
            with pytest.raises(DatasetError, match=f'has {name} {value!r}.*genima dataset describe FOLDER --{name}'):
                load()
        words = ['dataset', 'describe', str(folder), f'--{name}', getattr(small_spec, name)]
        assert CliRunner().invoke(app, words, catch_exceptions=False).exit_code == 0
        assert len(load_samples(folder, small_spec, panda))
