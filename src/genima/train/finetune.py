# SPDX-License-Identifier: Apache-2.0
"""Fine-tune Stable Diffusion to paint: a ControlNet from the base's own UNet, and more of it where that is wanted.

The loss is that of diffusion (Ho et al., 'Denoising Diffusion Probabilistic Models', 2020; a ControlNet as in Zhang et
al., 'Adding Conditional Control to Text-to-Image Diffusion Models', 2023): noise by the base's own schedule, and the
base's own objective. Noisy latents have unit variance, as the UNet is shown them at run time by every scheduler after
`scale_model_input`.
"""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from diffusers import ControlNetModel, DDPMScheduler
from torch import Tensor, nn

from genima.contract.base import BaseModel
from genima.contract.spec import PolicySpec
from genima.errors import PolicyError
from genima.painter.base import PARTS, BaseParts, BaseSource, check_controlnet, load_base
from genima.painter.folder import LORA, assemble, save_finetuned
from genima.painter.networks import denoise
from genima.painter.parts import load_network
from genima.painter.pipeline import image_size_px
from genima.painter.standard_pipeline import StableDiffusionControlNetPipeline
from genima.robots.profile import RobotProfile
from genima.train.autoencoder import pixel_error
from genima.train.conditions import Conditions, Prompts
from genima.train.draws import Draw
from genima.train.loop import Stage
from genima.train.recipe import FineTuning, save_training
from genima.train.samples import Samples, load_samples, to_tensor
from genima.train.watch import Measure, Watch
from genima.train.workshop import Workshop

_HALVES = {'bf16': torch.bfloat16, 'fp16': torch.float16}
_ATTENTION = ['to_q', 'to_k', 'to_v', 'to_out.0']


def finetune(
    data: Path | str,
    policy_dir: Path | str,
    spec: PolicySpec,
    source: BaseSource,
    recipe: FineTuning,
    workshop: Workshop,
    whole: bool = True,
    measure: Measure | None = None,
) -> PolicySpec:
    """Train a painter from a base model, write `policy_dir/painter` and the contract, and return that.

    Args:
        data: Folder of episodes.
        policy_dir: Where the policy is made.
        spec: Its contract so far.
        source: The base model, or the painter of a policy to go on with.
        recipe: What is trained, and how.
        workshop: Where, with which seed, and who is told.
        whole: The policy holds the base's unchanged parts, too; else it says where they lie.
        measure: Held-out figures of a painter, taken while training.

    Raises:
        PolicyError: if the base model is damaged or its parts do not fit.
        DatasetError: if the episodes do not fit the contract.
        KeyboardInterrupt: after Ctrl-C; the same call goes on from there.
    """
    workshop.on_progress('read episodes', 0.0, {})
    samples = load_samples(data, spec, RobotProfile.load(spec.robot))
    pipeline = prepare(load_base(source), source, recipe, workshop)
    _check_size(spec, pipeline)
    trained = tuple(dict.fromkeys([*source.trained, *recipe.trained]))
    objective = str(pipeline.scheduler.config.prediction_type)
    hashes = source.sha256(tuple(part for part in PARTS if part not in trained))
    spec = replace(spec, base_model=BaseModel(source.name, source.revision, hashes, trained, objective))
    networks = networks_of(pipeline, recipe)
    watch = Watch(spec, pipeline, samples, workshop, measure)
    stage = Stage('finetune', networks, recipe.stage, workshop, len(samples), watch.of('finetune'))
    stage.run(finetuning_loss(pipeline, samples, recipe, workshop.accelerator.device))
    if workshop.accelerator.is_main_process:
        save_finetuned(pipeline, policy_dir, trained, source.folders, whole)
        save_training(policy_dir, 'painter', recipe)
        workshop.save_contract(policy_dir, spec, base_model=spec.base_model)
    workshop.accelerator.wait_for_everyone()
    return spec


def prepare(
    parts: BaseParts, source: BaseSource, recipe: FineTuning, workshop: Workshop
) -> StableDiffusionControlNetPipeline:
    """Return the pipeline to train: ControlNet added, all frozen but what is trained, the frozen parts in half precision.

    Raises:
        PolicyError: if a ControlNet to go on with does not fit the UNet.
    """
    device = workshop.accelerator.device
    frozen_dtype = _HALVES.get(workshop.accelerator.mixed_precision, torch.float32)
    torch.manual_seed(workshop.seed)
    controlnet = _controlnet(parts.unet, source)
    objective = parts.objective if recipe.objective == 'base' else recipe.objective
    scheduler = type(parts.scheduler).from_config(parts.scheduler.config, prediction_type=objective)
    for part in PARTS:
        kept = part in recipe.trained and part != 'vae'
        getattr(parts, part).requires_grad_(kept).to(device, torch.float32 if kept else frozen_dtype)
    controlnet.requires_grad_(True).to(device, torch.float32)
    if 'lora' in recipe.trained:
        _add_lora(parts.unet, recipe, source)
    if 'vae' in recipe.trained:
        for module in _decoder(parts.vae):
            module.requires_grad_(True).float()
    if recipe.gradient_checkpointing:
        controlnet.enable_gradient_checkpointing()
        parts.unet.enable_gradient_checkpointing()
    for module in (parts.unet, parts.vae, controlnet):
        module.to(memory_format=torch.channels_last)
    return assemble(
        unet=parts.unet, vae=parts.vae, text_encoder=parts.text_encoder, tokenizer=parts.tokenizer, scheduler=scheduler,
        controlnet=controlnet,
    )  # fmt: skip


