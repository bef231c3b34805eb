# SPDX-License-Identifier: Apache-2.0
"""Stable Diffusion's real classes with few random weights: what is trained changes, and nothing else."""

import shutil
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
import torch
from base_models import KINDS, make_base
from diffusers import DDPMScheduler
from made_episodes import made, write
from safetensors.torch import load_file

from genima.contract.base import BaseModel
from genima.contract.spec import PolicySpec
from genima.errors import ContractError, PolicyError
from genima.evaluate.painter_error import measure_painter
from genima.painter.base import find_base, load_base, painter_source
from genima.painter.painter import Painter
from genima.painter.parts import load_scheduler
from genima.robots.profile import RobotProfile
from genima.train.conditions import color_jitter
from genima.train.draws import Order
from genima.train.finetune import finetune, finetuning_loss, networks_of, prepare
from genima.train.loop import Stage
from genima.train.recipe import Augmentation, FineTuning, StageRecipe
from genima.train.samples import load_samples
from genima.train.workshop import Machine, Workshop

FILES = {'text_encoder': 'model.safetensors'}
CPU = torch.device('cpu')
LORA = pytest.param('lora', marks=pytest.mark.skipif(not find_spec('peft'), reason='peft is not installed'))
CHANGED = {'controlnet': (), 'lora': ('unet',), 'unet': ('unet',), 'all': ('unet', 'vae', 'text_encoder')}


@pytest.fixture(scope='module')
def spec(panda: RobotProfile) -> PolicySpec:
    """One view of 64 pixels: steps of training are what takes the time here."""
    return replace(PolicySpec.from_recipe('one_camera', panda), view_size_px=64)


