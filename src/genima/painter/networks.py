# SPDX-License-Identifier: Apache-2.0
"""The two networks that paint, the step (ControlNet with UNet) and the decoder, whatever runs them; and the sampler."""

from contextlib import AbstractContextManager, nullcontext
from typing import Any, Protocol

import torch
from torch import Tensor, nn

from genima.backends.runners import Runner
from genima.painter.standard_pipeline import StableDiffusionControlNetPipeline
from genima.precision import half_precision


class PainterNetworks(Protocol):
    """Both networks in float32, as they are seen from outside."""

    def predict(self, noisy: Tensor, time_step: Tensor, prompt: Tensor, control: Tensor) -> Tensor:
        """Return what the UNet predicts, see `denoise`."""

    def decode(self, latents: Tensor) -> Tensor:
        """Turn latents (B, C, h, w) into images (B, 3, H, W) in [-1, 1]."""


class TorchNetworks:
    """A pipeline's own networks."""

    def __init__(self, pipeline: StableDiffusionControlNetPipeline, half: bool = True) -> None:
        """Take a pipeline; with `half`, compute in half precision where the device can."""
        self._pipeline, self._half = pipeline, half

    def predict(self, noisy: Tensor, time_step: Tensor, prompt: Tensor, control: Tensor) -> Tensor:
        """Return what the UNet predicts, see `denoise`."""
        dtype = self._pipeline.unet.dtype
        with self._precision(noisy):
            return denoise(self._pipeline, noisy.to(dtype), time_step, prompt.to(dtype), control.to(dtype)).float()

    def decode(self, latents: Tensor) -> Tensor:
        """Turn latents (B, C, h, w) into images (B, 3, H, W) in [-1, 1]."""
        with self._precision(latents):
            return DecoderNetwork(self._pipeline)(latents.to(self._pipeline.vae.dtype)).float()

    def _precision(self, value: Tensor) -> AbstractContextManager[object]:
        casts = self._half and self._pipeline.unet.dtype == torch.float32  # weights in half precision: nothing to cast
        return half_precision(value.device) if casts else nullcontext()


class ExportedNetworks:
    """Both networks from `exported/`."""

    def __init__(self, step: Runner, decoder: Runner) -> None:
        self._step, self._decoder = step, decoder

    def predict(self, noisy: Tensor, time_step: Tensor, prompt: Tensor, control: Tensor) -> Tensor:
        """Return what the UNet predicts, see `denoise`."""
        return self._step(step_inputs(noisy, time_step, prompt, control))[0]

    def decode(self, latents: Tensor) -> Tensor:
        """Turn latents (B, C, h, w) into images (B, 3, H, W) in [-1, 1]."""
        return self._decoder({'latents': latents.contiguous()})[0]


class StepNetwork(nn.Module):
    """ControlNet and UNet as one network; everything that changes from call to call is an input."""

    def __init__(self, pipeline: StableDiffusionControlNetPipeline) -> None:
        super().__init__()
        self.controlnet, self.unet = pipeline.controlnet, pipeline.unet

    def forward(self, noisy: Tensor, time_step: Tensor, prompt: Tensor, control: Tensor) -> Tensor:
        """See `denoise`."""
        return denoise(self, noisy, time_step, prompt, control)


class DecoderNetwork(nn.Module):
    """The autoencoder's way back, with the scale of its latents."""

    def __init__(self, pipeline: StableDiffusionControlNetPipeline) -> None:
        super().__init__()
        self.vae = pipeline.vae

    def forward(self, latents: Tensor) -> Tensor:
        """Turn latents (B, C, h, w) into images (B, 3, H, W) in [-1, 1]."""
        images: Tensor = self.vae.decode(latents / self.vae.config.scaling_factor, return_dict=False)[0]
        return images


def step_inputs(noisy: Tensor, time_step: Tensor, prompt: Tensor, control: Tensor) -> dict[str, Tensor]:
    """Return the inputs of an exported `StepNetwork` by name: float32, one time step, a prompt for each image."""
    return {
        'noisy': noisy.float().contiguous(),
        'time_step': time_step.reshape(1).float(),
        'prompt': prompt.float().contiguous(),
        'control': control.float().contiguous(),
    }


def denoise(pipeline: Any, noisy: Tensor, time_step: Tensor, prompt: Tensor, control: Tensor) -> Tensor:
    """Return what the UNet predicts.

    Args:
        pipeline: What has `unet` and `controlnet`.
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
    predicted: Tensor = pipeline.unet(
        noisy,
        time_step,
        encoder_hidden_states=prompt,
        down_block_additional_residuals=down,
        mid_block_additional_residual=middle,
        return_dict=False,
    )[0]
    return predicted


def sample(
    networks: PainterNetworks, scheduler: Any, noise: Tensor, control: Tensor, prompt: Tensor, steps: int
) -> Tensor:
    """Denoise `noise` (B, C, h, w) in `steps` steps of a scheduler; return images (B, 3, H, W) in [-1, 1].

    Guidance is off, as in SD-Turbo: one network call a step.
    """
    scheduler.set_timesteps(steps, device=noise.device)
    latents = noise * scheduler.init_noise_sigma
    for time_step in scheduler.timesteps:
        scaled = scheduler.scale_model_input(latents, time_step)
        predicted = networks.predict(scaled, time_step, prompt, control)
        latents = scheduler.step(predicted, time_step, latents, return_dict=False)[0]
    return networks.decode(latents)
