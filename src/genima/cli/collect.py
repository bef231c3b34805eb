# SPDX-License-Identifier: Apache-2.0
"""`genima collect`: demonstrations of the scripted expert in simulation."""

import time
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import numpy as np
import typer

from genima.cli.options import SimulatorOption, SimulatorTokenOption
from genima.cli.output import JsonOption, console, write_json
from genima.cli.progress import progress_bar


def collect(
    out: Annotated[Path, typer.Option(help='Folder for the episodes.')] = Path('data/panda_pick'),
    episodes: Annotated[int, typer.Option(min=1, help='Episodes to have in the end.')] = 400,
    seed: Annotated[int, typer.Option(min=0, help='Seed of the first episode; the others count up from it.')] = 0,
    robot: Annotated[str, typer.Option(help='Robot profile: a name in config/robots or a file.')] = 'panda',
    task: Annotated[str, typer.Option(help='Task that is demonstrated, also of another package; empty: the default.')] = '',
    diversity: Annotated[
        str, typer.Option(help='How much light and textures vary from episode to episode: none, low, medium or high.')
    ] = 'none',
    textures: Annotated[
        Path | None, typer.Option(help='Folder of images to take textures from; procedural ones without.')
    ] = None,
    image_px: Annotated[
        int, typer.Option(min=16, max=2048, help='Edge of the square images; at least that of the views of your policy.')
    ] = 128,
    masks: Annotated[
        Path | None, typer.Option(help='Folder for masks of object and background, for `genima dataset retexture`.')
    ] = None,
    cameras: Annotated[str, typer.Option(help='front, or NAME=front under another name, by commas; all four without.')] = '',
    simulator: SimulatorOption = 'mujoco',
    simulator_token: SimulatorTokenOption = '',
    workers: Annotated[int, typer.Option(min=1, help='Processes.')] = 2,
    json_path: JsonOption = None,
) -> None:
    """Record demonstrations of a scripted expert; episodes that are there already are kept."""
    from genima.robots.profile import RobotProfile
    from genima.sim.collect import CollectConfig, episode_path
    from genima.sim.collect import collect as run
    from genima.sim.look import Look
    from genima.sim.registry import check_simulator
    from genima.tasks.registry import find_task

    config = CollectConfig(diversity=diversity, textures=str(textures or ''), image_px=image_px, cameras=cameras)
    config = replace(config, masks=str(masks or ''), task=task, simulator=simulator, token=simulator_token)
    find_task(task)
    check_simulator(simulator, cameras, simulator_token)
    RobotProfile.load(robot)  # a wrong name fails here, not in every worker
    Look.draw(diversity, np.random.default_rng(0), config.textures)  # likewise
    seeds = range(seed, seed + episodes)
    present = sum(episode_path(out, each).exists() for each in seeds)
    started_s, successes, done = time.monotonic(), 0, 0
    with progress_bar() as progress:
        bar = progress.add_task('episodes', total=episodes, completed=present)
        for _, success in run(out, seeds, robot, workers, config):
            successes, done = successes + success, done + 1
            progress.update(bar, advance=1)
    seconds = time.monotonic() - started_s
    console.print(f'{done} episodes recorded ({successes} successful), {present} were there; folder {out}')
    write_json(json_path, {'recorded': done, 'successes': successes, 'present': present, 'seconds': seconds})
