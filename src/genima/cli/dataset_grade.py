# SPDX-License-Identifier: Apache-2.0
"""`genima dataset grade`: a letter for a dataset, for people and for CI."""

from pathlib import Path
from typing import Annotated

import typer

from genima.cli.output import JsonOption, console, print_table, write_json
from genima.cli.progress import progress_bar
from genima.errors import DatasetError


def grade(
    folder: Annotated[Path, typer.Argument(help='Folder of the dataset.', exists=True, file_okay=False)],
    least: Annotated[str, typer.Option('--min', help='Exit code 1 below this letter: A, B, C, D or F.')] = 'F',
    json_path: JsonOption = None,
) -> None:
    """Grade a dataset from A to F: the worst of its measures; no A where one could not be made."""
    from genima.episodes.store import list_episodes
    from genima.quality.grade import LETTERS
    from genima.quality.grade import grade as judge

    letter = least.strip().upper()
    if len(letter) != 1 or letter not in LETTERS:
        raise DatasetError(f'--min {least!r}: write one of {", ".join(LETTERS)}')
    with progress_bar() as progress:
        task = progress.add_task('episodes', total=len(list_episodes(folder)))
        given = judge(folder, lambda name: progress.advance(task))
    rows = []
    for mark in given.marks:
        value = '-' if mark.value is None else f'{mark.value:.4g} {mark.unit}'
        rows.append([mark.name, mark.letter or 'not measurable', value, mark.text, mark.source])
    print_table(f'Grade {given.letter}: {folder}', ('measure', 'letter', 'value', 'seen', 'source of the thresholds'), rows)
    good = given.reaches(letter)
    if not good:
        console.print(f'grade {given.letter} is below --min {letter}')
    write_json(json_path, {'min': letter, 'passes': good, **given.to_dict()})
    if not good:
        raise typer.Exit(1)
