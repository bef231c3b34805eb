# SPDX-License-Identifier: Apache-2.0
"""`genima dataset retexture`: the same demonstrations with other textures on object or background."""

import re
from pathlib import Path
from typing import Annotated

import typer

from genima.cli.output import console
from genima.cli.progress import progress_bar
from genima.errors import DatasetError

COLORS = re.compile(r'\b(red|green|blue|yellow|orange|purple|pink|black|white|gr[ae]y|brown)\b', re.IGNORECASE)


def retexture(
    folder: Annotated[Path, typer.Argument(help='Folder of episodes.')],
    out: Annotated[Path, typer.Option(help='Another folder, for the new episodes.')],
    masks: Annotated[
        Path, typer.Option(help='Masks of the part: <episode>.h5, or <episode>/<camera>/<step>.png.', exists=True)
    ],
    part: Annotated[str, typer.Option(help='What the masks show: object or background.')] = 'object',
    seed: Annotated[int, typer.Option(min=0, help='Of the textures.')] = 0,
    textures: Annotated[
        Path | None, typer.Option(help='Folder of images to take textures from; procedural ones without.', exists=True)
    ] = None,
    keep_color: Annotated[
        bool, typer.Option('--keep-color', help='Only lighten and darken, where the instruction names the colour.')
    ] = False,
    workers: Annotated[int, typer.Option(min=1, help='Processes.')] = 1,
) -> None:
    """Swap the texture of object or background in recorded images, with light and shade kept; the metadata say so."""
    from genima.episodes.store import list_episodes, read_episode
    from genima.randomize.retextured import Swap, retexture_dataset

    if out.resolve() == folder.resolve():
        raise DatasetError(f'--out {out} is the dataset itself; name another folder')
    swap = Swap(part, str(masks), seed, str(textures or ''), keep_color)
    paths, done = list_episodes(folder), 0
    with progress_bar() as progress:
        task = progress.add_task('episodes', total=len(paths))
        for _ in retexture_dataset(folder, out, swap, workers):
            done += 1
            progress.update(task, advance=1)
        progress.update(task, completed=len(paths))
    console.print(f'{done} episodes written, {len(paths) - done} were there; folder {out}')
    instruction = str(read_episode(paths[0], images=False).metadata.get('instruction') or '')
    color = COLORS.search(instruction)
    if color and part == 'object' and not keep_color:
        console.print(f'the instruction says {color[0]!r}, the object may have another colour now: see --keep-color')
