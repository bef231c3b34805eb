# SPDX-License-Identifier: Apache-2.0
"""`genima dataset describe`: note what episodes look like, after recording too."""

from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from genima.cli.output import console
from genima.errors import DatasetError


def describe(
    folder: Annotated[Path, typer.Argument(help='Folder of the dataset.', exists=True, file_okay=False)],
    episode: Annotated[
        list[str] | None, typer.Option(help='Number or name of an episode; may be given several times; all without it.')
    ] = None,
    lighting: Annotated[str | None, typer.Option(help='Such as overhead, side, mixed.')] = None,
    background: Annotated[str | None, typer.Option(help='Such as plain, cluttered, textured.')] = None,
    material: Annotated[
        list[str] | None, typer.Option(help='Of an object: such as matte, glossy, transparent; several times for several.')
    ] = None,
    clutter: Annotated[int | None, typer.Option(min=0, help='Things that lie about and are not part of the task.')] = None,
    task: Annotated[str | None, typer.Option(help='Name of the task.')] = None,
    instruction: Annotated[str | None, typer.Option(help='What the arm was told.')] = None,
) -> None:
    """Note task and instruction, or what lists and grades count as visual conditions: lighting, background, and so on."""
    from genima.episodes.annotate import write_metadata
    from genima.episodes.diversity import described, level
    from genima.episodes.index import refresh_index
    from genima.episodes.label_file import find_episode
    from genima.episodes.store import list_episodes

    words = {name: text for name, text in (('task', task), ('instruction', instruction)) if text}
    looks = lighting is not None or background is not None or bool(material) or clutter is not None
    if not looks and not words:
        options = '--lighting, --background, --material, --clutter, --task or --instruction'
        raise DatasetError(f'nothing to note: give {options}')
    conditions = partial(described, lighting=lighting, background=background, materials=material or None, clutter=clutter)
    paths = [find_episode(folder, name) for name in episode] if episode else list_episodes(folder)
    for path in paths:
        write_metadata(path, lambda metadata: {**(conditions(metadata) if looks else metadata), **words})
    names = {name for entry in refresh_index(folder) for name in entry.conditions}
    console.print(f'{len(paths)} episodes described; the dataset has {len(names)} conditions: {level(names)} diversity')
    for name in sorted(names):
        console.print(f'    {name}', markup=False)
