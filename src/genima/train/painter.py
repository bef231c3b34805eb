# SPDX-License-Identifier: Apache-2.0
"""Train the small painter: autoencoder, then UNet and ControlNet on its latents, then all that paints, on pixels."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import torch
from diffusers import AutoencoderKL
from torch import Tensor, nn

from genima.contract.base import BaseModel
from genima.contract.spec import PolicySpec
from genima.errors import PolicyError
from genima.painter.folder import load_pipeline, save_pipeline
from genima.painter.networks import denoise
from genima.painter.pipeline import build_pipeline
from genima.painter.standard_pipeline import StableDiffusionControlNetPipeline
from genima.robots.profile import RobotProfile
from genima.train.autoencoder import Latents, autoencoder_loss, fit_scale, pixel_error
from genima.train.conditions import Prompts
from genima.train.draws import Draw
from genima.train.loop import Stage
from genima.train.recipe import StageRecipe, save_training
from genima.train.samples import Samples, load_samples, to_tensor
from genima.train.watch import Measure, Watch
from genima.train.workshop import Workshop

SPHERE_WEIGHT = 8.0
_LATENT_WEIGHT = 0.05
LAST_STEP_SHARE = 0.8


@dataclass(frozen=True)
class SmallPainter:
    """How the three stages are trained."""

    autoencoder: StageRecipe = field(default_factory=lambda: StageRecipe(minutes=12.0, batch=2, learning_rate=1.5e-3))
    painter: StageRecipe = field(default_factory=lambda: StageRecipe(minutes=60.0, batch=8, learning_rate=5e-4))
    polish: StageRecipe = field(default_factory=lambda: StageRecipe(minutes=25.0, batch=4, learning_rate=4e-4))


def train_painter(
    data: Path | str,
    policy_dir: Path | str,
    spec: PolicySpec,
    recipe: SmallPainter,
    workshop: Workshop,
    pretrained: Path | str | None = None,
    measure: Measure | None = None,
) -> Path:
    """Train all stages and write `policy_dir/painter`.

    Args:
        data: Folder of episodes.
        policy_dir: Where the painter is written.
        spec: The contract.
        recipe: How each stage is trained.
        workshop: Where, with which seed, and who is told.
        pretrained: Policy directory whose painter to begin with, also of another robot; fresh weights if None.
        measure: Held-out figures of a painter, taken while training.

    Returns:
        The painter's directory.

    Raises:
        PolicyError: if the pretrained painter is damaged or not one of this trainer, or a base model is wanted.
        DatasetError: if the episodes do not fit the contract.
        KeyboardInterrupt: after Ctrl-C; the same call goes on from there.
    """
    if spec.base_model != BaseModel():
        raise PolicyError(
            f'this policy is made from {spec.base_model.name}: name it with --base, a pipeline folder or, with --revision, '
            'an identifier on the model hub'
        )
    workshop.on_progress('read episodes', 0.0, {})
    samples = load_samples(data, spec, RobotProfile.load(spec.robot))
    pipeline = _pretrained(pretrained) if pretrained else build_pipeline(spec, workshop.seed)
    device = workshop.accelerator.device
    pipeline.to(device)
    for part in (pipeline.vae, pipeline.unet, pipeline.controlnet):
        part.to(memory_format=torch.channels_last)
    vae: AutoencoderKL = pipeline.vae
    Stage('autoencoder', vae, recipe.autoencoder, workshop, len(samples)).run(autoencoder_loss(vae, samples))
    fit_scale(vae, samples, device, workshop.seed)
    latents = Latents(vae, samples, device)
    watch = Watch(spec, pipeline, samples, workshop, measure)
    nets = nn.ModuleDict({'unet': pipeline.unet, 'controlnet': pipeline.controlnet})
    second = Stage('painter', nets, recipe.painter, workshop, len(samples), watch.of('painter'))
    second.run(denoising_loss(pipeline, samples, latents))
    # one network now: what the decoder cannot show well, the UNet learns to say otherwise
    nets['decoder'], nets['post_quant_conv'] = vae.decoder, vae.post_quant_conv
    third = Stage('polish', nets, recipe.polish, workshop, len(samples), watch.of('polish'))
    third.run(polish_loss(pipeline, samples, latents))
    if workshop.accelerator.is_main_process:
        save_pipeline(pipeline, policy_dir)
        save_training(policy_dir, 'painter', recipe)
        workshop.save_contract(policy_dir, spec, base_model=spec.base_model)
    workshop.accelerator.wait_for_everyone()
    return Path(policy_dir) / 'painter'


def _pretrained(policy_dir: Path | str) -> StableDiffusionControlNetPipeline:
    """Load a painter that paints in one step, as the stages here expect."""
    if PolicySpec.load(policy_dir).base_model.is_known:
        raise PolicyError(f'the painter of {policy_dir} was fine-tuned from a base model: name that with --base as well')
    pipeline = load_pipeline(policy_dir)
    kind = pipeline.scheduler.config.prediction_type
    if kind != 'sample':
        raise PolicyError(f'the painter of {policy_dir} predicts {kind!r}; this trainer goes on with "sample" only')
    return pipeline


def denoising_loss(
    pipeline: StableDiffusionControlNetPipeline, samples: Samples, latents: Latents
) -> Callable[[Draw], Tensor]:
    """Return a function from a draw to the error of the predicted latents, most where spheres are.

    Most samples start from pure noise, because that is where the one step at inference starts.
    """
    scheduler, last = pipeline.scheduler, pipeline.scheduler.config.num_train_timesteps - 1
    prompts = Prompts(pipeline, samples, 0.0, trained=False)

    def loss(draw: Draw) -> Tensor:
        clean, mask = latents(draw.rows)
        noise = draw.normal(_per_moment(draw, clean)).flatten(0, 1)
        time = torch.where(draw.uniform() < LAST_STEP_SHARE, last, draw.integers(last + 1))
        time = time.repeat_interleave(len(clean) // len(time))
        noisy = scheduler.add_noise(clean, noise, time)
        control = _condition(samples, draw)
        predicted = denoise(pipeline, noisy, time, prompts(draw, len(clean)), control)
        return ((1 + SPHERE_WEIGHT * mask) * (predicted.float() - clean).square()).mean()

    return loss


def polish_loss(
    pipeline: StableDiffusionControlNetPipeline, samples: Samples, latents: Latents
) -> Callable[[Draw], Tensor]:
    """Return a function from a draw to the error of the pixels painted in one step from noise.

    The latents are held near those of the encoder, so that several steps remain possible.
    """
    last = torch.tensor(pipeline.scheduler.config.num_train_timesteps - 1)
    prompts, vae = Prompts(pipeline, samples, 0.0, trained=False), pipeline.vae

    def loss(draw: Draw) -> Tensor:
        clean, mask = latents(draw.rows)
        targets = samples.targets(draw.rows)
        noise = draw.normal(_per_moment(draw, clean)).flatten(0, 1)
        control = _condition(samples, draw)
        predicted = denoise(pipeline, noise, last.to(draw.device), prompts(draw, len(clean)), control).float()
        painted = vae.decode(predicted / vae.config.scaling_factor).sample.float()
        weight = 1 + SPHERE_WEIGHT * samples.sphere_mask(draw.rows, targets).to(draw.device)
        drift = ((1 + SPHERE_WEIGHT * mask) * (predicted - clean).square()).mean()
        return pixel_error(painted, to_tensor(targets).to(draw.device), weight) + _LATENT_WEIGHT * drift

    return loss


def _per_moment(draw: Draw, latents: Tensor) -> tuple[int, ...]:
    """Return the shape of one moment's latents (I, C, h, w)."""
    return len(latents) // len(draw.rows), *latents.shape[1:]


def _condition(samples: Samples, draw: Draw) -> Tensor:
    """Return what the painter sees (B, 3, H, W), mostly in [0, 1]; brightness and contrast vary a little."""
    images = to_tensor(samples.images(draw.rows)).to(draw.device)
    varied = draw.normal((len(images) // len(draw.rows), 2)).flatten(0, 1)
    gain, offset = (column[:, None, None, None] for column in varied.unbind(1))
    return (images * (1 + 0.08 * gain) + 0.05 * offset + 1) / 2
