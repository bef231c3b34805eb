# SPDX-License-Identifier: Apache-2.0
"""Spread independent work over processes, in order, so that Ctrl-C ends it cleanly."""

import multiprocessing
import signal
from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar

Item = TypeVar('Item')
Result = TypeVar('Result')


def spread(function: Callable[[Item], Result], items: Sequence[Item], workers: int) -> Iterator[Result]:
    """Yield `function(item)` for each item in order, from `workers` processes; in this one if that is 1."""
    if workers == 1 or len(items) < 2:
        yield from map(function, items)
        return
    with multiprocessing.get_context('spawn').Pool(min(workers, len(items)), initializer=_leave_interrupts) as pool:
        yield from pool.imap(function, items)


def _leave_interrupts() -> None:
    """Leave Ctrl-C to the parent, which ends the pool."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
