# SPDX-License-Identifier: Apache-2.0
"""Both networks of a policy from a base model: trained apart, together, gone on with; and a ControlNet from elsewhere."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from base_models import make_base
from diffusers import DDPMScheduler
from made_episodes import made, write
from safetensors.torch import save_file
from transformers import CLIPTextConfig, CLIPTextModel

from genima.contract.spec import PolicySpec
from genima.controller.controller import Controller
from genima.controller.encoder import ViewEncoder
from genima.controller.resnet import MEAN, STD, load_imagenet
from genima.errors import PolicyError
from genima.painter.base import find_base
from genima.painter.foreign import import_controlnet
from genima.painter.painter import Painter
from genima.policy.local import LocalPolicy
from genima.robots.profile import RobotProfile
from genima.train.controller import ControllerTraining, Network, train_controller
from genima.train.finetune import finetune
from genima.train.joint import JointTuning, clean_latents, to_views, train_joint
from genima.train.recipe import FineTuning, StageRecipe
from genima.train.samples import as_images
from genima.train.workshop import Machine, Workshop

SMALL = Network(width=8, stages=4, dim=32, feedforward=32, latent_dim=4)


@pytest.fixture(scope='module')
def spec(panda: RobotProfile) -> PolicySpec:
    """The page's layout, one view of 64 pixels."""
    page = PolicySpec.from_recipe('page', panda)
    return replace(page, cameras=('front',), view_size_px=64, inference_steps=1)


