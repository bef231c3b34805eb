# SPDX-License-Identifier: Apache-2.0
"""How commands print: figures as JSON or as a table, everything else on the terminal."""

import json
import os
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from genima.files import write_atomic

FILE_COLUMNS = 200  # of what does not go to a terminal: tables must not be cut there
console = Console(width=None if sys.stdout.isatty() or 'COLUMNS' in os.environ else FILE_COLUMNS)
errors = Console(stderr=True)

JsonOption = Annotated[
    Path | None, typer.Option('--json', help='Also write the figures to this file as JSON ("-" for standard output).')
]


def write_json(path: Path | None, figures: dict[str, Any]) -> None:
    """Write `figures` where `--json` said, if it said anything."""
    if path is None:
        return
    text = json.dumps(figures, indent=2) + '\n'
    if str(path) == '-':
        print(text, end='')
    else:
        write_atomic(path, text)
        console.print(f'figures written to {path}')


def print_table(title: str, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Print one table; the first column is left-aligned, figures are right-aligned."""
    table = Table(title=title, title_justify='left')
    for index, column in enumerate(columns):
        table.add_column(column, justify='left' if index == 0 else 'right')
    for row in rows:
        table.add_row(*(str(cell) for cell in row))
    console.print(table)


def timing_rows(timing: dict[str, dict[str, float]]) -> list[list[str]]:
    """Turn {stage: {p50, p95, p99}} in milliseconds into table rows."""
    return [[stage, *(f'{share[name]:.1f}' for name in ('p50', 'p95', 'p99'))] for stage, share in timing.items()]


def share_rows(limits: dict[str, float]) -> list[list[str]]:
    """Turn {limit: worst share} into table rows, in percent of the limit."""
    return [[name, f'{100 * share:.0f} %'] for name, share in limits.items()]
