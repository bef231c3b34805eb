# SPDX-License-Identifier: Apache-2.0
"""What Stable Diffusion at full size costs: one training step and one painted image, with random weights.

Sizes are those of the published configurations (unet/config.json, vae/config.json and text_encoder/config.json of
stabilityai/sd-turbo and stable-diffusion-v1-5/stable-diffusion-v1-5); time and memory do not depend on the weights.
Each measurement runs in a process of its own, so that its peak is its own.
"""

import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import numpy as np
import torch
from diffusers import AutoencoderKL, ControlNetModel, EulerDiscreteScheduler, PNDMScheduler, UNet2DConditionModel
from torch import Tensor
from transformers import CLIPTextConfig, CLIPTextModel

from genima.contract.base import BaseModel
from genima.contract.spec import PolicySpec
from genima.errors import GenimaError
from genima.painter.base import BaseParts, BaseSource
from genima.painter.folder import assemble
from genima.painter.painter import Painter
from genima.painter.tokenizer import build_tokenizer
from genima.robots.profile import RobotProfile
from genima.train.finetune import finetuning_loss, networks_of, prepare
from genima.train.loop import Stage
from genima.train.recipe import FineTuning, StageRecipe
from genima.train.samples import Samples
from genima.train.workshop import Machine, Workshop

LIMITS_GB = {'train': 20.0, 'paint': 4.5}
_BETAS = {'beta_start': 0.00085, 'beta_end': 0.012, 'beta_schedule': 'scaled_linear'}
_TOKENS = 77
MODELS: dict[str, dict[str, dict[str, Any]]] = {
    'sd-turbo': {
        'unet': {'attention_head_dim': (5, 10, 20, 20), 'cross_attention_dim': 1024, 'use_linear_projection': True},
        'text': {'hidden_size': 1024, 'intermediate_size': 4096, 'num_hidden_layers': 23, 'num_attention_heads': 16},
    },
    'sd15': {
        'unet': {'attention_head_dim': 8, 'cross_attention_dim': 768},
        'text': {'hidden_size': 768, 'intermediate_size': 3072, 'num_hidden_layers': 12, 'num_attention_heads': 12},
    },
}


def measure(model: str, full: bool, device: str, precision: str) -> list[dict[str, Any]]:
    """Return one row each for a training step and for a painted image, at batch 1.

    Args:
        model: Of `MODELS`.
        full: True sizes and 512 x 512 pixels; else an eighth of the channels and 64 x 64, to see that it runs.
        device: 'cpu' or 'auto', a GPU.
        precision: Of the computation, as in training.

    Raises:
        GenimaError: if a measurement fails, as for want of memory.
    """
    rows = []
    for what in ('train', 'paint'):
        job = json.dumps([what, model, full, device, precision])
        done = subprocess.run([sys.executable, '-m', __name__, job], capture_output=True, text=True)
        if done.returncode:
            reason = done.stderr.strip().splitlines()[-1:] or [f'killed by signal {-done.returncode}: too little memory?']
            raise GenimaError(f'measuring {what} of {model} failed: {reason[0]}')
        rows.append({'model': model, 'what': what, **json.loads(done.stdout.splitlines()[-1])})
    return rows


def main(job: str) -> None:
    """Do one measurement in this process and print its row."""
    what, model, full, device, precision = json.loads(job)
    run = _train if what == 'train' else _paint
    row = run(model, full, device, precision)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    on_gpu = device != 'cpu' and torch.cuda.is_available()
    peak = torch.cuda.max_memory_allocated() if on_gpu else peak
    limit = LIMITS_GB[what] if full else None
    print(json.dumps({**row, 'device': 'cuda' if on_gpu else 'cpu', 'peak_gb': peak / 1e9, 'limit_gb': limit}))


def _train(model: str, full: bool, device: str, precision: str) -> dict[str, Any]:
    spec = _spec(full)
    with tempfile.TemporaryDirectory() as folder:
        shop = Workshop(Machine(device, precision), Path(folder), Path(folder) / 'log.jsonl')
        recipe = FineTuning(stage=StageRecipe(steps=1, batch=1, learning_rate=1e-5, ema=0.0))
        parts = _parts(model, full, torch.float32)
        pipeline = prepare(parts, BaseSource(model, '', {}), recipe, shop)
        trained = sum(each.numel() for each in pipeline.controlnet.parameters())
        loss = finetuning_loss(pipeline, cast(Samples, _Noise(spec)), recipe, shop.accelerator.device)
        stage = Stage('finetune', networks_of(pipeline, recipe), recipe.stage, shop)
        stage.run(loss)
        return {'seconds': stage.elapsed_s, 'millions': _millions(pipeline), 'trained_millions': trained / 1e6}


