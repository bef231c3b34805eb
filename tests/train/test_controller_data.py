# SPDX-License-Identifier: Apache-2.0
"""Samples of the controller's trainer: what the target shows, how old it may be, and which chunk belongs to it."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from genima.contract.spec import PolicySpec
from genima.episodes.store import write_episode
from genima.errors import DatasetError
from genima.randomize.textures import make_pool
from genima.robots.profile import RobotProfile
from genima.sim.collect import CollectConfig, record
from genima.sim.simulation import Simulation
from genima.spheres.detect import find
from genima.train.controller_data import FOLLOWED_RAD, RECOVERY_STEPS, ControllerData, draw_moments
from genima.train.controller_views import MISSED, draw_batch, draw_points


@pytest.fixture(scope='module')
def dataset(tmp_path_factory: pytest.TempPathFactory, panda: RobotProfile) -> Path:
    folder = tmp_path_factory.mktemp('episodes')
    simulation = Simulation(panda)
    for seed in range(2):
        episode = record(simulation, seed, CollectConfig(steps=16))
        episode.metadata['success'] = None  # cut short, nobody judged it
        write_episode(folder / f'episode_{seed}.h5', episode)
    return folder


def test_every_step_starts_a_chunk(dataset: Path, small_spec: PolicySpec) -> None:
    """The original kept only t = 0, 20, 40, …"""
    data = ControllerData.load(dataset, small_spec)
    assert len(data.q_rad) == len(data.plan_q_rad) >= 32
    assert (data.plan_q_rad[1] != data.plan_q_rad[0]).any()


def test_imagined_motions_are_learned_from_as_well(dataset: Path, small_spec: PolicySpec) -> None:
    data = ControllerData.load(dataset, small_spec)
    told: list[float] = []
    more = data.with_imagined('panda', range(3), small_spec, lambda stage, share, figures: told.append(share))
    assert len(more.usable) > len(data.usable) and more.usable.max() == len(more.q_rad) - 1
    assert more.plan_q_rad.shape == (len(more.q_rad), *data.plan_q_rad.shape[1:]) and len(more.oldest_age) == len(more.q_rad)
    assert told[-1] == 1.0
    draw_moments(more, small_spec, np.random.default_rng(0), 64)


def test_target_is_only_as_old_as_the_plan_was_followed(dataset: Path, small_spec: PolicySpec) -> None:
    data = ControllerData.load(dataset, small_spec)
    assert data.oldest_age.max() == small_spec.max_target_age_steps
    for row in np.flatnonzero(data.oldest_age > 0):
        age = data.oldest_age[row]
        assert np.abs(data.q_rad[row + age] - data.plan_q_rad[row, age - 1]).max() <= FOLLOWED_RAD


def test_clean_batch_is_the_recording(dataset: Path, small_spec: PolicySpec, panda: RobotProfile) -> None:
    data = ControllerData.load(dataset, small_spec)
    backgrounds = make_pool(np.random.default_rng(0), 3, 128)
    batch = draw_batch(data, small_spec, panda, backgrounds, np.random.default_rng(0), 12, clean=True)
    moments = batch.moments
    assert batch.views.shape == (12, 4, 128, 128, 3) and moments.chunk_q_rad.shape == (12, 10, 7)
    assert len(set(np.round(moments.age_share, 3))) > 2
    for q, chunk, share in zip(moments.q_rad, moments.chunk_q_rad, moments.age_share, strict=True):
        row = int(np.argmin(np.abs(data.q_rad - q).max(axis=1)))
        start = row - round(share * small_spec.max_target_age_steps)
        age = row - start
        np.testing.assert_array_equal(chunk, data.plan_q_rad[start, age : age + 10])


def test_an_arm_beside_its_plan_is_led_back_to_the_spheres(dataset: Path, small_spec: PolicySpec) -> None:
    """A chunk that adds the demonstrated movement to wherever the arm is hangs beside the cube for ever."""
    data = ControllerData.load(dataset, small_spec)
    moments = draw_moments(data, small_spec, np.random.default_rng(0), 400)
    fresh = moments.age_share == 0
    ends = moments.chunk_q_rad[fresh, small_spec.horizon_steps - 1]
    np.testing.assert_allclose(ends, moments.target_q_rad[fresh], atol=1e-12)
    clean = draw_moments(data, small_spec, np.random.default_rng(0), 400, clean=True)
    away = np.abs(moments.q_rad - clean.q_rad).max(axis=1)
    assert np.median(away) > 0.02, 'the same moments, with the arm elsewhere'
    assert (np.abs(moments.seen_q_rad - clean.seen_q_rad).max(axis=1) > 0.01).mean() > 0.7, 'the wrist camera too'
    unshifted = np.abs(moments.target_q_rad - clean.target_q_rad).max(axis=1) == 0
    back = np.abs(moments.chunk_q_rad - clean.chunk_q_rad)[unshifted].max(axis=(0, 2))
    assert (np.diff(back[:RECOVERY_STEPS]) < 0).all() and (back[RECOVERY_STEPS - 1 :] == 0).all()


def test_points_are_what_a_reader_would_see_in_the_views(
    dataset: Path, small_spec: PolicySpec, panda: RobotProfile
) -> None:
    data = ControllerData.load(dataset, small_spec)
    gray = np.full((1, 128, 128, 3), 128, dtype=np.uint8)
    batch = draw_batch(data, small_spec, panda, gray, np.random.default_rng(3), 64)
    moments, points = draw_points(data, small_spec, panda, np.random.default_rng(3), 64)
    np.testing.assert_array_equal(moments.q_rad, batch.moments.q_rad)
    truly, seen = np.isfinite(batch.sphere_uv).all(axis=-1), points[..., 2] == 1
    assert not (seen & ~truly).any() and MISSED < (truly & ~seen).sum() / truly.sum() < 3 * MISSED
    assert (truly.any(axis=2) & ~seen.any(axis=2)).any(), 'a view as a whole'
    apart_px = 64 * np.abs(points[..., :2] - batch.sphere_uv)[seen]
    assert 0.15 < np.median(apart_px) < 0.4 and (points[~seen] == 0).all()


def test_sphere_places_are_where_the_spheres_are_drawn(
    dataset: Path, small_spec: PolicySpec, panda: RobotProfile
) -> None:
    data = ControllerData.load(dataset, small_spec)
    gray = np.full((1, 128, 128, 3), 128, dtype=np.uint8)
    batch = draw_batch(data, small_spec, panda, gray, np.random.default_rng(0), 8, clean=True)
    gripper = len(small_spec.spheres) - 1  # nothing is in front of it in these scenes
    colors = [small_spec.spheres[gripper].color(opening) for opening in (0.0, 1.0)]
    apart = []
    for row, views in enumerate(batch.views):
        for view, image in enumerate(views):
            found = [each for each in find(image, colors, min_pixels=20) if each is not None]
            if found and np.isfinite(batch.sphere_uv[row, view, gripper]).all():
                uv_px = (batch.sphere_uv[row, view, gripper] + 1) / 2 * 128 - 0.5
                apart.append(min(np.linalg.norm(each.uv_px - uv_px) for each in found))
    assert len(apart) >= 8 and np.median(apart) < 0.5
    wrist = small_spec.cameras.index('wrist')
    hidden = [index for index, each in enumerate(small_spec.spheres) if each.name in small_spec.hidden['wrist']]
    assert np.isnan(batch.sphere_uv[:, wrist, hidden]).all()


def test_noisy_batches_differ(dataset: Path, small_spec: PolicySpec, panda: RobotProfile) -> None:
    data = ControllerData.load(dataset, small_spec)
    backgrounds = make_pool(np.random.default_rng(0), 3, 128)
    rng = np.random.default_rng(1)
    one, two = (draw_batch(data, small_spec, panda, backgrounds, rng, 4) for _ in range(2))
    assert (one.views != two.views).any() and np.isfinite(one.moments.q_rad).all()


def test_other_robot_rate_or_horizon_is_refused(dataset: Path, small_spec: PolicySpec) -> None:
    with pytest.raises(DatasetError, match='joints'):
        ControllerData.load(dataset, PolicySpec.from_recipe('small', RobotProfile.load('fr3')))
    with pytest.raises(DatasetError, match='steps a second'):
        ControllerData.load(dataset, replace(small_spec, control_rate_hz=20.0))
    with pytest.raises(DatasetError, match='plans'):
        ControllerData.load(dataset, replace(small_spec, horizon_steps=30))
