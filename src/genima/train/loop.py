# SPDX-License-Identifier: Apache-2.0
"""A training stage with a budget: resumable, stops cleanly at Ctrl-C, logs JSON lines."""

import json
import math
import signal
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import Any

import torch
from torch import Tensor, nn

from genima.errors import DatasetError
from genima.files import atomic_path

OnProgress = Callable[[str, float, Mapping[str, float]], None]
_SAVE_EVERY_S = 60.0
_LOG_EVERY_S = 10.0


def silent(stage: str, share: float, figures: Mapping[str, float]) -> None:
    """Report nothing."""


@dataclass
class Stage:
    """One network in training for a number of minutes; the time spent is kept in its checkpoint.

    Attributes:
        name: What progress is reported under.
        model: What is trained.
        minutes: Time budget, over all runs.
        learning_rate: At its highest.
        checkpoint: File that a later run resumes from.
        log: JSON-lines file.
        on_progress: Called with the stage, the share done, and figures.
        resume: Take up the checkpoint if there is one.
        evaluate: Optional figures of the averaged weights, taken `evaluations` times.
    """

    name: str
    model: nn.Module
    minutes: float
    learning_rate: float
    checkpoint: Path
    log: Path
    on_progress: OnProgress = silent
    resume: bool = True
    evaluate: Callable[[], Mapping[str, float]] | None = None
    evaluations: int = 5
    step: int = field(default=0, init=False)
    elapsed_s: float = field(default=0.0, init=False)

    def __post_init__(self) -> None:
        """Make optimizer and average, and take up the checkpoint."""
        self._parameters = [each for each in self.model.parameters() if each.requires_grad]
        self._optimizer = torch.optim.AdamW(
            self._parameters, self.learning_rate, betas=(0.9, 0.98), weight_decay=1e-4, fused=True
        )
        self._average = [each.detach().clone() for each in self._parameters]
        if self.resume and self.checkpoint.is_file():
            self._load()

    @property
    def share(self) -> float:
        """Return the share of the budget that is used, 0 to 1."""
        return min(1.0, self.elapsed_s / max(60 * self.minutes, 1e-9))

    def run(self, loss: Callable[[], Tensor]) -> None:
        """Take optimizer steps on `loss()` until the budget is used; the model then has the averaged weights.

        Raises:
            KeyboardInterrupt: after Ctrl-C, once the checkpoint is written.
        """
        self.model.train()
        losses: list[float] = []
        logged = saved = time.monotonic()
        evaluated = math.floor(self.share * self.evaluations)
        with interruptible() as interrupted:
            while self.share < 1 and not interrupted.is_set():
                begun = time.monotonic()
                losses.append(self._advance(loss()))
                now = time.monotonic()
                self.elapsed_s += now - begun
                if now - logged > _LOG_EVERY_S or self.share >= 1:
                    self.record({'loss': sum(losses) / len(losses)})
                    logged, losses = now, []
                if now - saved > _SAVE_EVERY_S:
                    self.save()
                    saved = now
                if self.evaluate and math.floor(self.share * self.evaluations) > evaluated:
                    evaluated = math.floor(self.share * self.evaluations)
                    with self.averaged():
                        self.record(self.evaluate())
            self.save()
        if interrupted.is_set():
            raise KeyboardInterrupt
        self._use_average()
        self.model.eval()

    @contextmanager
    def averaged(self) -> Iterator[None]:
        """Give the model its averaged weights for the block."""
        kept = [each.detach().clone() for each in self._parameters]
        self._use_average()
        self.model.eval()
        try:
            yield
        finally:
            self._copy(kept)
            self.model.train()

    def record(self, figures: Mapping[str, float]) -> None:
        """Log figures and report them."""
        line = {'stage': self.name, 'step': self.step, 'minutes': round(self.elapsed_s / 60, 2)}
        self.log.parent.mkdir(parents=True, exist_ok=True)
        with self.log.open('a') as file:
            file.write(json.dumps({**line, **{name: round(value, 5) for name, value in figures.items()}}) + '\n')
        self.on_progress(self.name, self.share, figures)

    def save(self) -> None:
        """Write the checkpoint atomically."""
        state: dict[str, Any] = {
            'step': self.step,
            'elapsed_s': self.elapsed_s,
            'model': self.model.state_dict(),
            'average': self._average,
            'optimizer': self._optimizer.state_dict(),
        }
        with atomic_path(self.checkpoint) as temporary:
            torch.save(state, temporary)

    def _load(self) -> None:
        try:
            state = torch.load(self.checkpoint, map_location='cpu', weights_only=True)
            self.model.load_state_dict(state['model'])
            self._optimizer.load_state_dict(state['optimizer'])
            self._average = [each.clone() for each in state['average']]
            self.step, self.elapsed_s = int(state['step']), float(state['elapsed_s'])
        except Exception as error:  # torch.load raises what its reader met: unpickling, zip, end of file ...
            raise DatasetError(
                f'{self.checkpoint} is not a checkpoint of this network ({error}); remove it to begin again'
            ) from error

    def _advance(self, loss: Tensor) -> float:
        for group in self._optimizer.param_groups:
            group['lr'] = self._rate()
        loss.backward()
        nn.utils.clip_grad_norm_(self._parameters, 1.0)
        self._optimizer.step()
        self._optimizer.zero_grad()
        self.step += 1
        decay = min(0.998, (self.step + 1) / (self.step + 20))
        torch._foreach_mul_(self._average, decay)
        torch._foreach_add_(self._average, [each.detach() for each in self._parameters], alpha=1 - decay)
        return float(loss.detach())

    def _rate(self) -> float:
        """Return the rate: a short warm-up, then a cosine over the budget, so that time decides, not steps."""
        warm_up = min(1.0, (self.step + 1) / 100)
        return self.learning_rate * warm_up * (0.97 * 0.5 * (1 + math.cos(math.pi * self.share)) + 0.03)

    def _use_average(self) -> None:
        self._copy(self._average)

    def _copy(self, values: list[Tensor]) -> None:
        with torch.no_grad():
            torch._foreach_copy_(list[Tensor](self._parameters), values)


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
