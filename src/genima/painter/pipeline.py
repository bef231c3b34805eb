# SPDX-License-Identifier: Apache-2.0
"""The small painter as a standard `StableDiffusionControlNetPipeline`: built fresh, saved, loaded.

SD-Turbo or SD 1.5 with a fine-tuned ControlNet is another directory of the same layout; nothing here is special to the
small one but `build_pipeline`.
"""

import copy
import shutil
from pathlib import Path
from tempfile import mkdtemp

import torch
import transformers
from diffusers import (
    AutoencoderKL,
    ControlNetModel,
    DDIMScheduler,
    StableDiffusionControlNetPipeline,
    UNet2DConditionModel,
)
from diffusers.utils import logging as diffusers_logging
from transformers import CLIPTextConfig, CLIPTextModel, CLIPTokenizer

from genima.borders.files import reason
from genima.cameras.views import grid
from genima.contract.spec import PolicySpec
from genima.errors import PolicyError
from genima.painter.border import check_pipeline, check_weights
from genima.painter.tokenizer import MAX_TOKENS, build_tokenizer
from genima.painter.weights import weights_variant

DIRECTORY = 'painter'
LATENT_CHANNELS = 8
UNET_WIDTHS = (48, 96, 144)
TEXT_WIDTH = 64
_PARTS = ('vae', 'text_encoder', 'unet', 'controlnet')


def image_size_px(spec: PolicySpec) -> tuple[int, int]:
    """Return (height, width) of what the painter paints at once: all views tiled, or one view."""
    if spec.tiling == 'per_view':
        return spec.view_size_px, spec.view_size_px
    rows, columns = grid(len(spec.cameras))
    return rows * spec.view_size_px, columns * spec.view_size_px


