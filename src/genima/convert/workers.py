# SPDX-License-Identifier: Apache-2.0
"""The same job for many episodes, in several processes."""

import multiprocessing
import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar

Item = TypeVar('Item')
Result = TypeVar('Result')


def in_processes(job: Callable[[Item], Result], items: Sequence[Item], workers: int) -> Iterator[Result]:
    """Yield what `job` returns for each item as it is done, in any order; with one worker, in this process."""
    if workers == 1 or len(items) < 2:
        yield from map(job, items)
        return
    with multiprocessing.get_context('spawn').Pool(min(workers, len(items)), initializer=_end_cleanly) as pool:
        yield from pool.imap_unordered(job, items)
        pool.close()
        pool.join()  # leaving the block would terminate processes that are just ending by themselves


def _end_cleanly() -> None:
    """Leave Ctrl-C to the parent, which ends the pool; end in a way that removes a half-written file."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(1))
