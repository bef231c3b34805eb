# SPDX-License-Identifier: Apache-2.0
"""One view to features, modulated by the instruction.

The encoder is a ResNet of basic blocks (He et al. 2016) with FiLM (Perez et al. 2018) after the second normalisation of
every block, as in the GENIMA paper; unlike there FiLM starts as the identity, so an untrained instruction changes nothing.
"""

import re
import zlib
from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional

MAX_WORDS = 32


def hash_words(instructions: Sequence[str], buckets: int) -> Tensor:
    """Turn instructions into bucket numbers (B, MAX_WORDS), padded with `buckets`.

    Words and neighbouring word pairs are hashed with CRC-32, so there is no vocabulary to ship and word order counts.
    """
    rows = []
    for instruction in instructions:
        words = re.findall(r'\w+', instruction.lower())
        grams = words + [f'{first} {second}' for first, second in pairwise(words)]
        row = [zlib.crc32(gram.encode()) % buckets for gram in grams][:MAX_WORDS]
        rows.append(row + [buckets] * (MAX_WORDS - len(row)))
    return torch.tensor(rows, dtype=torch.long).reshape(-1, MAX_WORDS)


class InstructionEncoder(nn.Module):
    """Mean of learned bucket vectors, normalised: (B, MAX_WORDS) bucket numbers -> (B, dim).

    It is trained with the controller and distinguishes the instructions of the dataset; it does not understand language.
    """

    def __init__(self, buckets: int, dim: int) -> None:
        super().__init__()
        # not an EmbeddingBag, which has this weight, too: in ONNX it is a loop that not every back end reads
        self.bag = nn.Embedding(buckets + 1, dim, padding_idx=buckets)
        self.norm = nn.LayerNorm(dim)
        self._padding = buckets

    def forward(self, words: Tensor) -> Tensor:
        """Embed `words` from `hash_words`."""
        known = (words != self._padding).to(self.bag.weight.dtype)[..., None]
        mean = (self.bag(words) * known).sum(1) / known.sum(1).clamp(min=1)
        embedded: Tensor = self.norm(mean)
        return embedded


class FiLM(nn.Module):
    """Scale and shift channels by a condition; the identity at the start of training."""

    def __init__(self, condition_dim: int, channels: int) -> None:
        super().__init__()
        self.affine = nn.Linear(condition_dim, 2 * channels)
        nn.init.zeros_(self.affine.weight)
        nn.init.zeros_(self.affine.bias)

    def forward(self, x: Tensor, condition: Tensor) -> Tensor:
        """Modulate `x` (N, C, H, W) by `condition` (N, E)."""
        scale, shift = self.affine(condition).to(x.dtype)[:, :, None, None].chunk(2, dim=1)
        return torch.addcmul(x + shift, x, scale)


class FilmBlock(nn.Module):
    """Basic residual block with FiLM before the addition."""

    def __init__(self, inputs: int, outputs: int, stride: int, condition_dim: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False)
        self.norm1 = nn.BatchNorm2d(outputs)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False)
        self.norm2 = nn.BatchNorm2d(outputs)
        self.film = FiLM(condition_dim, outputs)
        self.shortcut: nn.Module = nn.Identity()
        if stride != 1 or inputs != outputs:
            self.shortcut = nn.Sequential(nn.Conv2d(inputs, outputs, 1, stride, bias=False), nn.BatchNorm2d(outputs))

    def forward(self, x: Tensor, condition: Tensor) -> Tensor:
        """Map (N, inputs, H, W) to (N, outputs, H / stride, W / stride)."""
        y = functional.relu(self.norm1(self.conv1(x)))
        y = self.film(self.norm2(self.conv2(y)), condition)
        return functional.relu(y + self.shortcut(x))


class ViewEncoder(nn.Module):
    """Encode views one by one: (N, 3, S, S) in [-1, 1] -> (N, channels, S / stride, S / stride) in the last stage.

    Four stages of width 64 are the layout of ResNet-18.
    """

    def __init__(self, width: int, stages: int, condition_dim: int) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, width, 7, 2, 3, bias=False)
        self.norm = nn.BatchNorm2d(width)
        self.pool = nn.MaxPool2d(3, 2, 1)
        self.blocks = nn.ModuleList()
        channels = width
        for stage in range(stages):
            outputs = width * 2**stage
            self.blocks.append(FilmBlock(channels, outputs, 1 if stage == 0 else 2, condition_dim))
            self.blocks.append(FilmBlock(outputs, outputs, 1, condition_dim))
            channels = outputs
        self.channels = channels
        self.stride = 4 * 2 ** (stages - 1)

    def forward(self, views: Tensor, condition: Tensor) -> list[Tensor]:
        """Encode `views` (N, 3, S, S) under `condition` (N, E); returns the features of every stage, finest first."""
        x = self.pool(functional.relu(self.norm(self.stem(views))))
        stages = []
        for index, block in enumerate(self.blocks):
            x = block(x, condition)
            if index % 2 == 1:
                stages.append(x)
        return stages
