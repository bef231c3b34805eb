# SPDX-License-Identifier: Apache-2.0
"""Paint target views: the loaded pipeline's own parts, called without what a robot does not need.

The standard pipeline's `__call__` encodes the prompt, draws noise and converts images at every call; here prompts are
embedded once and the noise is always the same, so equal views give equal targets.
"""

import time
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from genima.cameras.views import tile, untile
from genima.contract.spec import PolicySpec
from genima.errors import ContractError
from genima.painter.folder import load_pipeline
from genima.painter.networks import PainterNetworks, TorchNetworks, sample
from genima.painter.pipeline import image_size_px
from genima.painter.standard_pipeline import StableDiffusionControlNetPipeline
from genima.precision import computes_bfloat16

_NOISE_SEED = 0
_PROMPTS_KEPT = 64


class Painter:
    """A trained painter.

    Attributes:
        spec: The contract that it was trained under.
        pipeline: The loaded diffusers pipeline.
        networks: What paints: those of the pipeline, or exported ones.
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
        self.networks: PainterNetworks = TorchNetworks(pipeline)
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
        painted = self.paint_with(self.networks, views, instruction)
        self.last_timing_ms = 1e3 * (time.perf_counter() - begun)
        return painted

    def paint_with(
        self, networks: PainterNetworks, views: NDArray[np.uint8], instruction: str | None = None
    ) -> NDArray[np.uint8]:
        """Paint as `paint` does, unchecked and with other networks than those in use: to compare both."""
        tiled = self.spec.tiling == 'tiled'
        images = tile(views)[None] if tiled else views
        painted = self._paint_images(networks, images, self.spec.prompt(instruction))
        return np.ascontiguousarray(untile(painted[0], len(self.spec.cameras)) if tiled else painted)

    def _paint_images(self, networks: PainterNetworks, images: NDArray[np.uint8], prompt: str) -> NDArray[np.uint8]:
        with torch.inference_mode():
            control = torch.from_numpy(np.ascontiguousarray(images)).to(self._device).permute(0, 3, 1, 2).float() / 255
            embedding = self._embedding(prompt).expand(len(control), -1, -1)
            steps = self.spec.inference_steps
            painted = sample(networks, self.pipeline.scheduler, self._noise, control, embedding, steps)
            pixels = (painted / 2 + 0.5).clamp(0, 1).mul(255).round().to(torch.uint8)
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
