# SPDX-License-Identifier: Apache-2.0
"""`genima bench drift`: does the drift filter find cameras that were moved, and no others?"""

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from genima.cli.output import JsonOption, console, print_table, write_json
from genima.cli.progress import progress_bar


def drift(
    data: Annotated[Path, typer.Option(help='Folder of native episodes, their cameras calibrated well.')],
    moved: Annotated[int, typer.Option(min=0, help='In so many of them one camera is moved.')] = 10,
    offset_px: Annotated[float, typer.Option(min=0.1, help='How far the arm moves in its images [px].')] = 6.0,
    seed: Annotated[int, typer.Option(min=0, help='Of everything that is random.')] = 1,
    json_path: JsonOption = None,
) -> None:
    """Move cameras of some episodes, and count which the drift filter finds; exit code 1 if it misses one."""
    from genima.bench.drift import passes, run_drift
    from genima.episodes.store import list_episodes

    outcomes = []
    with progress_bar() as progress:
        task = progress.add_task('episodes', total=len(list_episodes(data)))
        for outcome in run_drift(data, moved, offset_px, seed):
            outcomes.append(outcome)
            progress.advance(task)
    shown = [each for each in outcomes if each.camera or each.rejected]
    rows = [[each.episode, each.camera or '-', each.way or '-', each.verdict, each.text] for each in shown]
    print_table(f'cameras moved by {offset_px:g} px, and what was rejected', ['episode', 'moved', 'way', '', 'seen'], rows)
    found = sum(each.rejected for each in outcomes if each.camera)
    wrong = sum(each.rejected for each in outcomes if not each.camera)
    still_px = [each.drift_px for each in outcomes if not each.camera and each.drift_px is not None]
    unmeasured = sum(each.drift_px is None for each in outcomes)
    console.print(f'{found} of {moved} moved cameras found, {wrong} of {len(outcomes) - moved} others rejected wrongly')
    console.print(f'{unmeasured} not measurable; the others show at most {max(still_px, default=0.0):.2f} px')
    good = passes(outcomes)
    write_json(
        json_path,
        {'found': found, 'moved': moved, 'wrong': wrong, 'passes': good, 'episodes': [asdict(each) for each in outcomes]},
    )
    if not good:
        raise typer.Exit(1)
