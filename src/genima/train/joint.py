# SPDX-License-Identifier: Apache-2.0
"""Fine-tune painter and controller together: the error of the painted image, and of the joints that follow from it.

The gradient of the joints runs back through the decoded image into what the painter predicts. It is taken where half of
the noise or less is left: there one step from the noisy latents to the image is meaningful.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
from diffusers import DDPMScheduler
from torch import Tensor, nn
from torch.nn import functional

from genima.cameras.views import grid
from genima.contract.spec import PolicySpec
from genima.controller.controller import Controller
from genima.controller.loss import GRIPPER_WEIGHT
from genima.painter.base import load_base, painter_source
from genima.painter.folder import DIRECTORY, ELSEWHERE, save_finetuned
from genima.painter.networks import denoise
from genima.painter.standard_pipeline import StableDiffusionControlNetPipeline
from genima.robots.profile import RobotProfile
from genima.train.conditions import Conditions, Prompts
from genima.train.controller import instruction_inputs
from genima.train.controller_data import ControllerData
from genima.train.draws import Draw
from genima.train.finetune import networks_of, prepare
from genima.train.loop import Stage
from genima.train.recipe import Augmentation, FineTuning, StageRecipe, save_training
from genima.train.samples import Samples, load_samples, to_tensor
from genima.train.watch import Watch
from genima.train.workshop import Workshop

NOISE_SHARE = 0.5


@dataclass(frozen=True)
class JointTuning:
    """How both are trained together.

    Attributes:
        pixel_weight: Of the mean squared error of the painted image.
        joint_weight: Of the mean squared error of the joint moves, counted in typical moves of a chunk.
        gradient_checkpointing: Compute activations twice instead of keeping them.
        augmentation: Of the condition.
        stage: How long and how fast.
    """

    pixel_weight: float = 1.0
    joint_weight: float = 1.0
    gradient_checkpointing: bool = True
    augmentation: Augmentation = field(default_factory=Augmentation)
    stage: StageRecipe = field(
        default_factory=lambda: StageRecipe(steps=2000, batch=2, learning_rate=2e-6, schedule='constant', ema=0.0)
    )


def train_joint(data: Path | str, policy_dir: Path | str, recipe: JointTuning, workshop: Workshop) -> PolicySpec:
    """Go on with the painter and the controller of a policy, both at once, and write both.

    What of the base model is trained is what its training changed before.

    Raises:
        PolicyError: if the policy has no painter from a base model, or no controller.
        DatasetError: if the episodes do not fit the contract.
        KeyboardInterrupt: after Ctrl-C; the same call goes on from there.
    """
    spec = PolicySpec.load(policy_dir)
    source = painter_source(policy_dir, spec.base_model)
    device = workshop.accelerator.device
    controller = Controller.load(policy_dir, str(device))
    trained = spec.base_model.trained
    ways = {'lora': 'lora', 'text_encoder': 'all', 'unet': 'unet'}
    way = next((name for part, name in ways.items() if part in trained), 'controlnet')
    how = FineTuning(train=way, gradient_checkpointing=recipe.gradient_checkpointing, augmentation=recipe.augmentation)
    samples = load_samples(data, spec, RobotProfile.load(spec.robot))
    pipeline = prepare(load_base(source), source, how, workshop)
    networks = nn.ModuleDict({**networks_of(pipeline, how), 'controller': controller.model})
    watch = Watch(spec, pipeline, samples, workshop)
    loss = joint_loss(pipeline, controller, samples, ControllerData.load(data, spec), recipe)
    Stage('joint', networks, recipe.stage, workshop, len(samples), watch.of('joint')).run(loss)
    if workshop.accelerator.is_main_process:
        whole = not (Path(policy_dir) / DIRECTORY / ELSEWHERE).exists()
        save_finetuned(pipeline, policy_dir, trained, source.folders, whole)
        controller.save(policy_dir)
        save_training(policy_dir, 'joint', recipe)
    workshop.accelerator.wait_for_everyone()
    return spec


def joint_loss(
    pipeline: StableDiffusionControlNetPipeline,
    controller: Controller,
    samples: Samples,
    data: ControllerData,
    recipe: JointTuning,
) -> Callable[[Draw], Tensor]:
    """Return a function from a draw to the error of painted pixels and of the joints that the controller makes of them."""
    spec, device = samples.spec, controller.model.positions.device
    noising = DDPMScheduler.from_config(pipeline.scheduler.config)
    steps = round(NOISE_SHARE * noising.config.num_train_timesteps)
    conditions = Conditions(samples, pipeline.vae, recipe.augmentation, device)
    prompts = Prompts(pipeline, samples, 0.0, 'text_encoder' in spec.base_model.trained)
    words = instruction_inputs(controller).to(device)

    def loss(draw: Draw) -> Tensor:
        clean, _, control = conditions(draw)
        each = len(clean) // len(draw.rows)
        noise = draw.normal((each, *clean.shape[1:])).flatten(0, 1)
        time = draw.integers(steps).repeat_interleave(each)
        noisy = noising.add_noise(clean, noise, time)
        predicted = denoise(pipeline, noisy, time, prompts(draw, len(clean)), control).float()
        latents = clean_latents(noising, noisy, time, predicted)
        painted = pipeline.vae.decode((latents / pipeline.vae.config.scaling_factor).to(pipeline.vae.dtype)).sample.float()
        target = to_tensor(samples.targets(draw.rows)).to(draw.device)
        joints = _joint_error(controller, data, spec, draw, to_views(spec, painted), words)
        return recipe.pixel_weight * functional.mse_loss(painted, target) + recipe.joint_weight * joints

    return loss


def clean_latents(noising: DDPMScheduler, noisy: Tensor, time: Tensor, predicted: Tensor) -> Tensor:
    """Return the latents (B, C, h, w) that a prediction at `time` (B,) means, by the objective of the scheduler."""
    signal = noising.alphas_cumprod.to(noisy.device)[time].sqrt()[:, None, None, None]
    noise = (1 - signal.square()).sqrt()
    kind = noising.config.prediction_type
    if kind == 'sample':
        return predicted
    return (noisy - noise * predicted) / signal if kind == 'epsilon' else signal * noisy - noise * predicted


def to_views(spec: PolicySpec, images: Tensor) -> Tensor:
    """Turn painted images (B, 3, H, W), or (B * V, 3, S, S) where views are apart, into views (B, V, 3, S, S)."""
    count, size = len(spec.cameras), spec.view_size_px
    if spec.tiling == 'per_view':
        return images.unflatten(0, (-1, count))
    rows, columns = grid(count)
    tiles = images.reshape(len(images), 3, rows, size, columns, size).permute(0, 2, 4, 1, 3, 5)
    return tiles.flatten(1, 2)[:, :count]


def _joint_error(
    controller: Controller, data: ControllerData, spec: PolicySpec, draw: Draw, views: Tensor, words: Tensor
) -> Tensor:
    """Return the mean squared error of the moves, and a little of the gripper's entropy so that it stays right."""
    rows, normalizer = data.usable[draw.rows], controller.normalizer
    state = torch.from_numpy(normalizer.state(data.q_rad[rows], data.gripper_open[rows])).to(draw.device)
    plan = data.plan_q_rad[rows, : spec.chunk_steps]
    delta = torch.from_numpy(normalizer.encode(plan, data.q_rad[rows])).to(draw.device)
    gripper = torch.from_numpy(data.plan_gripper[rows, : spec.chunk_steps].astype(np.float32)).to(draw.device)
    said = words[torch.from_numpy(data.instruction[rows]).to(draw.device)]
    output = controller.model(views, state, torch.zeros(len(rows), device=draw.device), said)
    entropy = functional.binary_cross_entropy_with_logits(output.gripper_logit.float(), gripper)
    return functional.mse_loss(output.delta.float(), delta) + GRIPPER_WEIGHT * entropy
