# SPDX-License-Identifier: Apache-2.0
"""The one progress bar of all commands."""

from collections.abc import Iterator
from contextlib import contextmanager

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from genima.cli.output import errors


@contextmanager
def progress_bar() -> Iterator[Progress]:
    """Show a progress bar on standard error; add tasks to what it yields."""
    columns = (
        TextColumn('{task.description}'),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=errors) as progress:
        yield progress
