# SPDX-License-Identifier: Apache-2.0
"""Which back end: the one that was named, or the fastest of those that are there and say what torch says."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Generic, Protocol, TypeVar

import numpy as np

from genima.backends.exported import Exports
from genima.backends.measured import recall, remember
from genima.backends.runners import AUTO, BACK_ENDS, TORCH, check_name
from genima.errors import GenimaError

Network = TypeVar('Network')
ROUNDS = 7


class Side(Protocol[Network]):
    """Painter or controller, as the choice sees it.

    Attributes:
        name: 'painter' or 'controller'.
        torch: The networks as torch runs them.
        threads: CPU threads.
    """

    name: str
    torch: Network
    threads: int

    def exports(self) -> Exports:
        """Return what was exported; raises a GenimaError if nothing usable was."""

    def open(self, exports: Exports, back_end: str) -> Network:
        """Load the networks of a back end; raises a GenimaError if they cannot be."""

    def check(self, exports: Exports, back_end: str, network: Network) -> str:
        """Return how far a fixed result is from torch's in float32, in words; raises a GenimaError if it is too far."""

    def run(self, exports: Exports, network: Network) -> None:
        """Do once what a node does."""


@dataclass(frozen=True)
class Choice(Generic[Network]):
    """What was chosen.

    Attributes:
        back_end: Its name.
        network: Loaded, and checked unless it is torch itself.
        words: Why, and how it compares with torch; for the log.
    """

    back_end: str
    network: Network
    words: str


def choose(wanted: str, side: Side[Network], device: str) -> Choice[Network]:
    """Return the networks of a back end.

    Args:
        wanted: Of `runners.NAMES`.
        side: Painter or controller.
        device: Torch device; all back ends but torch run on the CPU.

    Raises:
        GenimaError: if the one that was named is not there, or does not say what torch says; 'auto' takes torch then.
    """
    check_name(wanted, device)
    if wanted == TORCH:
        return Choice(TORCH, side.torch, 'torch')
    if wanted in BACK_ENDS:
        return _checked(wanted, side, side.exports())
    if not device.startswith('cpu'):
        return Choice(TORCH, side.torch, f'torch (auto: other back ends run on the CPU, this is {device})')
    try:
        exports = side.exports()
    except GenimaError as error:
        return Choice(TORCH, side.torch, f'torch (auto: {error})')
    return _fastest(side, exports)


def _checked(name: str, side: Side[Network], exports: Exports) -> Choice[Network]:
    network = side.open(exports, name)
    return Choice(name, network, f'{name} ({side.check(exports, name, network)})')


def _fastest(side: Side[Network], exports: Exports) -> Choice[Network]:
    """Return what was fastest on this machine, measured now if it never was."""
    known = recall(exports, side.threads)
    if known == TORCH:
        return Choice(TORCH, side.torch, f'torch ({AUTO}: it was the fastest here)')
    refused: list[str] = []
    choices = {TORCH: Choice(TORCH, side.torch, 'torch')}
    for name in BACK_ENDS if known is None else [known]:
        if not BACK_ENDS[name].is_installed:
            continue
        try:
            choices[name] = _checked(name, side, exports)
        except GenimaError as error:
            refused.append(f'{name}: {error}')
    if known is not None:
        words = f'torch ({AUTO}: what was the fastest here cannot be used: {"; ".join(refused) or "not installed"})'
        return choices.get(known, Choice(TORCH, side.torch, words))
    milliseconds = measure({name: partial(side.run, exports, each.network) for name, each in choices.items()})
    best = min(milliseconds, key=milliseconds.__getitem__)
    where = remember(exports, side.threads, best, milliseconds)
    times = ', '.join(f'{name} {value:.1f} ms' for name, value in milliseconds.items())
    words = f'{choices[best].words}; {AUTO} measured {times}, kept in {where}'
    return Choice(best, choices[best].network, '; '.join([words, *refused]))


def measure(runs: dict[str, Callable[[], None]], rounds: int = ROUNDS) -> dict[str, float]:
    """Return the median wall time of each [ms], all of them in turn, so that a busy machine is busy for all."""
    times: dict[str, list[float]] = {name: [] for name in runs}
    for number in range(rounds + 1):
        for name, run in runs.items():
            begun = time.perf_counter()
            run()
            if number:  # the first round warms up
                times[name].append(1e3 * (time.perf_counter() - begun))
    return {name: float(np.median(each)) for name, each in times.items()}
