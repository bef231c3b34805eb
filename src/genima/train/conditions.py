# SPDX-License-Identifier: Apache-2.0
"""What a diffusion model is shown: camera images as conditions, varied; latents of target images; prompts, dropped."""

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from genima.painter.standard_pipeline import StableDiffusionControlNetPipeline
from genima.precision import half_precision
from genima.train.autoencoder import Latents, encode
from genima.train.draws import Draw
from genima.train.recipe import Augmentation
from genima.train.samples import Samples, to_tensor

_LUMA = (0.299, 0.587, 0.114)


class Conditions:
    """Conditions and the latents of the targets that belong to them.

    Colours vary on the condition only, as in GENIMA's released code, so latents are encoded once and kept; a shift moves
    both, and then latents are encoded at each step.
    """

    def __init__(self, samples: Samples, vae: object, augmentation: Augmentation, device: torch.device) -> None:
        """Of these samples; `vae` encodes and does not change."""
        self._samples, self._vae, self._augmentation = samples, vae, augmentation
        self._latents = Latents(vae, samples, device)

    def __call__(self, draw: Draw) -> tuple[Tensor, Tensor, Tensor]:
        """Return latents (B, C, h, w), where spheres are (B, 1, h, w), and conditions (B, 3, H, W) in [0, 1]."""
        images = to_tensor(self._samples.images(draw.rows)).to(draw.device)
        each = len(images) // len(draw.rows)
        if not self._augmentation.shift_px:
            latents, masks = self._latents(draw.rows)
        else:
            targets = self._samples.targets(draw.rows)
            masks = self._samples.sphere_mask(draw.rows, targets).to(draw.device)
            moved = _shifted(
                draw, self._augmentation.shift_px, images, to_tensor(targets).to(draw.device), masks, each=each
            )
            images, whole, masks = moved
            with torch.no_grad(), half_precision(draw.device):
                latents = encode(self._vae, whole).float()
            masks = functional.max_pool2d(masks, masks.shape[-1] // latents.shape[-1])
        return latents, masks, color_jitter(draw, (images + 1) / 2, self._augmentation)


def _shifted(draw: Draw, most_px: int, *images: Tensor, each: int) -> list[Tensor]:
    """Return images (B, C, H, W) shifted alike by up to `most_px`, mirrored at the border; `each` images share a draw."""
    moves = [rng.integers(0, 2 * most_px + 1, 2) for rng in draw.generators for _ in range(each)]
    padded = [functional.pad(image, [most_px] * 4, mode='reflect') for image in images]
    height, width = images[0].shape[-2:]
    return [
        torch.stack([one[:, y : y + height, x : x + width] for one, (y, x) in zip(image, moves, strict=True)])
        for image in padded
    ]


def color_jitter(draw: Draw, images: Tensor, augmentation: Augmentation) -> Tensor:
    """Change brightness, contrast, saturation and hue of images (B, 3, H, W) in [0, 1], of each moment alike.

    Hue is turned in the plane of constant luma (YIQ), which needs no detour over HSV.
    """
    most = (augmentation.brightness, augmentation.contrast, augmentation.saturation, augmentation.hue)
    if not any(most):
        return images
    each = len(images) // len(draw.rows)
    drawn = (np.stack([rng.uniform(-1, 1, 4) for rng in draw.generators]) * np.array(most)).astype(np.float32)
    factors = torch.from_numpy(drawn).to(images).repeat_interleave(each, dim=0)
    brightness, contrast, saturation, hue = (column[:, None, None, None] for column in factors.unbind(1))
    luma = torch.tensor(_LUMA).to(images)[:, None, None]
    images = (images * (1 + brightness)).clamp(0, 1)
    mean = (images * luma).sum(1, keepdim=True).mean((2, 3), keepdim=True)
    images = (mean + (images - mean) * (1 + contrast)).clamp(0, 1)
    gray = (images * luma).sum(1, keepdim=True)
    colors = (images - gray) * (1 + saturation)
    return (gray + _turned(colors, 2 * torch.pi * hue[:, 0, 0, 0])).clamp(0, 1)


def _turned(colors: Tensor, angle_rad: Tensor) -> Tensor:
    """Turn colours (B, 3, H, W) of zero luma about the luma axis by angles (B,)."""
    to_yiq = torch.tensor([_LUMA, (0.5959, -0.2746, -0.3213), (0.2115, -0.5227, 0.3112)]).to(colors)
    turn = torch.zeros(len(colors), 3, 3).to(colors)
    turn[:, 0, 0] = 1
    turn[:, 1, 1] = turn[:, 2, 2] = angle_rad.cos()
    turn[:, 1, 2], turn[:, 2, 1] = -angle_rad.sin(), angle_rad.sin()
    whole = torch.linalg.inv(to_yiq) @ turn @ to_yiq
    return torch.einsum('bij,bjhw->bihw', whole, colors)


class Prompts:
    """Embeddings of each sample's instruction, or of no words; embedded once where the text encoder does not change."""

    def __init__(
        self, pipeline: StableDiffusionControlNetPipeline, samples: Samples, dropout: float, trained: bool
    ) -> None:
        """With the share of samples that see no words."""
        self._encoder, self._dropout, self._trained = pipeline.text_encoder, dropout, trained
        self._instruction = torch.from_numpy(samples.instruction)
        prompts = [samples.spec.prompt(text) for text in samples.spec.instructions]
        self._empty = len(prompts)
        tokens = pipeline.tokenizer(
            [*prompts, ''], padding='max_length', max_length=pipeline.tokenizer.model_max_length, truncation=True,
            return_tensors='pt',
        )  # fmt: skip
        self._tokens = tokens['input_ids'].to(pipeline.text_encoder.device)
        with torch.no_grad():
            self._kept = torch.cat([self._embed(torch.tensor([number])) for number in range(len(self._tokens))])

    def __call__(self, draw: Draw, images: int) -> Tensor:
        """Return (images, tokens, width); the images of one moment see the same."""
        without = draw.uniform() < self._dropout
        said = self._instruction[draw.rows].to(without.device)
        chosen = torch.where(without, self._empty, said)
        if self._trained:
            needed, chosen = chosen.unique(return_inverse=True)
            return self._embed(needed)[chosen.repeat_interleave(images // len(draw.rows))]
        return self._kept[chosen.repeat_interleave(images // len(draw.rows))]

    def _embed(self, which: Tensor) -> Tensor:
        return self._encoder(self._tokens[which.to(self._tokens.device)])[0]