def _paint(model: str, full: bool, device: str, precision: str) -> dict[str, Any]:
    spec = _spec(full)
    dtype = torch.float32 if precision == 'no' else torch.bfloat16
    with _weights_in(dtype):
        parts = _parts(model, full, dtype)
        pipeline = assemble(**vars(parts), controlnet=ControlNetModel.from_unet(parts.unet, load_weights_from_unet=False))
    painter = Painter(spec, pipeline, 'cuda' if device != 'cpu' and torch.cuda.is_available() else 'cpu')
    views = np.zeros((len(spec.cameras), spec.view_size_px, spec.view_size_px, 3), dtype=np.uint8)
    begun = time.perf_counter()
    painter.paint(views)
    return {'seconds': time.perf_counter() - begun, 'millions': _millions(pipeline), 'trained_millions': 0.0}


def _spec(full: bool) -> PolicySpec:
    spec = PolicySpec.from_recipe('paper', RobotProfile.load('panda'))
    return replace(spec, view_size_px=256 if full else 32, inference_steps=1, base_model=BaseModel())


def _parts(model: str, full: bool, dtype: torch.dtype) -> BaseParts:
    """Return the parts of a base model with random weights."""
    sizes, share = MODELS[model], 1 if full else 8
    heads = sizes['unet']['attention_head_dim']
    small = {} if full else {'attention_head_dim': 1 if isinstance(heads, tuple) else heads // share}
    unet = UNet2DConditionModel(
        sample_size=64, block_out_channels=tuple(each // share for each in (320, 640, 1280, 1280)),
        norm_num_groups=32 if full else 8, **{**sizes['unet'], **small},
    )  # fmt: skip
    vae = AutoencoderKL(
        block_out_channels=tuple(each // share for each in (128, 256, 512, 512)), layers_per_block=2, latent_channels=4,
        down_block_types=('DownEncoderBlock2D',) * 4, up_block_types=('UpDecoderBlock2D',) * 4, sample_size=512,
        norm_num_groups=32 if full else 8,
    )  # fmt: skip
    tokenizer = build_tokenizer()
    tokenizer.model_max_length = _TOKENS
    text = CLIPTextConfig(vocab_size=49408, max_position_embeddings=_TOKENS, **sizes['text'])
    scheduler: Any = EulerDiscreteScheduler(timestep_spacing='trailing', **_BETAS)
    if model == 'sd15':
        scheduler = PNDMScheduler(skip_prk_steps=True, steps_offset=1, **_BETAS)
    return BaseParts(unet, vae, CLIPTextModel(text).to(dtype), tokenizer, scheduler)


class _Noise:
    """One sample that shows nothing, in the place of a dataset."""

    def __init__(self, spec: PolicySpec) -> None:
        self.spec, self._side, self.instruction = spec, 2 * spec.view_size_px, np.zeros(1, dtype=np.int64)

    def __len__(self) -> int:
        return 1

    def images(self, rows: object) -> np.ndarray:
        return np.zeros((1, self._side, self._side, 3), dtype=np.uint8)

    targets = images

    def sphere_mask(self, rows: object, targets: np.ndarray) -> Tensor:
        return torch.zeros(1, 1, self._side, self._side)


def _millions(pipeline: Any) -> float:
    """Return the parameters of all networks, in millions."""
    networks = (pipeline.unet, pipeline.controlnet, pipeline.vae, pipeline.text_encoder)
    return sum(each.numel() for network in networks for each in network.parameters()) / 1e6


@contextmanager
def _weights_in(dtype: torch.dtype) -> Iterator[None]:
    """Let networks that are made in the block have weights of a type from the start: less memory than to convert them."""
    before = torch.get_default_dtype()
    torch.set_default_dtype(dtype)
    try:
        yield
    finally:
        torch.set_default_dtype(before)


if __name__ == '__main__':
    main(sys.argv[1])
