# SPDX-License-Identifier: Apache-2.0
"""`genima dataset render`: target views as files."""

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from genima.cli.output import JsonOption, console, write_json
from genima.cli.progress import progress_bar

if TYPE_CHECKING:
    from genima.contract.spec import PolicySpec


def render(
    folder: Annotated[Path, typer.Argument(help='Folder of episodes.')],
    out: Annotated[Path, typer.Option(help='Folder for the images.')],
    policy: Annotated[Path | None, typer.Option(help='Policy directory whose contract says what to draw.')] = None,
    recipe: Annotated[str, typer.Option(help='Without --policy: a name in config/policies or a file.')] = 'small',
    robot: Annotated[str, typer.Option(help='Without --policy: robot profile; that of the episodes if empty.')] = '',
    horizon: Annotated[int | None, typer.Option(min=1, help="Steps ahead, instead of the contract's.")] = None,
    sphere: Annotated[
        list[str] | None, typer.Option(help='Draw only this sphere of the contract; may be given several times.')
    ] = None,
    view_size: Annotated[int | None, typer.Option(min=8, help="Edge of the views [px], instead of the contract's.")] = None,
    background: Annotated[
        str, typer.Option(help='What is behind the spheres: views, procedural, or a folder of images.')
    ] = 'views',
    seed: Annotated[int, typer.Option(min=0, help='Of random backgrounds.')] = 0,
    commanded: Annotated[
        bool, typer.Option(help='Take what was commanded, not the plan; needed for horizons beyond the plans.')
    ] = False,
    workers: Annotated[int, typer.Option(min=1, help='Processes.')] = 1,
    json_path: JsonOption = None,
) -> None:
    """Draw target views and write them as PNG files; episodes that are there already are kept."""
    from genima.episodes.store import list_episodes
    from genima.train.render import RenderOptions, render_targets, with_overrides

    spec = with_overrides(_contract(folder, policy, recipe, robot), horizon, sphere or (), view_size)
    total = len(list_episodes(folder))
    started_s, done, views = time.monotonic(), 0, 0
    with progress_bar() as progress:
        task = progress.add_task('episodes', total=total)
        for _, count in render_targets(folder, out, spec, RenderOptions(background, seed, commanded), workers):
            done, views = done + 1, views + count
            progress.update(task, advance=1)
        progress.update(task, completed=total)
    seconds = time.monotonic() - started_s
    rate = f', {views / seconds:.0f} views/s' if views else ''
    console.print(f'{views} target views of {done} episodes written{rate}, {total - done} were there; folder {out}')
    write_json(
        json_path,
        {'episodes': done, 'present': total - done, 'views': views, 'seconds': seconds, 'contract': spec.hash()},
    )


def _contract(folder: Path, policy: Path | None, recipe: str, robot: str) -> 'PolicySpec':
    """Return the contract of the policy, or of the recipe for the robot of the episodes."""
    from genima.contract.spec import PolicySpec
    from genima.episodes.store import list_episodes, read_episode
    from genima.errors import DatasetError
    from genima.robots.profile import RobotProfile

    if policy is not None:
        return PolicySpec.load(policy)
    first = list_episodes(folder)[0]
    name = robot or read_episode(first, images=False).metadata.get('robot')
    if not name:
        raise DatasetError(f'{first} does not say which robot it is of: name a profile with --robot')
    return PolicySpec.from_recipe(recipe, RobotProfile.load(name))
