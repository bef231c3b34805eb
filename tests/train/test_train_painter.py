# SPDX-License-Identifier: Apache-2.0
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from genima.cameras.model import CameraModel, MountedCamera
from genima.contract.spec import PolicySpec
from genima.episodes.episode import Episode
from genima.episodes.store import write_episode
from genima.errors import DatasetError, PolicyError
from genima.evaluate.painter_error import measure_painter
from genima.painter.painter import Painter
from genima.painter.pipeline import build_pipeline
from genima.robots.profile import RobotProfile
from genima.train.autoencoder import Latents, autoencoder_loss, fit_scale
from genima.train.draws import Order
from genima.train.painter import SmallPainter, denoising_loss, polish_loss, train_painter
from genima.train.recipe import StageRecipe
from genima.train.samples import as_images, as_views, load_samples
from genima.train.workshop import Machine, Workshop

STEPS = 4


def camera(name: str, parent: str, x_m: float) -> MountedCamera:
    """Return a camera that looks at the arm from the front, or along the hand."""
    K = np.array([[110.0, 0, 63.5], [0, 110.0, 63.5], [0, 0, 1]])
    T = np.eye(4)
    if parent == 'panda_link0':
        T[:3, :3] = np.array([[0, 0, -1], [1, 0, 0], [0, -1, 0]])
        T[:3, 3] = x_m, 0.0, 0.5
    return MountedCamera(CameraModel(name, 128, 128, K, np.zeros(0), 'pinhole'), parent, T)


def episode(profile: RobotProfile, seed: int, **changes) -> Episode:
    rng = np.random.default_rng(seed)
    q = profile.home_rad + rng.uniform(-0.2, 0.2, (STEPS, 7))
    names = {'front': 'panda_link0', 'left_shoulder': 'panda_link0', 'right_shoulder': 'panda_link0', 'wrist': 'panda_hand'}
    values = {
        'timestamps_s': 0.1 * np.arange(STEPS),
        'views': {name: rng.integers(90, 110, (STEPS, 128, 128, 3), dtype=np.uint8) for name in names},
        'q_rad': q,
        'gripper_open': np.ones(STEPS),
        'q_command_rad': q,
        'gripper_command_open': np.ones(STEPS),
        'plan_q_rad': q[:, None] + 0.01 * np.arange(1, 13)[None, :, None],
        'plan_gripper_open': np.ones((STEPS, 12)),
        'cameras': {name: camera(name, parent, 1.5) for name, parent in names.items()},
        'metadata': {'robot': 'panda', 'joint_names': list(profile.arm_joints), 'rate_hz': 10.0},
    }
    return Episode(**{**values, **changes})


@pytest.fixture(scope='module')
def profile() -> RobotProfile:
    return RobotProfile.load('panda')


@pytest.fixture(scope='module')
def spec(profile: RobotProfile) -> PolicySpec:
    return PolicySpec.from_recipe('small', profile)


@pytest.fixture(scope='module')
def tiny(spec: PolicySpec) -> PolicySpec:
    """A quarter of the pixels: steps of training are what takes the time here."""
    return replace(spec, view_size_px=64)


