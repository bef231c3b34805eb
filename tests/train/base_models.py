# SPDX-License-Identifier: Apache-2.0
"""Base models of the real classes with few random weights, as a lab has them on disk."""

from pathlib import Path

import torch
from diffusers import (
    AutoencoderKL,
    EulerDiscreteScheduler,
    PNDMScheduler,
    StableDiffusionPipeline,
    UNet2DConditionModel,
)
from transformers import CLIPTextConfig, CLIPTextModel

from genima.painter.tokenizer import MAX_TOKENS, build_tokenizer

BETAS = {'beta_start': 0.00085, 'beta_end': 0.012, 'beta_schedule': 'scaled_linear', 'num_train_timesteps': 1000}
# width of the text, and the scheduler with what the UNet predicts, as in the models of these names
KINDS = {
    'sd-turbo': (1024, EulerDiscreteScheduler, {'prediction_type': 'epsilon', 'timestep_spacing': 'trailing'}),
    'sd15': (768, PNDMScheduler, {'prediction_type': 'epsilon', 'skip_prk_steps': True, 'steps_offset': 1}),
    'sd21': (1024, EulerDiscreteScheduler, {'prediction_type': 'v_prediction'}),
}


def make_base(folder: Path, kind: str, seed: int = 0) -> Path:
    """Write a base model and return its folder."""
    width, scheduler, options = KINDS[kind]
    torch.manual_seed(seed)
    tokenizer = build_tokenizer()
    text = CLIPTextConfig(
        vocab_size=len(tokenizer), hidden_size=width, intermediate_size=64, num_hidden_layers=1, num_attention_heads=4,
        max_position_embeddings=MAX_TOKENS, bos_token_id=tokenizer.bos_token_id, eos_token_id=tokenizer.eos_token_id,
    )  # fmt: skip
    unet = UNet2DConditionModel(
        sample_size=8, in_channels=4, out_channels=4, block_out_channels=(32, 64), layers_per_block=1,
        down_block_types=('CrossAttnDownBlock2D', 'DownBlock2D'), up_block_types=('UpBlock2D', 'CrossAttnUpBlock2D'),
        cross_attention_dim=width, attention_head_dim=4, norm_num_groups=8,
    )  # fmt: skip
    vae = AutoencoderKL(
        block_out_channels=(8, 16, 16, 16), layers_per_block=1, latent_channels=4, norm_num_groups=4,
        down_block_types=('DownEncoderBlock2D',) * 4, up_block_types=('UpDecoderBlock2D',) * 4, sample_size=64,
        mid_block_add_attention=False,
    )  # fmt: skip
    pipeline = StableDiffusionPipeline(
        vae=vae, text_encoder=CLIPTextModel(text), tokenizer=tokenizer, unet=unet, scheduler=scheduler(**BETAS, **options),
        safety_checker=None, feature_extractor=None, requires_safety_checker=False,
    )  # fmt: skip
    pipeline.save_pretrained(folder)
    return folder
