# SPDX-License-Identifier: Apache-2.0
"""Paint target views: the loaded pipeline's own parts, called without what a robot does not need.

The standard pipeline's `__call__` encodes the prompt, draws noise and converts images at every call; here prompts are
embedded once and the noise is always the same, so equal views give equal targets.
"""

import time
from contextlib import nullcontext
from pathlib import Path

import numpy as np
import torch
from diffusers import StableDiffusionControlNetPipeline
from numpy.typing import NDArray
from torch import Tensor

from genima.cameras.views import tile, untile
from genima.contract.spec import PolicySpec
from genima.errors import ContractError
from genima.painter.folder import load_pipeline
from genima.painter.pipeline import image_size_px
from genima.precision import computes_bfloat16, half_precision

_NOISE_SEED = 0
_PROMPTS_KEPT = 64


class Painter:
    """A trained painter.

    Attributes:
        spec: The contract that it was trained under.
        pipeline: The loaded diffusers pipeline.
        last_timing_ms: How long the last `paint` took.
    """

    def __init__(self, spec: PolicySpec, pipeline: StableDiffusionControlNetPipeline, device: str = 'cpu') -> None:
        """Take a pipeline into use on a device."""
        self.spec = spec
        self.last_timing_ms = 0.0
        self._device = torch.device(device)
        self.pipeline = pipeline.to(self._device)
        for part in (pipeline.vae, pipeline.unet, pipeline.controlnet):
            part.eval().to(memory_format=torch.channels_last)
        self._prompts: dict[str, Tensor] = {}
        height, width = image_size_px(spec)
        shrink = pipeline.vae_scale_factor
        images = len(spec.cameras) if spec.tiling == 'per_view' else 1
        shape = (images, pipeline.unet.config.in_channels, height // shrink, width // shrink)
        # drawn on the CPU: the same noise on every device
        self._noise = torch.randn(shape, generator=torch.Generator().manual_seed(_NOISE_SEED)).to(self._device)

    @classmethod
    def load(
        cls,
        policy_dir: Path | str,
        device: str = 'cpu',
        threads: int | None = None,
        dtype: torch.dtype | None = None,
    ) -> 'Painter':
        """Load `policy.yaml` and `painter/` of a policy directory.

        Args:
            policy_dir: The policy directory.
            device: Torch device.
            threads: CPU threads of torch, for the whole process; unchanged if None.
            dtype: Of the weights in memory; None: half precision for a fine-tuned base model where the device computes
                with it, which halves what is held, and single precision for the small painter.

        Raises:
            PolicyError: if a file is missing or damaged.
            ContractError: if the contract cannot be understood, or the painter is not the one that it describes.
        """
        spec = PolicySpec.load(policy_dir)
        if threads is not None:
            torch.set_num_threads(threads)
        if dtype is None:
            half = spec.base_model.is_known and computes_bfloat16(torch.device(device).type)
            dtype = torch.bfloat16 if half else torch.float32
        return cls(spec, load_pipeline(policy_dir, spec.base_model, dtype), device)

    def paint(self, views: NDArray[np.uint8], instruction: str | None = None) -> NDArray[np.uint8]:
        """Paint where the arm should go.

        Args:
            views: (V, S, S, 3) uint8 RGB in contract order.
            instruction: What to do; the contract's if None.

        Returns:
            Target views (V, S, S, 3) uint8.

        Raises:
            ContractError: if the views have another shape or type.
        """
        size = self.spec.view_size_px
        wanted = (len(self.spec.cameras), size, size, 3)
        if views.shape != wanted or views.dtype != np.uint8:
            raise ContractError(
                f'views for the painter: got {views.dtype} {views.shape}, allowed: uint8 {wanted} '
                f'(cameras {", ".join(self.spec.cameras)}); prepare them with genima.cameras.views.prepare'
            )
        begun = time.perf_counter()
        tiled = self.spec.tiling == 'tiled'
        images = tile(views)[None] if tiled else views
        painted = self._paint_images(images, self.spec.prompt(instruction))
        result = untile(painted[0], len(self.spec.cameras)) if tiled else painted
        self.last_timing_ms = 1e3 * (time.perf_counter() - begun)
        return np.ascontiguousarray(result)

    def _paint_images(self, images: NDArray[np.uint8], prompt: str) -> NDArray[np.uint8]:
        half = self.pipeline.unet.dtype != torch.float32  # half precision throughout: nothing to cast while it computes
        with torch.inference_mode(), nullcontext() if half else half_precision(self._device):
            control = torch.from_numpy(np.ascontiguousarray(images)).to(self._device).permute(0, 3, 1, 2).float() / 255
            control = control.to(self.pipeline.unet.dtype)
            embedding = self._embedding(prompt).expand(len(control), -1, -1)
            painted = sample(self.pipeline, self._noise, control, embedding, self.spec.inference_steps)
            pixels = (painted.float() / 2 + 0.5).clamp(0, 1).mul(255).round().to(torch.uint8)
            return pixels.permute(0, 2, 3, 1).cpu().numpy()

    def _embedding(self, prompt: str) -> Tensor:
        if prompt not in self._prompts:
            if len(self._prompts) >= _PROMPTS_KEPT:
                self._prompts.clear()
            self._prompts[prompt] = embed_prompt(self.pipeline, prompt)
        return self._prompts[prompt]


@torch.no_grad()
def embed_prompt(pipeline: StableDiffusionControlNetPipeline, prompt: str) -> Tensor:
    """Return the embedding (1, tokens, width) of a prompt, as the standard pipeline makes it."""
    device = next(pipeline.unet.parameters()).device
    embedding, _ = pipeline.encode_prompt(prompt, device, num_images_per_prompt=1, do_classifier_free_guidance=False)
    return embedding.clone()


def denoise(
    pipeline: StableDiffusionControlNetPipeline, noisy: Tensor, time_step: Tensor, prompt: Tensor, control: Tensor
) -> Tensor:
    """Return what the UNet predicts.

    Args:
        pipeline: UNet and ControlNet.
        noisy: (B, C, h, w) latents, scaled as the scheduler wants them.
        time_step: () or (B,) time steps.
        prompt: (B, tokens, width) embeddings.
        control: (B, 3, H, W) camera images in [0, 1].
    """
    down, middle = pipeline.controlnet(
        noisy, time_step, encoder_hidden_states=prompt, controlnet_cond=control, return_dict=False
    )
    if pipeline.unet.dtype != torch.float32:  # a frozen UNet in half precision beside a ControlNet in training
        noisy, prompt, middle = (each.to(pipeline.unet.dtype) for each in (noisy, prompt, middle))
        down = [each.to(pipeline.unet.dtype) for each in down]
    return pipeline.unet(
        noisy,
        time_step,
        encoder_hidden_states=prompt,
        down_block_additional_residuals=down,
        mid_block_additional_residual=middle,
        return_dict=False,
    )[0]


def sample(
    pipeline: StableDiffusionControlNetPipeline, noise: Tensor, control: Tensor, prompt: Tensor, steps: int
) -> Tensor:
    """Denoise `noise` (B, C, h, w) in `steps` steps of the pipeline's scheduler; return images (B, 3, H, W) in [-1, 1].

    Guidance is off, as in SD-Turbo: one network call a step.
    """
    scheduler = pipeline.scheduler
    scheduler.set_timesteps(steps, device=noise.device)
    latents = noise * scheduler.init_noise_sigma
    for time_step in scheduler.timesteps:
        scaled = scheduler.scale_model_input(latents, time_step).to(control.dtype)
        predicted = denoise(pipeline, scaled, time_step, prompt, control)
        latents = scheduler.step(predicted.float(), time_step, latents, return_dict=False)[0]
    scaled = (latents / pipeline.vae.config.scaling_factor).to(control.dtype)
    return pipeline.vae.decode(scaled, return_dict=False)[0]
