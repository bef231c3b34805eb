# SPDX-License-Identifier: Apache-2.0
"""`genima replay`: a recording in place of a robot, or an episode on the arm."""

from pathlib import Path
from typing import Annotated

import typer

from genima.cli.up import launch_arguments
from genima.errors import GenimaError


def replay(
    source: Annotated[Path, typer.Argument(help='Recording (rosbag2 folder, .mcap); with --on-arm an episode (.h5).')],
    arguments: Annotated[
        list[str] | None, typer.Argument(help='Launch arguments, name:=value, as `genima up` takes them.')
    ] = None,
    policy: Annotated[Path | None, typer.Option(help="Policy directory that is to answer; the stack's by default.")] = None,
    stack: Annotated[str, typer.Option(help='franka or ur5e.')] = 'franka',
    rate: Annotated[float, typer.Option(min=0.01, max=100.0, help='Recorded seconds per second.')] = 1.0,
    on_arm: Annotated[
        bool, typer.Option('--on-arm', help='Move the arm along an episode, through the guard; a real one once you arm it.')
    ] = False,
) -> None:
    """Play a recording to a policy with no robot: in shadow mode it paints and judges, and nothing moves.

    With --on-arm the commands of an episode go through the guard: to a simulated arm, or with robot_ip:= to a real one.
    """
    from genima_bringup.launcher import launch

    values = launch_arguments(arguments)
    is_episode = source.suffix in ('.h5', '.hdf5')
    if is_episode != on_arm:
        raise GenimaError(
            f'{source}: an episode (.h5) moves an arm, say --on-arm; a recording is played without it, and becomes episodes'
            ' by `genima dataset convert`'
        )
    if on_arm:
        values = {'robot': _robot_of(source), 'record': 'false', **values, 'operator': 'retrace', 'episode': str(source)}
        raise typer.Exit(launch('record', arguments=values))
    values |= {'replay': str(source), 'replay_rate': str(rate)}
    raise typer.Exit(launch(stack, policy=policy, arguments=values))


def _robot_of(episode: Path) -> str:
    from genima.episodes.store import read_episode

    return str(read_episode(episode, images=False).metadata.get('robot') or '')
