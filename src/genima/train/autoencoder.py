# SPDX-License-Identifier: Apache-2.0
"""The autoencoder in training: a small one that keeps spheres sharp, and the latents of targets under any."""

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from diffusers import AutoencoderKL
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from genima.precision import half_precision
from genima.train.draws import Draw
from genima.train.samples import Samples, to_tensor
from genima.train.stored_views import scratch_array

SPHERE_WEIGHT = 3.0
_KL_WEIGHT = 1e-3
_SCALE_SAMPLES = 48


def autoencoder_loss(vae: AutoencoderKL, samples: Samples) -> Callable[[Draw], Tensor]:
    """Return a function from a draw of targets to the loss of `vae` on them.

    Absolute and squared error, more weight where spheres are, and a light pull towards a unit normal latent
    (Rombach et al., 'High-Resolution Image Synthesis with Latent Diffusion Models', CVPR 2022).
    """

    def loss(draw: Draw) -> Tensor:
        target = samples.targets(draw.rows)
        weight = 1 + SPHERE_WEIGHT * samples.sphere_mask(draw.rows, target).to(draw.device)
        x = to_tensor(target).to(draw.device)
        posterior = vae.encode(x).latent_dist
        painted = vae.decode(posterior.sample()).sample
        kl = posterior.kl().float().mean() / posterior.mean[0].numel()
        return pixel_error(painted.float(), x, weight) + _KL_WEIGHT * kl

    return loss


def pixel_error(painted: Tensor, target: Tensor, weight: Tensor) -> Tensor:
    """Return the weighted mean of absolute and squared error of images (B, 3, H, W); weight (B, 1, H, W)."""
    error = painted - target
    return ((error.abs() + 2 * error.square()) * weight).sum() / (3 * weight.sum())


def encode(vae: Any, images: Tensor) -> Tensor:
    """Return latents (B, C, h, w) of images (B, 3, H, W) in [-1, 1], scaled as the UNet has them; KL or tiny autoencoder."""
    encoded = vae.encode(images.to(vae.dtype))
    latents = encoded.latent_dist.mode() if hasattr(encoded, 'latent_dist') else encoded.latents
    return latents * vae.config.scaling_factor


def fit_scale(vae: AutoencoderKL, samples: Samples, device: torch.device, seed: int) -> None:
    """Store the factor to unit variance in `scaling_factor`, where the standard pipeline looks."""
    vae.register_to_config(scaling_factor=1.0)
    rows = np.random.default_rng([seed, 2]).integers(0, len(samples), _SCALE_SAMPLES)
    latents = Latents(vae, samples, device)
    vae.register_to_config(scaling_factor=1 / float(torch.cat([latents.encode(int(row))[0] for row in rows]).float().std()))


class Latents:
    """Latents of all targets, encoded when first asked for and kept in a file: targets never change.

    The file is mapped into memory, so that many more fit than memory holds.
    """

    def __init__(self, vae: Any, samples: Samples, device: torch.device) -> None:
        """Encode with `vae`, which does not change from here on."""
        self._vae, self._samples, self._device = vae.eval(), samples, device
        self._known = np.zeros(len(samples), dtype=bool)
        self._latents: NDArray[np.float16] | None = None
        self._masks: NDArray[np.uint8] | None = None

    def __call__(self, rows: NDArray[np.int64]) -> tuple[Tensor, Tensor]:
        """Return scaled latents (B, C, h, w), and where spheres are (B, 1, h, w), 0 or 1; views apart are rows each."""
        for row in rows:
            if not self._known[row]:
                self._keep(int(row), *self.encode(int(row)))
        assert self._latents is not None and self._masks is not None
        latents, masks = torch.from_numpy(self._latents[rows]), torch.from_numpy(self._masks[rows])
        return latents.flatten(0, 1).to(self._device).float(), masks.flatten(0, 1).to(self._device).float()

    @torch.no_grad()
    def encode(self, row: int) -> tuple[Tensor, Tensor]:
        """Return latents (I, C, h, w) and masks (I, 1, h, w) of the I images of one moment."""
        target = self._samples.targets([row])
        with half_precision(self._device):
            latents = encode(self._vae, to_tensor(target).to(self._device)).float()
        mask = self._samples.sphere_mask(np.array([row]), target)
        return latents, functional.max_pool2d(mask, mask.shape[-1] // latents.shape[-1])

    def _keep(self, row: int, latents: Tensor, masks: Tensor) -> None:
        if self._latents is None or self._masks is None:
            count = len(self._samples)
            self._masks = scratch_array((count, *masks.shape))
            halves = scratch_array((count, 2 * latents.numel()))
            self._latents = halves.view(np.float16).reshape(count, *latents.shape)
        self._latents[row] = latents.half().cpu().numpy()
        self._masks[row] = masks.byte().numpy()
        self._known[row] = True
