# SPDX-License-Identifier: Apache-2.0
"""Which samples a step takes, and all that is random about them: functions of the seed and of how many came before.

Nothing has to be remembered to go on exactly, and any number of processes that share a step draws what one would.
"""

import zlib
from dataclasses import dataclass
from functools import cached_property, lru_cache

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor


@dataclass(frozen=True)
class Draw:
    """The samples that one process takes at once.

    Attributes:
        rows: (B,) numbers of the samples.
        positions: (B,) how many samples of the stage came before each.
        seed: Of the stage.
        device: Where tensors are made.
    """

    rows: NDArray[np.int64]
    positions: NDArray[np.int64]
    seed: tuple[int, ...]
    device: torch.device

    @cached_property
    def generators(self) -> list[np.random.Generator]:
        """One generator for each sample."""
        return [np.random.default_rng([*self.seed, int(position)]) for position in self.positions]

    @property
    def rng(self) -> np.random.Generator:
        """The first sample's generator, for what is drawn for all at once."""
        return self.generators[0]

    def normal(self, shape: tuple[int, ...]) -> Tensor:
        """Return (B, *shape) standard normal numbers."""
        return self._tensor([each.standard_normal(shape, dtype=np.float32) for each in self.generators])

    def uniform(self) -> Tensor:
        """Return (B,) even numbers in [0, 1)."""
        return self._tensor([each.random(dtype=np.float32) for each in self.generators])

    def integers(self, bound: int) -> Tensor:
        """Return (B,) whole numbers in [0, bound)."""
        return self._tensor([each.integers(bound) for each in self.generators])

    def seed_torch(self) -> None:
        """Seed torch's own generators, which layers draw from, by the first sample."""
        torch.manual_seed(int(np.random.SeedSequence([*self.seed, int(self.positions[0])]).generate_state(1)[0]))

    def _tensor(self, values: list) -> Tensor:
        return torch.from_numpy(np.stack(values)).to(self.device)


class Order:
    """The order of samples: each epoch has all of them once, in an order of its own."""

    def __init__(self, samples: int, stage: str, seed: int) -> None:
        """Of so many samples, in a stage of this name."""
        self._samples, self.seed = samples, (seed, zlib.crc32(stage.encode()))

    def draw(self, first: int, size: int, device: torch.device) -> Draw:
        """Return `size` samples from position `first` on."""
        positions = np.arange(first, first + size)
        epochs, places = np.divmod(positions, self._samples)
        rows = [self._permutation(int(epoch))[place] for epoch, place in zip(epochs, places, strict=True)]
        return Draw(np.array(rows, dtype=np.int64), positions, self.seed, device)

    @lru_cache(maxsize=2)  # noqa: B019  an order lives as long as its stage, and a step touches two epochs
    def _permutation(self, epoch: int) -> NDArray[np.int64]:
        return np.random.default_rng([*self.seed, 1, epoch]).permutation(self._samples)