@pytest.fixture(scope='module')
def data(panda: RobotProfile, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write(tmp_path_factory.mktemp('data'), made(panda, 0))


@pytest.fixture(scope='module')
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_base(tmp_path_factory.mktemp('base') / 'sd15', 'sd15')


def workshop(policy: Path) -> Workshop:
    return Workshop(Machine('cpu', 'no', 1), policy / 'training', policy / 'training' / 'log.jsonl')


def stage(steps: int = 2) -> StageRecipe:
    return StageRecipe(steps=steps, batch=2, learning_rate=1e-3, warmup_steps=0, ema=0.0, evaluations=0)


@pytest.fixture(scope='module')
def policy(base: Path, data: Path, spec: PolicySpec, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp('policy')
    finetune(data, folder, spec, find_base(str(base)), FineTuning(stage=stage()), workshop(folder))
    training = ControllerTraining(stage(), points=8, imagined=0, network=SMALL, text_encoder=str(base))
    train_controller(data, folder, PolicySpec.load(folder), training, workshop(folder))
    return folder


def test_a_controller_with_clip_text_and_a_cvae_is_saved_and_acts(policy: Path, spec: PolicySpec) -> None:
    loaded = LocalPolicy.load(policy)
    config = loaded.controller.model.config
    assert (config.text_dim, config.texts, config.latent_dim) == (768, 1, 4)
    assert loaded.controller.model.texts.abs().max() > 0
    views = np.zeros((1, 64, 64, 3), dtype=np.uint8)
    chunk = loaded.controller.act(loaded.painter.paint(views), loaded.profile.home_rad, 1.0, 0.1)
    assert chunk.q_rad.shape == (spec.chunk_steps, 7) and np.isfinite(chunk.q_rad).all()


def test_together_both_change_and_the_contract_stays(policy: Path, data: Path) -> None:
    before, contract = LocalPolicy.load(policy), PolicySpec.load(policy)
    after_spec = train_joint(data, policy, JointTuning(stage=stage()), workshop(policy))
    after = LocalPolicy.load(policy)
    assert after_spec == contract == after.spec
    for one, other in ((before.painter.pipeline.controlnet, after.painter.pipeline.controlnet),
                       (before.controller.model, after.controller.model)):  # fmt: skip
        values = other.state_dict()
        assert any(not torch.equal(value, values[name]) for name, value in one.state_dict().items())
    unet = after.painter.pipeline.unet.state_dict()
    assert all(torch.equal(value, unet[name]) for name, value in before.painter.pipeline.unet.state_dict().items())


def test_a_controller_is_gone_on_with(data: Path, panda: RobotProfile, tmp_path: Path) -> None:
    spec = replace(PolicySpec.from_recipe('one_camera', panda), view_size_px=64)
    training = ControllerTraining(stage(0), points=8, imagined=0, network=SMALL)
    first, second = tmp_path / 'first', tmp_path / 'second'
    train_controller(data, first, spec, training, workshop(first))
    train_controller(data, second, replace(spec, instruction='stack'), training, workshop(second), pretrained=first)
    one, other = Controller.load(first), Controller.load(second)
    assert one.normalizer.to_dict() == other.normalizer.to_dict() and other.instructions == ('stack',)
    assert all(torch.equal(value, other.model.state_dict()[name]) for name, value in one.model.state_dict().items())


def test_a_controlnet_from_elsewhere_becomes_a_painter(base: Path, spec: PolicySpec, policy: Path, tmp_path: Path) -> None:
    there = policy / 'painter' / 'controlnet'
    made_spec = import_controlnet(there, find_base(str(base)), tmp_path / 'new', spec, whole=False)
    assert made_spec.base_model.trained == ('controlnet',) and made_spec.base_model.objective == 'epsilon'
    Painter.load(tmp_path / 'new').paint(np.zeros((1, 64, 64, 3), dtype=np.uint8))
    other = make_base(tmp_path / 'turbo', 'sd-turbo')
    with pytest.raises(PolicyError, match='cross_attention_dim'):
        import_controlnet(there, find_base(str(other)), tmp_path / 'wrong', spec)


@pytest.mark.parametrize('kind', ['epsilon', 'v_prediction', 'sample'])
def test_a_right_prediction_means_the_clean_latents(kind: str) -> None:
    noising = DDPMScheduler(prediction_type=kind)
    clean, noise, time = torch.randn(3, 4, 8, 8), torch.randn(3, 4, 8, 8), torch.tensor([1, 200, 499])
    noisy = noising.add_noise(clean, noise, time)
    right = {'epsilon': noise, 'v_prediction': noising.get_velocity(clean, noise, time), 'sample': clean}[kind]
    torch.testing.assert_close(clean_latents(noising, noisy, time, right), clean, atol=1e-3, rtol=0)


@pytest.mark.parametrize('tiling', ['tiled', 'per_view'])
def test_painted_tensors_become_views_as_images_do(tiling: str, small_spec: PolicySpec) -> None:
    spec = replace(small_spec, tiling=tiling, cameras=('a', 'b', 'c'), hidden={}, view_size_px=8)
    views = np.random.default_rng(0).integers(0, 255, (3, 8, 8, 3), dtype=np.uint8)
    images = torch.from_numpy(as_images(spec, views)).permute(0, 3, 1, 2)
    assert torch.equal(to_views(spec, images)[0], torch.from_numpy(views).permute(0, 3, 1, 2))


def _resnet18() -> dict[str, torch.Tensor]:
    """Return random weights under torchvision's names."""
    names = {'stem': 'conv1', 'norm1': 'bn1', 'norm2': 'bn2', 'shortcut': 'downsample', 'norm': 'bn1'}
    values = {}
    for name, value in ViewEncoder(64, 4, 8).state_dict().items():
        parts = name.split('.')
        if 'film' in parts:
            continue
        if parts[0] == 'blocks':
            number = int(parts[1])
            parts = [f'layer{number // 2 + 1}', str(number % 2), *parts[2:]]
        name = '.'.join(names.get(part, part) for part in parts)
        values[name] = torch.rand_like(value) if value.is_floating_point() else value
    return {**values, 'fc.weight': torch.rand(1000, 512)}


def test_imagenet_weights_see_our_images_as_they_saw_theirs(tmp_path: Path) -> None:
    weights = _resnet18()
    save_file(weights, tmp_path / 'resnet18.safetensors')
    encoder = ViewEncoder(64, 4, 8).eval()
    load_imagenet(encoder, tmp_path / 'resnet18.safetensors')
    image = torch.rand(1, 3, 32, 32)
    theirs = (image - torch.tensor(MEAN)[:, None, None]) / torch.tensor(STD)[:, None, None]
    stem = torch.nn.functional.conv2d(theirs, weights['conv1.weight'], stride=2, padding=3)
    norm = torch.nn.functional.batch_norm(
        stem, weights['bn1.running_mean'], weights['bn1.running_var'], weights['bn1.weight'], weights['bn1.bias']
    )
    ours = encoder.norm(encoder.stem(image * 2 - 1))
    torch.testing.assert_close(ours[..., 2:-2, 2:-2], norm[..., 2:-2, 2:-2], atol=1e-3, rtol=1e-3)
    with pytest.raises(PolicyError, match='width 64'):
        load_imagenet(ViewEncoder(32, 4, 8), tmp_path / 'resnet18.safetensors')
    with pytest.raises(PolicyError, match='pickle'):
        load_imagenet(encoder, tmp_path / 'resnet18.pth')


def test_a_text_model_with_its_tokenizer_is_needed(tmp_path: Path) -> None:
    from genima.controller.text import embed_texts

    CLIPTextModel(CLIPTextConfig(vocab_size=99, hidden_size=8, intermediate_size=8, num_hidden_layers=1,
                                 num_attention_heads=1)).save_pretrained(tmp_path)  # fmt: skip
    with pytest.raises(PolicyError, match='whole CLIP text model'):
        embed_texts(tmp_path, ['pick'])