@pytest.fixture(scope='module')
def data(profile: RobotProfile, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp('data')
    for seed in range(2):
        write_episode(folder / f'episode_{seed:06d}.h5', episode(profile, seed))
    return folder


def test_label_is_the_plan_at_the_horizon(data: Path, spec: PolicySpec, profile: RobotProfile) -> None:
    samples = load_samples(data, spec, profile, every=2)
    first = episode(profile, 0)
    assert len(samples) == 4 and len(samples.cameras) == 1
    np.testing.assert_allclose(samples.target_q_rad[1], first.plan_q_rad[2, spec.horizon_steps - 1], atol=1e-6)
    np.testing.assert_array_equal(samples.views[1, 0], first.views['front'][2])
    assert (samples.target_views(0) != samples.views[0]).any(axis=(1, 2, 3))[:3].all()


def test_images_and_back(data: Path, spec: PolicySpec, profile: RobotProfile) -> None:
    samples = load_samples(data, spec, profile, limit=1)
    np.testing.assert_array_equal(as_views(spec, as_images(spec, samples.views[0])), samples.views[0])
    assert samples.images([0, 1]).shape == samples.targets([0, 1]).shape == (2, 256, 256, 3)


def test_refuses_what_does_not_fit(tmp_path: Path, spec: PolicySpec, profile: RobotProfile) -> None:
    good = episode(profile, 0)
    write_episode(tmp_path / 'a' / 'episode_000000.h5', episode(profile, 0, views={'front': good.views['front']}))
    with pytest.raises(DatasetError, match='left_shoulder'):
        load_samples(tmp_path / 'a', spec, profile)
    short = {'plan_q_rad': good.plan_q_rad[:, :5], 'plan_gripper_open': good.plan_gripper_open[:, :5]}
    write_episode(tmp_path / 'b' / 'episode_000000.h5', episode(profile, 0, **short))
    with pytest.raises(DatasetError, match='5 steps, 10 are needed'):
        load_samples(tmp_path / 'b', spec, profile)


def workshop(policy: Path, seed: int = 0, seen: list[str] | None = None) -> Workshop:
    report = (lambda *what: None) if seen is None else (lambda stage, share, figures: seen.append(stage))
    return Workshop(Machine('cpu', 'auto', 1), policy / 'training', policy / 'training' / 'p.jsonl', seed, True, report)


def steps(count: int) -> SmallPainter:
    return SmallPainter(*(StageRecipe(steps=count, batch=2, learning_rate=1e-3, evaluations=1) for _ in range(3)))


def test_every_loss_reaches_what_it_trains(data: Path, tiny: PolicySpec, profile: RobotProfile) -> None:
    samples, pipeline = load_samples(data, tiny, profile), build_pipeline(tiny)
    draw = Order(len(samples), 'any', 0).draw(0, 2, torch.device('cpu'))
    autoencoder_loss(pipeline.vae, samples)(draw).backward()
    assert all(each.grad is not None for each in pipeline.vae.parameters())
    fit_scale(pipeline.vae, samples, draw.device, 0)
    latents = Latents(pipeline.vae, samples, draw.device)
    values, masks = latents(np.array([0, 3]))
    assert values.shape == (2, 8, 16, 16) and masks.shape == (2, 1, 16, 16) and set(masks.unique().tolist()) == {0, 1}
    for make in (denoising_loss, polish_loss):
        make(pipeline, samples, latents)(draw).backward()
        for part in (pipeline.unet, pipeline.controlnet):
            assert all(each.grad is not None and each.grad.isfinite().all() for each in part.parameters())
            part.zero_grad()


def test_trains_saves_resumes_and_is_measured(data: Path, tiny: PolicySpec, profile: RobotProfile, tmp_path: Path) -> None:
    seen: list[str] = []
    policy = tmp_path / 'policy'
    for _ in range(2):
        train_painter(data, policy, tiny, steps(1), workshop(policy, seen=seen))
    assert {'autoencoder', 'painter', 'polish'} <= set(seen)
    assert seen.count('polish') == 2, 'one loss and one evaluation: the second run had nothing left to do'
    assert (policy / 'training' / 'samples' / 'polish_seen_painted_meant_0000001.png').is_file()
    figures = measure_painter(Painter.load(policy), profile, data, limit=2)
    assert figures['n'] > 10 and figures['images'] == 2
    assert set(figures['per_camera']) == set(tiny.cameras)
    assert 0 <= figures['missed_share'] <= 1


def test_begins_with_a_painter_that_is_there(data: Path, tiny: PolicySpec, tmp_path: Path) -> None:
    """With a budget of no step, what is written is what the training began with."""
    for name, before in (('fresh', None), ('tuned', tmp_path / 'fresh')):
        train_painter(data, tmp_path / name, tiny, steps(0), workshop(tmp_path / name, seed=len(name)), before)
    first, second = (tmp_path / name / 'painter' / 'unet' for name in ('fresh', 'tuned'))
    weights, after = (load_file(each / 'diffusion_pytorch_model.safetensors') for each in (first, second))
    assert all(torch.allclose(weights[name], after[name], atol=1e-3) for name in weights)
    config = tmp_path / 'fresh' / 'painter' / 'scheduler' / 'scheduler_config.json'
    config.write_text(config.read_text().replace('"sample"', '"epsilon"'))
    with pytest.raises(PolicyError, match='epsilon'):
        train_painter(data, tmp_path / 'other', tiny, steps(0), workshop(tmp_path / 'other'), tmp_path / 'fresh')
