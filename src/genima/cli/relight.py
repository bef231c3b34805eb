# SPDX-License-Identifier: Apache-2.0
"""`genima dataset relight`: the same demonstrations under other lights."""

from pathlib import Path
from typing import Annotated

import typer

from genima.cli.output import console
from genima.cli.progress import progress_bar
from genima.errors import DatasetError


def relight(
    folder: Annotated[Path, typer.Argument(help='Folder of episodes.')],
    out: Annotated[Path, typer.Option(help='Another folder, for the new episodes.')],
    seed: Annotated[int, typer.Option(min=0, help='Of the lights.')] = 0,
    workers: Annotated[int, typer.Option(min=1, help='Processes.')] = 1,
) -> None:
    """Write episodes under random lights (brightness 50 to 100 %, 3000 to 6500 K); their metadata say so."""
    from genima.episodes.store import list_episodes
    from genima.randomize.relit import relight_dataset

    if out.resolve() == folder.resolve():
        raise DatasetError(f'--out {out} is the dataset itself; name another folder')
    total, done = len(list_episodes(folder)), 0
    with progress_bar() as progress:
        task = progress.add_task('episodes', total=total)
        for _ in relight_dataset(folder, out, seed, workers):
            done += 1
            progress.update(task, advance=1)
        progress.update(task, completed=total)
    console.print(f'{done} episodes written, {total - done} were there; folder {out}')
