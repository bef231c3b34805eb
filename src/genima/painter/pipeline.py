# SPDX-License-Identifier: Apache-2.0
"""The small painter as a standard `StableDiffusionControlNetPipeline`, built fresh."""

import torch
from diffusers import AutoencoderKL, ControlNetModel, DDIMScheduler, UNet2DConditionModel
from transformers import CLIPTextConfig, CLIPTextModel, CLIPTokenizer

from genima.cameras.views import grid
from genima.contract.spec import PolicySpec
from genima.painter.folder import assemble
from genima.painter.standard_pipeline import StableDiffusionControlNetPipeline
from genima.painter.tokenizer import MAX_TOKENS, build_tokenizer

LATENT_CHANNELS = 8
UNET_WIDTHS = (48, 96, 144)
TEXT_WIDTH = 64


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
        vae=build_autoencoder(max(height, width)),
        text_encoder=build_text_encoder(tokenizer),
        tokenizer=tokenizer,
        unet=unet,
        controlnet=build_controlnet(unet),
        scheduler=build_scheduler(),
    )


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