def build_pipeline(spec: PolicySpec, seed: int = 0) -> StableDiffusionControlNetPipeline:
    """Return the small pipeline with fresh weights, about 8 M parameters.

    The text encoder is random and stays so: it only has to give different prompts different embeddings.
    """
    torch.manual_seed(seed)
    height, width = image_size_px(spec)
    unet = build_unet(max(height, width) // 8)
    tokenizer = build_tokenizer()
    return assemble(
        build_autoencoder(max(height, width)),
        build_text_encoder(tokenizer),
        tokenizer,
        unet,
        build_controlnet(unet),
        build_scheduler(),
    )


def assemble(
    vae: AutoencoderKL,
    text_encoder: CLIPTextModel,
    tokenizer: CLIPTokenizer,
    unet: UNet2DConditionModel,
    controlnet: ControlNetModel,
    scheduler: DDIMScheduler,
) -> StableDiffusionControlNetPipeline:
    """Join the parts into the standard pipeline, without a safety checker."""
    pipeline = StableDiffusionControlNetPipeline(
        vae=vae,
        text_encoder=text_encoder,
        tokenizer=tokenizer,
        unet=unet,
        controlnet=controlnet,
        scheduler=scheduler,
        safety_checker=None,
        feature_extractor=None,
        requires_safety_checker=False,
    )
    pipeline.set_progress_bar_config(disable=True)
    return pipeline


def build_autoencoder(size_px: int) -> AutoencoderKL:
    """Return a small autoencoder, 8 x 8 pixels to one latent of 8 channels."""
    return AutoencoderKL(
        in_channels=3,
        out_channels=3,
        down_block_types=('DownEncoderBlock2D',) * 4,
        up_block_types=('UpDecoderBlock2D',) * 4,
        block_out_channels=(16, 32, 64, 64),
        layers_per_block=1,
        latent_channels=LATENT_CHANNELS,
        norm_num_groups=8,
        sample_size=size_px,
        mid_block_add_attention=False,
    )


def build_unet(latent_size: int) -> UNet2DConditionModel:
    """Return a UNet of three resolutions; attention, also to the prompt, at the middle one and the bottom."""
    return UNet2DConditionModel(
        sample_size=latent_size,
        in_channels=LATENT_CHANNELS,
        out_channels=LATENT_CHANNELS,
        block_out_channels=UNET_WIDTHS,
        down_block_types=('DownBlock2D', 'CrossAttnDownBlock2D', 'DownBlock2D'),
        up_block_types=('UpBlock2D', 'CrossAttnUpBlock2D', 'UpBlock2D'),
        layers_per_block=1,
        cross_attention_dim=TEXT_WIDTH,
        attention_head_dim=4,
        norm_num_groups=16,
    )


def build_controlnet(unet: UNet2DConditionModel) -> ControlNetModel:
    """Return a ControlNet for `unet`.

    Its outputs start small instead of at zero: there is no trained UNet here that a zero start would protect.
    """
    controlnet = ControlNetModel.from_unet(
        unet, conditioning_channels=3, conditioning_embedding_out_channels=(16, 32, 64, 96)
    )
    for block in [*controlnet.controlnet_down_blocks, controlnet.controlnet_mid_block]:
        torch.nn.init.normal_(block.weight, std=0.02)
    torch.nn.init.normal_(controlnet.controlnet_cond_embedding.conv_out.weight, std=0.03)
    return controlnet


def build_scheduler() -> DDIMScheduler:
    """Return a scheduler whose last step is pure noise, so that one step from it is in distribution.

    Lin et al., 'Common Diffusion Noise Schedules and Sample Steps are Flawed' (WACV 2024): zero terminal SNR, trailing
    steps. With no signal left at the end, noise cannot be predicted from it; the network predicts the sample.
    """
    return DDIMScheduler(
        num_train_timesteps=1000,
        beta_schedule='scaled_linear',
        beta_start=0.00085,
        beta_end=0.012,
        prediction_type='sample',
        rescale_betas_zero_snr=True,
        timestep_spacing='trailing',
        clip_sample=False,
    )


def build_text_encoder(tokenizer: CLIPTokenizer) -> CLIPTextModel:
    """Return a two-layer text encoder in CLIP's format."""
    config = CLIPTextConfig(
        vocab_size=len(tokenizer),
        hidden_size=TEXT_WIDTH,
        intermediate_size=2 * TEXT_WIDTH,
        num_hidden_layers=2,
        num_attention_heads=4,
        max_position_embeddings=MAX_TOKENS,
        projection_dim=TEXT_WIDTH,
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
        initializer_factor=3.0,
    )
    return CLIPTextModel(config).eval()


def save_pipeline(pipeline: StableDiffusionControlNetPipeline, policy_dir: Path | str) -> Path:
    """Write `painter/` in half precision; an old one is replaced only when the new one is complete."""
    target = Path(policy_dir) / DIRECTORY
    target.parent.mkdir(parents=True, exist_ok=True)
    temporary = Path(mkdtemp(prefix='.painter.', dir=target.parent))
    try:
        parts = {name: copy.deepcopy(getattr(pipeline, name)).half() for name in _PARTS}
        whole = assemble(tokenizer=pipeline.tokenizer, scheduler=pipeline.scheduler, **parts)
        _be_quiet()
        whole.save_pretrained(temporary, safe_serialization=True)
        temporary.chmod(0o755)
        shutil.rmtree(target, ignore_errors=True)
        temporary.rename(target)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
    return target


def load_pipeline(policy_dir: Path | str) -> StableDiffusionControlNetPipeline:
    """Load `painter/` of a policy directory, from disk only.

    Raises:
        PolicyError: if a file is missing or damaged.
    """
    directory = Path(policy_dir) / DIRECTORY
    parts = [f'{part}/config.json' for part in _PARTS]
    for name in ['model_index.json', 'scheduler/scheduler_config.json', 'tokenizer/tokenizer_config.json', *parts]:
        if not (directory / name).is_file():
            raise PolicyError(
                f'{directory / name} is missing; train the painter with `genima train painter`, '
                'or copy a complete StableDiffusionControlNetPipeline directory there'
            )
    check_pipeline(directory, _PARTS)
    variant = weights_variant(directory, _PARTS)
    try:
        _be_quiet()
        pipeline = StableDiffusionControlNetPipeline.from_pretrained(
            directory,
            variant=variant,
            dtype=torch.float32,
            safety_checker=None,
            local_files_only=True,
            use_safetensors=True,
            trust_remote_code=False,
        )
    except Exception as error:  # each part of it has errors of its own libraries
        raise PolicyError(
            f'{directory} does not hold a complete pipeline ({reason(error)}); train or copy it again'
        ) from error
    check_weights(pipeline, directory, _PARTS)
    pipeline.set_progress_bar_config(disable=True)
    return pipeline


def _be_quiet() -> None:
    """Show no progress bars of files that are read or written within a second."""
    diffusers_logging.disable_progress_bar()
    transformers.utils.logging.disable_progress_bar()