def networks_of(pipeline: StableDiffusionControlNetPipeline, recipe: FineTuning) -> nn.ModuleDict:
    """Return the networks of which something is trained."""
    networks = nn.ModuleDict({'controlnet': pipeline.controlnet})
    if {'lora', 'unet'} & set(recipe.trained):
        networks['unet'] = pipeline.unet
    if 'text_encoder' in recipe.trained:
        networks['text_encoder'] = pipeline.text_encoder
    if 'vae' in recipe.trained:
        networks['decoder'] = nn.ModuleList(_decoder(pipeline.vae))
    return networks


def finetuning_loss(
    pipeline: StableDiffusionControlNetPipeline, samples: Samples, recipe: FineTuning, device: torch.device
) -> Callable[[Draw], Tensor]:
    """Return a function from a draw to the mean squared error of what the UNet predicts."""
    noising = DDPMScheduler.from_config(pipeline.scheduler.config)
    last = noising.config.num_train_timesteps - 1
    conditions = Conditions(samples, pipeline.vae, recipe.augmentation, device)
    prompts = Prompts(pipeline, samples, recipe.prompt_dropout, 'text_encoder' in recipe.trained)

    def loss(draw: Draw) -> Tensor:
        clean, mask, control = conditions(draw)
        moments = len(draw.rows)
        noise = draw.normal((len(clean) // moments, *clean.shape[1:])).flatten(0, 1)
        time = torch.where(draw.uniform() < recipe.last_step_share, last, draw.integers(last + 1))
        time = time.repeat_interleave(len(clean) // moments)
        noisy = noising.add_noise(clean, noise, time)
        predicted = denoise(pipeline, noisy, time, prompts(draw, len(clean)), control)
        wanted = {'epsilon': noise, 'sample': clean}.get(noising.config.prediction_type)
        wanted = noising.get_velocity(clean, noise, time) if wanted is None else wanted
        total = ((1 + recipe.sphere_weight * mask) * (predicted.float() - wanted).square()).mean()
        return total + decoder_loss(pipeline, samples, draw, clean) if 'vae' in recipe.trained else total

    return loss


def decoder_loss(
    pipeline: StableDiffusionControlNetPipeline, samples: Samples, draw: Draw, latents: Tensor
) -> Tensor:
    """Return how badly the decoder shows the latents of target images."""
    targets = samples.targets(draw.rows)
    decoded = pipeline.vae.decode(latents / pipeline.vae.config.scaling_factor, return_dict=False)[0].float()
    weight = 1 + 8.0 * samples.sphere_mask(draw.rows, targets).to(draw.device)
    return pixel_error(decoded, to_tensor(targets).to(draw.device), weight)


def _controlnet(unet: Any, source: BaseSource) -> ControlNetModel:
    """Return the ControlNet to begin with: the base's UNet encoder behind zero convolutions, or one that is there."""
    if 'controlnet' not in source.folders:
        return ControlNetModel.from_unet(unet)
    controlnet: ControlNetModel = load_network(source.folders['controlnet'], name='controlnet')
    check_controlnet(controlnet, unet)
    return controlnet


def _add_lora(unet: Any, recipe: FineTuning, source: BaseSource) -> None:
    """Add trainable low-rank matrices to the attention of the UNet (Hu et al. 2021), or take up those of a policy."""
    from peft import LoraConfig

    there = source.folders.get(LORA)
    if there is not None:
        unet.load_lora_adapter(there, local_files_only=True, use_safetensors=True, prefix=None, adapter_name='default')
    else:
        rank = recipe.lora_rank
        unet.add_adapter(LoraConfig(r=rank, lora_alpha=rank, init_lora_weights='gaussian', target_modules=_ATTENTION))
    for name, parameter in unet.named_parameters():
        if 'lora_' in name:
            parameter.requires_grad_(True)
            parameter.data = parameter.data.float()


def _decoder(vae: Any) -> list[nn.Module]:
    return [each for each in (getattr(vae, 'post_quant_conv', None), vae.decoder) if each is not None]


def _check_size(spec: PolicySpec, pipeline: StableDiffusionControlNetPipeline) -> None:
    cell = pipeline.vae_scale_factor * 2 ** (len(pipeline.unet.config.block_out_channels) - 1)
    if any(side % cell for side in image_size_px(spec)):
        raise PolicyError(
            f'the painter paints {" x ".join(map(str, image_size_px(spec)))} pixels at once, this base model needs sides '
            f'that are multiples of {cell}: change view_size_px of the recipe'
        )
