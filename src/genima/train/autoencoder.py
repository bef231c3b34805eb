# SPDX-License-Identifier: Apache-2.0
"""First stage of the painter: an autoencoder that keeps spheres sharp."""

from collections.abc import Callable

import numpy as np
import torch
from diffusers import AutoencoderKL
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from genima.precision import half_precision
from genima.train.samples import Samples, to_tensor

BATCH = 2
LEARNING_RATE = 1.5e-3
SPHERE_WEIGHT = 3.0
_KL_WEIGHT = 1e-3
_SCALE_SAMPLES = 48


def autoencoder_loss(vae: AutoencoderKL, samples: Samples, rng: np.random.Generator) -> Callable[[], Tensor]:
    """Return a function that draws a batch of targets and returns the loss of `vae` on it.

    Absolute and squared error, more weight where spheres are, and a light pull towards a unit normal latent
    (Rombach et al., 'High-Resolution Image Synthesis with Latent Diffusion Models', CVPR 2022).
    """

    def loss() -> Tensor:
        indices = rng.integers(0, len(samples), BATCH)
        target = samples.targets(indices)
        weight = 1 + SPHERE_WEIGHT * sphere_mask(samples.images(indices), target)
        x = to_tensor(target)
        with half_precision():
            posterior = vae.encode(x).latent_dist
            painted = vae.decode(posterior.sample()).sample
        kl = posterior.kl().float().mean() / posterior.mean[0].numel()
        return pixel_error(painted.float(), x, weight) + _KL_WEIGHT * kl

    return loss


def pixel_error(painted: Tensor, target: Tensor, weight: Tensor) -> Tensor:
    """Return the weighted mean of absolute and squared error of images (B, 3, H, W); weight (B, 1, H, W)."""
    error = painted - target
    return ((error.abs() + 2 * error.square()) * weight).sum() / (3 * weight.sum())


def sphere_mask(views: np.ndarray, targets: np.ndarray) -> Tensor:
    """Return (B, 1, H, W), 1 where a target differs from its view, else 0."""
    return torch.from_numpy((views != targets).any(axis=-1)).float()[:, None]


class Latents:
    """Latents of all targets, encoded when first asked for and kept: targets never change, and few are needed twice.

    The factor to unit variance is stored in the autoencoder's `scaling_factor`, where the standard pipeline looks.
    """

    def __init__(self, vae: AutoencoderKL, samples: Samples, rng: np.random.Generator) -> None:
        """Measure the factor on a few samples."""
        self._vae, self._samples = vae.eval(), samples
        vae.register_to_config(scaling_factor=1.0)
        indices = rng.integers(0, len(samples), _SCALE_SAMPLES)
        factor = 1 / float(torch.cat([self._encode(index)[0] for index in indices]).float().std())
        vae.register_to_config(scaling_factor=factor)
        self._known: dict[int, tuple[Tensor, Tensor]] = {}

    def __call__(self, indices: NDArray[np.int64]) -> tuple[Tensor, Tensor]:
        """Return latents (B, C, h, w) of unit variance, and where spheres are (B, 1, h, w), 0 or 1."""
        for index in indices:
            if int(index) not in self._known:
                self._known[int(index)] = self._encode(int(index))
        latents, masks = zip(*(self._known[int(index)] for index in indices), strict=True)
        return torch.cat(latents).float(), torch.cat(masks).float()

    @torch.no_grad()
    def _encode(self, index: int) -> tuple[Tensor, Tensor]:
        target = self._samples.targets([index])
        with half_precision():
            latent = self._vae.encode(to_tensor(target)).latent_dist.mode() * self._vae.config.scaling_factor
        mask = sphere_mask(self._samples.images([index]), target)
        shrunk = functional.max_pool2d(mask, mask.shape[-1] // latent.shape[-1])
        return latent.half(), shrunk.half()
