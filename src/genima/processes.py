# SPDX-License-Identifier: Apache-2.0
"""The same job for many items, in several processes that Ctrl-C ends cleanly."""

import multiprocessing
import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar

Item = TypeVar('Item')
Result = TypeVar('Result')


def in_processes(
    job: Callable[[Item], Result], items: Sequence[Item], workers: int, ordered: bool = False
) -> Iterator[Result]:
    """Yield what `job` returns for each item; with one worker, in this process.

    Args:
        job: Importable, as are items and results picklable for the pipes between the processes.
        items: One call each.
        workers: Processes.
        ordered: Yield in the order of the items, else as they are done.
    """
    if workers == 1 or len(items) < 2:
        yield from map(job, items)
        return
    with multiprocessing.get_context('spawn').Pool(min(workers, len(items)), initializer=_end_cleanly) as pool:
        yield from (pool.imap if ordered else pool.imap_unordered)(job, items)
        pool.close()
        pool.join()  # leaving the block would terminate processes that are just ending by themselves


def _end_cleanly() -> None:
    """Leave Ctrl-C to the parent, which ends the pool; end in a way that removes a half-written file."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(1))
