# SPDX-License-Identifier: Apache-2.0
"""Optimizers by name, the learning rate over a stage, and the running average of weights."""

import math
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager

import torch
from torch import Tensor

from genima.errors import GenimaError
from genima.train.recipe import StageRecipe


def make_optimizer(recipe: StageRecipe, parameters: Iterable[torch.nn.Parameter]) -> torch.optim.Optimizer:
    """Return the optimizer that a recipe names.

    Raises:
        GenimaError: if it needs a package that is not installed.
    """
    rate, betas = recipe.learning_rate, (0.9, recipe.beta2)
    if recipe.optimizer == 'adafactor':
        return torch.optim.Adafactor(parameters, rate, weight_decay=recipe.weight_decay)
    if recipe.optimizer == 'adamw8bit':
        try:
            from bitsandbytes.optim import AdamW8bit
        except ImportError as error:
            raise GenimaError(
                "the optimizer adamw8bit needs bitsandbytes and a CUDA GPU: pip install 'genima[bits]', or take adafactor"
            ) from error
        return AdamW8bit(parameters, rate, betas=betas, weight_decay=recipe.weight_decay)
    return torch.optim.AdamW(parameters, rate, betas=betas, weight_decay=recipe.weight_decay, fused=True)


def rate_at(recipe: StageRecipe, step: int, share: float) -> float:
    """Return the learning rate of a step (from 0) when `share` of the budget is used."""
    warm_up = min(1.0, (step + 1) / max(recipe.warmup_steps, 1))
    fall = 0.97 * 0.5 * (1 + math.cos(math.pi * share)) + 0.03 if recipe.schedule == 'cosine' else 1.0
    return recipe.learning_rate * warm_up * fall


class Average:
    """A running average of weights; with a decay of 0, the weights themselves and no copy."""

    def __init__(self, parameters: Sequence[Tensor], decay: float) -> None:
        """Begin with the weights as they are."""
        self._parameters, self._decay = list(parameters), decay
        self.values = [each.detach().clone() for each in parameters] if decay else []

    def update(self, step: int) -> None:
        """Take in the weights after `step` steps."""
        if not self._decay:
            return
        decay = min(self._decay, (step + 1) / (step + 20))
        torch._foreach_mul_(self.values, decay)
        torch._foreach_add_(self.values, [each.detach() for each in self._parameters], alpha=1 - decay)

    def load(self, values: Sequence[Tensor]) -> None:
        """Take up a saved average."""
        if len(values) != len(self.values):
            raise ValueError(f'average of {len(values)} tensors, {len(self.values)} are needed')
        for mine, theirs in zip(self.values, values, strict=True):
            mine.copy_(theirs)

    def use(self) -> None:
        """Give the network its averaged weights."""
        if self._decay:
            _copy(self._parameters, self.values)

    @contextmanager
    def used(self) -> Iterator[None]:
        """Give the network its averaged weights for the block."""
        kept = [each.detach().clone() for each in self._parameters] if self._decay else []
        self.use()
        try:
            yield
        finally:
            if self._decay:
                _copy(self._parameters, kept)


def _copy(parameters: Sequence[Tensor], values: Sequence[Tensor]) -> None:
    with torch.no_grad():
        torch._foreach_copy_(list(parameters), list(values))
