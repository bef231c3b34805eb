# SPDX-License-Identifier: Apache-2.0
"""What all stages of a training share: the machine, where they write, and who is told how far they are."""

import importlib.util
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from accelerate import Accelerator
from accelerate.state import AcceleratorState, GradientState
from numpy.typing import NDArray

from genima.contract.spec import FILE_NAME, PolicySpec
from genima.errors import GenimaError
from genima.precision import computes_bfloat16

OnProgress = Callable[[str, float, Mapping[str, float]], None]
DIRECTORY = 'training'
TRACKERS = ('tensorboard', 'wandb', 'trackio')
PRECISIONS = ('auto', 'no', 'bf16', 'fp16')


def silent(stage: str, share: float, figures: Mapping[str, float]) -> None:
    """Report nothing."""


@dataclass(frozen=True)
class Machine:
    """What computes. On several GPUs or machines, start the same command with `accelerate launch`.

    Attributes:
        device: 'auto' = a GPU if there is one, or 'cpu'.
        precision: Of the computation, weights stay in single precision: 'bf16', 'fp16', 'no', or 'auto' = 'bf16' where
            the device computes with it.
        threads: Of torch on the CPU.
        trackers: Who is told the figures besides the JSON lines: some of `TRACKERS`.
    """

    device: str = 'auto'
    precision: str = 'auto'
    threads: int = 2
    trackers: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Refuse what cannot be."""
        if self.device not in ('auto', 'cpu') or self.precision not in PRECISIONS:
            raise GenimaError(
                f'training on device {self.device!r} with precision {self.precision!r}: allowed are auto, cpu (choose a GPU '
                f'with CUDA_VISIBLE_DEVICES) and {", ".join(PRECISIONS)}'
            )
        missing = [name for name in self.trackers if name not in TRACKERS or importlib.util.find_spec(name) is None]
        if missing:
            raise GenimaError(
                f'cannot log with {", ".join(missing)}: allowed are {", ".join(TRACKERS)}, and it must be installed '
                "(pip install tensorboard, 'genima[wandb]' or 'genima[trackio]')"
            )

    def start(self, folder: Path) -> Accelerator:
        """Return what runs the training, and set torch up for it."""
        torch.set_num_threads(self.threads)
        cpu = self.device == 'cpu' or not torch.cuda.is_available()
        precision = self.precision
        if precision == 'auto':
            precision = 'bf16' if computes_bfloat16('cpu' if cpu else 'cuda') else 'no'
        AcceleratorState._reset_state()  # a training before this one, in the same process, may have had other settings
        GradientState._reset_state()
        accelerator = Accelerator(
            cpu=cpu, mixed_precision=precision, log_with=list(self.trackers) or None, project_dir=str(folder)
        )
        if self.trackers:
            accelerator.init_trackers('genima')
        return accelerator


@dataclass
class Workshop:
    """Where stages are trained.

    Attributes:
        machine: What computes.
        folder: Checkpoints and logs.
        log: JSON-lines file of this training.
        seed: Of weights and of all draws.
        resume: Take up checkpoints.
        on_progress: Called by the first process with stage, share done, and figures.
    """

    machine: Machine
    folder: Path
    log: Path
    seed: int = 0
    resume: bool = True
    on_progress: OnProgress = silent
    accelerator: Accelerator = field(init=False)

    def __post_init__(self) -> None:
        """Set the machine up."""
        self.accelerator = self.machine.start(self.folder)
        torch.manual_seed(self.seed)

    def record(self, stage: str, step: int, share: float, minutes: float, figures: Mapping[str, float | None]) -> None:
        """Log figures of a stage and report them; only the first process does."""
        if not self.accelerator.is_main_process:
            return
        known = {name: float(value) for name, value in figures.items() if value is not None}
        line = {'stage': stage, 'step': step, 'minutes': round(minutes, 2)}
        self.log.parent.mkdir(parents=True, exist_ok=True)
        with self.log.open('a') as file:
            file.write(json.dumps({**line, **{name: round(value, 7) for name, value in known.items()}}) + '\n')
        self.accelerator.log({f'{stage}/{name}': value for name, value in known.items()}, step=step)
        self.on_progress(stage, share, known)

    def show(self, stage: str, step: int, name: str, image: NDArray[np.uint8]) -> None:
        """Show an image (H, W, 3) to the trackers, and keep it as `samples/<stage>_<name>.png`."""
        import cv2

        if not self.accelerator.is_main_process:
            return
        path = self.folder / 'samples' / f'{stage}_{name}_{step:07d}.png'
        path.parent.mkdir(parents=True, exist_ok=True)
        cv2.imwrite(str(path), image[..., ::-1])
        for tracker in self.accelerator.trackers:
            values = image.transpose(2, 0, 1)[None] if tracker.name == 'tensorboard' else image[None]
            tracker.log_images({f'{stage}/{name}': values}, step=step)

    def save_contract(self, policy_dir: Path | str, spec: PolicySpec, **changes: Any) -> None:
        """Write the contract with what a training found out; what another training wrote meanwhile stays."""
        there = PolicySpec.load(policy_dir) if (Path(policy_dir) / FILE_NAME).is_file() else spec
        replace(there, **changes).save(policy_dir)

    def end(self) -> None:
        """Close what the trackers have open."""
        self.accelerator.end_training()