@pytest.fixture(scope='module')
def data(panda: RobotProfile, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write(tmp_path_factory.mktemp('data'), made(panda, 0), made(panda, 1))


@pytest.fixture(scope='module')
def bases(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp('bases')
    return {kind: make_base(folder / kind, kind) for kind in KINDS}


def workshop(folder: Path, precision: str = 'no', resume: bool = True) -> Workshop:
    return Workshop(Machine('cpu', precision, 1), folder / 'training', folder / 'training' / 'painter.jsonl', 0, resume)


def recipe(train: str = 'controlnet', steps: int = 20, **values) -> FineTuning:
    stage = StageRecipe(steps=steps, batch=2, learning_rate=1e-3, schedule='constant', warmup_steps=0, ema=0.0)
    return FineTuning(train=train, stage=stage, **{'gradient_checkpointing': False, **values})


def weights(folder: Path, part: str) -> dict[str, torch.Tensor]:
    return load_file(folder / part / FILES.get(part, 'diffusion_pytorch_model.safetensors'))


def same(one: dict[str, torch.Tensor], other: dict[str, torch.Tensor]) -> list[bool]:
    return [torch.equal(value, other[name].to(value.dtype)) for name, value in one.items()]


@pytest.mark.parametrize('kind', KINDS)
def test_a_base_is_fine_tuned_and_paints(
    kind: str, data: Path, spec: PolicySpec, panda: RobotProfile, bases: dict[str, Path], tmp_path: Path
) -> None:
    made_spec = finetune(data, tmp_path, spec, find_base(str(bases[kind])), recipe(), workshop(tmp_path))
    for part in ('unet', 'vae', 'text_encoder'):
        assert all(same(weights(bases[kind], part), weights(tmp_path / 'painter', part))), part
    objective = KINDS[kind][2]['prediction_type']
    assert made_spec.base_model.trained == ('controlnet',) and made_spec.base_model.objective == objective
    assert made_spec.base_model.name == kind and set(made_spec.base_model.sha256) == {'unet', 'vae', 'text_encoder'}
    again = PolicySpec.load(tmp_path)
    assert again == made_spec and again.hash() == made_spec.hash() != spec.hash()
    zero = weights(tmp_path / 'painter', 'controlnet')['controlnet_mid_block.weight']
    assert zero.abs().max() > 0, 'the zero convolutions have learned'
    for steps in (1, 4):
        painter = Painter(replace(again, inference_steps=steps), Painter.load(tmp_path).pipeline)
        assert measure_painter(painter, panda, data, limit=2)['images'] == 2


@pytest.mark.parametrize('train', ['controlnet', LORA, 'unet', 'all'])
def test_only_what_is_trained_changes_and_the_loss_falls(
    train: str, data: Path, spec: PolicySpec, panda: RobotProfile, bases: dict[str, Path], tmp_path: Path
) -> None:
    shop, how, samples = workshop(tmp_path), recipe(train, 20), load_samples(data, spec, panda)
    source = find_base(str(bases['sd-turbo']))
    pipeline = prepare(load_base(source), source, how, shop)
    parts = {name: getattr(pipeline, name) for name in ('controlnet', 'unet', 'vae', 'text_encoder')}
    before = {name: {key: each.clone() for key, each in part.state_dict().items()} for name, part in parts.items()}
    loss, order = finetuning_loss(pipeline, samples, how, CPU), Order(len(samples), 'x', 0)

    def on_fixed_batch(other: object = None) -> torch.Tensor:
        return loss(order.draw(0, 2, CPU))  # a draw is used up: a new one has the same noise

    first = float(on_fixed_batch().detach())
    Stage('finetune', networks_of(pipeline, how), how.stage, shop, len(samples)).run(on_fixed_batch)
    assert float(on_fixed_batch().detach()) < 0.9 * first
    changed = {
        name: [key for key, value in part.state_dict().items() if not torch.equal(value, before[name][key])]
        for name, part in parts.items()
    }
    assert {name for name, keys in changed.items() if keys} == {'controlnet', *CHANGED[train]}
    assert train != 'lora' or all('lora_' in key for key in changed['unet'])
    assert all(key.startswith(('decoder.', 'post_quant_conv.')) for key in changed['vae']), 'latents stay what they were'


@pytest.mark.skipif(not find_spec('peft'), reason='peft is not installed')
def test_an_addition_to_the_unet_is_saved_beside_it_and_gone_on_with(
    data: Path, spec: PolicySpec, bases: dict[str, Path], tmp_path: Path
) -> None:
    first, second = tmp_path / 'first', tmp_path / 'second'
    made_spec = finetune(data, first, spec, find_base(str(bases['sd15'])), recipe('lora', 2), workshop(first))
    assert made_spec.base_model.trained == ('controlnet', 'lora') and 'unet' in made_spec.base_model.sha256
    assert all(same(weights(bases['sd15'], 'unet'), weights(first / 'painter', 'unet')))
    views = np.full((1, 64, 64, 3), 90, dtype=np.uint8)
    painted = Painter.load(first, dtype=torch.float32).paint(views)
    more = finetune(data, second, spec, painter_source(first, made_spec.base_model), recipe('lora', 0), workshop(second))
    assert more.base_model == made_spec.base_model
    repainted = Painter.load(second, dtype=torch.float32).paint(views)
    assert np.abs(repainted.astype(int) - painted).max() <= 1, 'no step was taken'
    shutil.rmtree(first / 'painter' / 'unet_lora')
    with pytest.raises(ContractError, match='lacks unet_lora'):
        Painter.load(first)


def test_a_policy_may_refer_to_its_base_and_is_held_against_it(
    data: Path, spec: PolicySpec, bases: dict[str, Path], tmp_path: Path
) -> None:
    base = shutil.copytree(bases['sd15'], tmp_path / 'base')
    policy = tmp_path / 'policy'
    finetune(data, policy, spec, find_base(str(base)), recipe(steps=1), workshop(policy), whole=False)
    assert not (policy / 'painter' / 'unet').exists()
    Painter.load(policy)
    make_base(tmp_path / 'other', 'sd15', seed=5)
    shutil.copy(tmp_path / 'other' / 'vae' / 'diffusion_pytorch_model.safetensors', base / 'vae')
    with pytest.raises(ContractError, match='is not the vae that this painter was trained with'):
        Painter.load(policy)
    shutil.rmtree(base)
    with pytest.raises(PolicyError, match='change the path in that file'):
        Painter.load(policy)


def test_another_objective_than_the_contract_says_is_refused(
    data: Path, spec: PolicySpec, bases: dict[str, Path], tmp_path: Path
) -> None:
    finetune(data, tmp_path, spec, find_base(str(bases['sd-turbo'])), recipe(steps=1), workshop(tmp_path))
    config = tmp_path / 'painter' / 'scheduler' / 'scheduler_config.json'
    config.write_text(config.read_text().replace('"epsilon"', '"v_prediction"'))
    with pytest.raises(ContractError, match="predicts 'v_prediction', the contract 'epsilon'"):
        Painter.load(tmp_path)


def test_stopped_and_resumed_equals_uninterrupted(
    data: Path, spec: PolicySpec, bases: dict[str, Path], tmp_path: Path
) -> None:
    whole, parts = tmp_path / 'whole', tmp_path / 'parts'
    vary = {'augmentation': Augmentation(0.2, 0.2, 0.1, 0.05, shift_px=2), 'prompt_dropout': 0.5}
    source = find_base(str(bases['sd-turbo']))
    finetune(data, whole, spec, source, recipe(steps=6, **vary), workshop(whole))
    for steps in (3, 6):  # the schedule is constant: a shorter budget is the longer one stopped
        finetune(data, parts, spec, source, recipe(steps=steps, **vary), workshop(parts))
    assert all(same(weights(whole / 'painter', 'controlnet'), weights(parts / 'painter', 'controlnet')))


@pytest.mark.parametrize('kind', KINDS)
def test_training_sees_latents_as_the_scheduler_shows_them_at_run_time(kind: str, bases: dict[str, Path]) -> None:
    source = find_base(str(bases[kind]))
    clean, noise = torch.randn(2, 1, 4, 8, 8)
    for step in (1, 2):
        scheduler = load_scheduler(source.folders['scheduler'])
        noising = DDPMScheduler.from_config(scheduler.config)
        scheduler.set_timesteps(4)
        time = scheduler.timesteps[step]
        theirs = scheduler.scale_model_input(scheduler.add_noise(clean, noise, time[None]), time)
        torch.testing.assert_close(noising.add_noise(clean, noise, time[None].long()), theirs, atol=2e-3, rtol=0)


def test_colors_vary_on_the_condition_within_their_range() -> None:
    draw = Order(4, 'x', 0).draw(0, 4, CPU)
    images = torch.rand(4, 3, 8, 8) * 0.5 + 0.25
    assert torch.equal(color_jitter(draw, images, Augmentation()), images)
    varied = color_jitter(draw, images, Augmentation(0.2, 0.2, 0.1, 0.05))
    assert 0.01 < (varied - images).abs().mean() < 0.2
    turned = color_jitter(draw, images, Augmentation(hue=0.5))
    luma = torch.tensor([0.299, 0.587, 0.114])[:, None, None]
    torch.testing.assert_close((turned * luma).sum(1), (images * luma).sum(1), atol=0.05, rtol=0)
    assert (turned - images).abs().max() > 0.05


@pytest.mark.parametrize(
    'base, words', [('nowhere', 'no such folder'), ('some/model', 'with --revision'), ('.', 'has no unet')]
)
def test_nothing_is_downloaded_unless_asked_for(base: str, words: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(Path(__file__).parent)
    with pytest.raises(PolicyError, match=words):
        find_base(base)


@pytest.mark.parametrize('values', [{'name': 'x'}, {'name': 'x', 'trained': ['soup'], 'objective': 'epsilon'}, 3])
def test_a_base_that_says_nothing_is_refused(values: object) -> None:
    with pytest.raises(ContractError, match='base_model'):
        BaseModel.from_plain(values)
