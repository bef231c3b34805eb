# SPDX-License-Identifier: Apache-2.0
"""A training stage with a budget, on one processor or many: resumable to the bit, stops cleanly at Ctrl-C."""

import math
import signal
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from types import FrameType
from typing import Any

import torch
from torch import Tensor, nn

from genima.errors import DatasetError, GenimaError
from genima.files import atomic_path
from genima.train.draws import Draw, Order
from genima.train.optimizers import Average, make_optimizer, rate_at
from genima.train.recipe import StageRecipe
from genima.train.workshop import Workshop

Loss = Callable[[Draw], Tensor]
_LOG_EVERY_S = 10.0


class _Objective(nn.Module):
    """Networks and the loss on them, as one module: what accelerate spreads over processes."""

    def __init__(self, networks: nn.Module, loss: Loss) -> None:
        super().__init__()
        self.networks, self._loss = networks, loss

    def forward(self, draw: Draw) -> Tensor:
        return self._loss(draw)


class Stage:
    """One network, or several together, in training.

    Attributes:
        name: What progress is reported under.
        networks: What is trained, where parameters require gradients.
        recipe: How.
        checkpoint: File that a later run resumes from.
        step: Steps done, over all runs.
        elapsed_s: Time used, over all runs.
    """

    def __init__(
        self,
        name: str,
        networks: nn.Module,
        recipe: StageRecipe,
        workshop: Workshop,
        samples: int = 1,
        evaluate: Callable[[int], Mapping[str, float | None]] | None = None,
    ) -> None:
        """Make optimizer and average, and take up the checkpoint.

        Args:
            name: See above; also of the checkpoint.
            networks: See above.
            recipe: See above.
            workshop: Where it is trained.
            samples: How many there are; 1 where the loss draws them itself.
            evaluate: Optional figures of the averaged weights, given the step; taken `recipe.evaluations` times.

        Raises:
            DatasetError: if the checkpoint is of another network.
            GenimaError: if the recipe has no budget.
        """
        if recipe.steps is None and recipe.minutes is None:
            raise GenimaError(f'{name}: neither steps nor minutes are given, so nobody knows when training ends')
        self.name, self.networks, self.recipe = name, networks, recipe
        self.checkpoint = workshop.folder / f'{name}.pt'
        self.step, self.elapsed_s = 0, 0.0
        self._workshop, self._accelerator, self._evaluate = workshop, workshop.accelerator, evaluate
        networks.to(self._accelerator.device)
        self._trained = [each for each in networks.parameters() if each.requires_grad]
        self._average = Average(self._trained, recipe.ema)
        self._optimizer = self._accelerator.prepare_optimizer(make_optimizer(recipe, self._trained))
        self._order = Order(samples, name, workshop.seed)
        if workshop.resume and self.checkpoint.is_file():
            self._load()

    @property
    def share(self) -> float:
        """Return the share of the budget that is used, 0 to 1."""
        if self.recipe.steps is not None:
            return min(1.0, self.step / self.recipe.steps) if self.recipe.steps else 1.0
        assert self.recipe.minutes is not None
        return min(1.0, self.elapsed_s / max(60 * self.recipe.minutes, 1e-9))

    def run(self, loss: Loss) -> None:
        """Take optimizer steps on `loss` until the budget is used; the networks then have the averaged weights.

        Raises:
            KeyboardInterrupt: after Ctrl-C, once the checkpoint is written.
            GenimaError: if the loss is no longer finite; the checkpoint is then an earlier one.
        """
        module = self._accelerator.prepare_model(_Objective(self.networks, loss))
        self.networks.train()
        total, count = torch.zeros((), device=self._accelerator.device), 0
        logged = saved = time.monotonic()
        stopped = False
        with interruptible() as interrupted:
            while self.share < 1 and not stopped:
                begun, before = time.monotonic(), self.share
                total, count = total + self._advance(module), count + 1
                stopped = self._agree(interrupted.is_set(), time.monotonic() - begun)
                now = time.monotonic()
                save = now - saved > 60 * self.recipe.save_minutes or self.share >= 1 or stopped
                if save or now - logged > _LOG_EVERY_S:
                    self._record({'loss': self._finite(float(total) / count)})
                    logged, total, count = now, torch.zeros_like(total), 0
                if save:
                    self.save()
                    saved = now
                if math.floor(self.share * self.recipe.evaluations) > math.floor(before * self.recipe.evaluations):
                    self._take_figures()
        self._accelerator.free_memory()
        if stopped:
            raise KeyboardInterrupt
        self._average.use()
        self.networks.eval()

    def save(self) -> None:
        """Write the checkpoint atomically; the first process does, and all have the same."""
        if not self._accelerator.is_main_process:
            return
        state: dict[str, Any] = {
            'step': self.step,
            'elapsed_s': self.elapsed_s,
            'model': self._state(),
            'average': self._average.values,
            'optimizer': self._optimizer.state_dict(),
            'scaler': self._accelerator.scaler.state_dict() if self._accelerator.scaler is not None else {},
        }
        with atomic_path(self.checkpoint) as temporary:
            torch.save(state, temporary)

    def _state(self) -> dict[str, Tensor]:
        """Return what training changes: trained weights, and the buffers of all."""
        fixed = {name for name, each in self.networks.named_parameters() if not each.requires_grad}
        return {name: value for name, value in self.networks.state_dict().items() if name not in fixed}

    def _load(self) -> None:
        try:
            state = torch.load(self.checkpoint, map_location='cpu', weights_only=True)
            if set(state['model']) != set(self._state()):
                raise ValueError('it has other weights')
            self.networks.load_state_dict(state['model'], strict=False)
            self._optimizer.load_state_dict(state['optimizer'])
            self._average.load(state['average'])
            if self._accelerator.scaler is not None and state['scaler']:
                self._accelerator.scaler.load_state_dict(state['scaler'])
            self.step, self.elapsed_s = int(state['step']), float(state['elapsed_s'])
        except Exception as error:  # torch.load raises what its reader met: unpickling, zip, end of file ...
            raise DatasetError(
                f'{self.checkpoint} is not a checkpoint of this network ({error}); remove it to begin again'
            ) from error

    def _advance(self, module: nn.Module) -> Tensor:
        """Take one step and return its mean loss on this process."""
        recipe, processes = self.recipe, self._accelerator.num_processes
        for group in self._optimizer.param_groups:
            group['lr'] = rate_at(recipe, self.step, self.share)
        total = torch.zeros((), device=self._accelerator.device)
        for turn in range(recipe.accumulate):
            first = (self.step * recipe.accumulate + turn) * processes + self._accelerator.process_index
            draw = self._order.draw(first * recipe.batch, recipe.batch, self._accelerator.device)
            draw.seed_torch()
            last = turn == recipe.accumulate - 1
            apart: AbstractContextManager[object] = nullcontext() if last else self._accelerator.no_sync(module)
            with apart:
                loss = module(draw) / recipe.accumulate
                self._accelerator.backward(loss)
            total += loss.detach()
        self._accelerator.clip_grad_norm_(self._trained, recipe.clip_norm)
        self._optimizer.step()
        self._optimizer.zero_grad()
        self.step += 1
        self._average.update(self.step)
        return total

    def _agree(self, interrupted: bool, seconds: float) -> bool:
        """Add to the time used, the same on every process, and return whether any was told to stop."""
        if self._accelerator.num_processes > 1:
            mine = torch.tensor([float(interrupted), seconds], device=self._accelerator.device)
            said = self._accelerator.reduce(mine, 'sum').tolist()
            interrupted, seconds = said[0] > 0, said[1] / self._accelerator.num_processes
        self.elapsed_s += seconds
        return interrupted

    def _take_figures(self) -> None:
        if self._evaluate is None:
            return
        if self._accelerator.is_main_process:
            self.networks.eval()
            with self._average.used(), self._accelerator.autocast():
                figures = self._evaluate(self.step)
            self.networks.train()
            self._record(figures)
        self._accelerator.wait_for_everyone()

    def _record(self, figures: Mapping[str, float | None]) -> None:
        self._workshop.record(self.name, self.step, self.share, self.elapsed_s / 60, figures)

    def _finite(self, loss: float) -> float:
        if not math.isfinite(loss):
            raise GenimaError(
                f'{self.name}: the loss is {loss} at step {self.step}: take a lower learning rate, or bf16 instead of fp16; '
                f'the last checkpoint is {self.checkpoint}'
            )
        return loss


@contextmanager
def interruptible() -> Iterator[threading.Event]:
    """Yield an event that Ctrl-C sets, so that a step ends before the loop does."""
    event = threading.Event()

    def note(signum: int, frame: FrameType | None) -> None:
        event.set()

    if threading.current_thread() is not threading.main_thread():
        yield event
        return
    before = signal.signal(signal.SIGINT, note)
    try:
        yield event
    finally:
        signal.signal(signal.SIGINT, before)
