# SPDX-License-Identifier: Apache-2.0
"""`genima failures`: what went wrong while a policy ran."""

from pathlib import Path
from typing import Annotated

import typer

from genima.cli.output import JsonOption, console, print_table, write_json

app = typer.Typer(help='Moments that an operator flagged while a policy ran.', no_args_is_help=True)


@app.callback()
def _failures() -> None:
    """Keep `report` a command of its own."""


@app.command()
def report(
    folder: Annotated[Path, typer.Argument(help='Folder of flagged failures.')] = Path('failures'),
    policy: Annotated[
        Path | None, typer.Option(help='Policy directory that ran, where the segments do not have its contract.')
    ] = None,
    again: Annotated[bool, typer.Option(help='Diagnose anew what was diagnosed before.')] = False,
    out: Annotated[Path | None, typer.Option(help='Also write a page with images here (HTML).')] = None,
    json_path: JsonOption = None,
) -> None:
    """Count failures by task and cause, and say what the data say about each of them."""
    from genima.cli.failures_page import failures_page
    from genima.cli.progress import progress_bar
    from genima.failures.layout import list_segments
    from genima.failures.report import count_causes, count_diagnoses, read_segments
    from genima.files import write_atomic

    segments = []
    with progress_bar() as progress:
        task = progress.add_task('segments', total=len(list_segments(folder)))
        for segment in read_segments(folder, policy or '', again):
            segments.append(segment)
            progress.advance(task)
    causes, diagnoses = count_causes(segments), count_diagnoses(segments)
    rows = [[name, cause, count] for name, counts in causes.items() for cause, count in counts.items()]
    print_table('failures', ['task', 'flagged as', 'times'], rows)
    if diagnoses:
        print_table('diagnoses', ['diagnosis', 'segments'], list(diagnoses.items()))
    for segment in segments:
        said = '; '.join(str(each['text']) for each in segment.flag.diagnoses) if segment.flag else ''
        cause = f'{segment.flag.cause}. ' if segment.flag else ''
        console.print(
            f'{segment.folder.name}: {cause}{segment.trouble or said or "nothing found in the data"}', highlight=False
        )
    if out is not None:
        write_atomic(out, failures_page(folder, segments, policy or ''))
        console.print(f'page: {out}')
    figures = {'folder': str(folder), 'causes': causes, 'diagnoses': diagnoses}
    write_json(json_path, {**figures, 'segments': [segment.to_json() for segment in segments]})
