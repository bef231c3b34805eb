# SPDX-License-Identifier: Apache-2.0
"""Train the small painter: autoencoder, then UNet and ControlNet on its latents, then all that paints, on pixels."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from diffusers import AutoencoderKL, StableDiffusionControlNetPipeline
from torch import Tensor, nn

from genima.contract.spec import PolicySpec
from genima.errors import PolicyError
from genima.painter.painter import denoise, embed_prompt
from genima.painter.pipeline import build_pipeline, load_pipeline, save_pipeline
from genima.precision import half_precision
from genima.robots.profile import RobotProfile
from genima.train.autoencoder import LEARNING_RATE as AUTOENCODER_RATE
from genima.train.autoencoder import Latents, autoencoder_loss, pixel_error, sphere_mask
from genima.train.loop import OnProgress, Stage, silent
from genima.train.samples import Samples, load_samples, to_tensor

BATCH = 8
LEARNING_RATE = 5e-4
SPHERE_WEIGHT = 8.0
POLISH_BATCH = 4
POLISH_RATE = 4e-4
_LATENT_WEIGHT = 0.05
LAST_STEP_SHARE = 0.8
WORK_DIRECTORY = 'training'


@dataclass(frozen=True)
class PainterBudget:
    """Minutes for each stage."""

    autoencoder_minutes: float = 12.0
    painter_minutes: float = 60.0
    polish_minutes: float = 25.0


def train_painter(
    data: Path | str,
    policy_dir: Path | str,
    spec: PolicySpec,
    budget: PainterBudget | None = None,
    seed: int = 0,
    threads: int = 2,
    resume: bool = True,
    on_progress: OnProgress = silent,
    work_dir: Path | str | None = None,
    pretrained: Path | str | None = None,
) -> Path:
    """Train all stages and write `policy_dir/painter`.

    Args:
        data: Folder of episodes.
        policy_dir: Where the painter is written.
        spec: The contract.
        budget: Minutes for each stage.
        seed: Of weights and batches; what a stage reaches also depends on how many steps fit into its minutes.
        threads: Of torch.
        resume: Take up the checkpoints in `work_dir`.
        on_progress: Called with stage, share done, and figures.
        work_dir: Checkpoints and `painter.jsonl`; `<policy_dir>/training` if None.
        pretrained: Policy directory whose painter to begin with, also of another robot; fresh weights if None.

    Returns:
        The painter's directory.

    Raises:
        PolicyError: if the pretrained painter is damaged or not one of this trainer.
        DatasetError: if the episodes do not fit the contract.
        KeyboardInterrupt: after Ctrl-C; the same call goes on from there.
    """
    torch.set_num_threads(threads)
    budget = budget or PainterBudget()
    work = Path(work_dir) if work_dir else Path(policy_dir) / WORK_DIRECTORY
    log = work / 'painter.jsonl'
    on_progress('read episodes', 0.0, {})
    samples = load_samples(data, spec, RobotProfile.load(spec.robot))
    pipeline = _pretrained(pretrained) if pretrained else build_pipeline(spec, seed)
    rng = np.random.default_rng(seed)
    vae: AutoencoderKL = pipeline.vae
    first = Stage(
        'autoencoder', vae, budget.autoencoder_minutes, AUTOENCODER_RATE, work / 'autoencoder.pt', log,
        on_progress, resume,
    )  # fmt: skip
    first.run(autoencoder_loss(vae, samples, rng))
    latents = Latents(vae, samples, rng)
    nets = nn.ModuleDict({'unet': pipeline.unet, 'controlnet': pipeline.controlnet})
    second = Stage('painter', nets, budget.painter_minutes, LEARNING_RATE, work / 'painter.pt', log, on_progress, resume)
    second.run(denoising_loss(pipeline, samples, latents, rng))
    # one network now: what the decoder cannot show well, the UNet learns to say otherwise
    nets['decoder'], nets['post_quant_conv'] = vae.decoder, vae.post_quant_conv
    third = Stage('polish', nets, budget.polish_minutes, POLISH_RATE, work / 'polish.pt', log, on_progress, resume)
    third.run(polish_loss(pipeline, samples, latents, rng))
    spec.save(policy_dir)
    return save_pipeline(pipeline, policy_dir)


def _pretrained(policy_dir: Path | str) -> StableDiffusionControlNetPipeline:
    """Load a painter that paints in one step, as the stages here expect."""
    pipeline = load_pipeline(policy_dir)
    kind = pipeline.scheduler.config.prediction_type
    if kind != 'sample':
        raise PolicyError(f'the painter of {policy_dir} predicts {kind!r}; this trainer goes on with "sample" only')
    return pipeline


def denoising_loss(
    pipeline: StableDiffusionControlNetPipeline,
    samples: Samples,
    latents: Latents,
    rng: np.random.Generator,
) -> Callable[[], Tensor]:
    """Return a function that draws a batch and returns the error of the predicted latents, most where spheres are.

    Most batches start from pure noise, because that is where the one step at inference starts.
    """
    scheduler, last = pipeline.scheduler, pipeline.scheduler.config.num_train_timesteps - 1
    prompt = embed_prompt(pipeline, samples.spec.prompt())

    def loss() -> Tensor:
        indices = rng.integers(0, len(samples), BATCH)
        clean, mask = latents(indices)
        weight = 1 + SPHERE_WEIGHT * mask
        view = augment(to_tensor(samples.images(indices)))
        noise, any_time = torch.randn_like(clean), torch.randint(0, last + 1, (len(clean),))
        time = torch.where(torch.rand(len(clean)) < LAST_STEP_SHARE, torch.full_like(any_time, last), any_time)
        noisy = scheduler.add_noise(clean, noise, time)
        with half_precision():
            predicted = denoise(pipeline, noisy, time, prompt.expand(len(clean), -1, -1), (view + 1) / 2)
        return (weight * (predicted.float() - clean).square()).mean()

    return loss


def polish_loss(
    pipeline: StableDiffusionControlNetPipeline, samples: Samples, latents: Latents, rng: np.random.Generator
) -> Callable[[], Tensor]:
    """Return a function that draws a batch and returns the error of the pixels painted in one step from noise.

    The latents are held near those of the encoder, so that several steps remain possible.
    """
    last = torch.tensor(pipeline.scheduler.config.num_train_timesteps - 1)
    prompt, vae = embed_prompt(pipeline, samples.spec.prompt()), pipeline.vae

    def loss() -> Tensor:
        indices = rng.integers(0, len(samples), POLISH_BATCH)
        clean, mask = latents(indices)
        views, targets = samples.images(indices), samples.targets(indices)
        control = (augment(to_tensor(views)) + 1) / 2
        with half_precision():
            noise = torch.randn_like(clean)
            predicted = denoise(pipeline, noise, last, prompt.expand(len(clean), -1, -1), control).float()
            painted = vae.decode(predicted / vae.config.scaling_factor).sample.float()
        weight = 1 + SPHERE_WEIGHT * sphere_mask(views, targets)
        drift = ((1 + SPHERE_WEIGHT * mask) * (predicted - clean).square()).mean()
        return pixel_error(painted, to_tensor(targets), weight) + _LATENT_WEIGHT * drift

    return loss


def augment(images: Tensor) -> Tensor:
    """Change brightness and contrast of images (B, 3, H, W) in [-1, 1] a little."""
    gain, offset = 1 + 0.08 * torch.randn(len(images), 1, 1, 1), 0.05 * torch.randn(len(images), 1, 1, 1)
    return images * gain + offset
