# SPDX-License-Identifier: Apache-2.0
"""`genima view`: a running graph, a recording or an episode in the Rerun viewer, without ROS 2."""

from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from genima.cli.output import console, errors
from genima.cli.progress import progress_bar
from genima.errors import GenimaError

if TYPE_CHECKING:
    from genima.contract.spec import PolicySpec
    from genima.robots.profile import RobotProfile
    from genima.view.scene import Scene
    from genima.view.screen import Screen

RRD = '.rrd'


def view(
    source: Annotated[
        Path | None,
        typer.Argument(help='Recording (rosbag2 folder, .mcap), episode (.h5) or .rrd; nothing: the graph that runs.'),
    ] = None,
    save: Annotated[Path | None, typer.Option(metavar='FILE.rrd', help='Write a file in place of opening a window.')] = None,
    policy: Annotated[Path | None, typer.Option(help='Whose contract says which spheres; that of our recipe else.')] = None,
    robot: Annotated[str | None, typer.Option(help='Robot profile; what policy or recording name by default.')] = None,
    image_rate: Annotated[float, typer.Option(min=0.1, help='Most images per second and camera.')] = 10.0,
    seconds: Annotated[float | None, typer.Option(min=0.1, help='How long to watch a graph; until Ctrl-C else.')] = None,
) -> None:
    """Show robot, cameras with the predicted spheres, chunk, joints and guard in Rerun (`pip install "genima[view]"`).

    Its viewer sends usage statistics to its makers, unless `rerun analytics disable` was called once.
    """
    from genima.view import screen

    if source is not None and not source.exists():
        raise GenimaError(f'{source} does not exist; it is a recording (rosbag2 folder, .mcap), an episode (.h5) or .rrd')
    if source is not None and source.suffix == RRD:
        screen.open_file(source)
        return
    spec, profile = _robot(source, policy, robot)
    shown: AbstractContextManager[Screen] = screen.to_viewer() if save is None else screen.to_file(save)
    with shown as on:
        _show(source, on, spec, profile, image_rate, seconds)
    if save is not None:
        console.print(f'written to {save} ({save.stat().st_size / 1e6:.1f} MB); open it with: genima view {save}')


def _robot(source: Path | None, policy: Path | None, robot: str | None) -> 'tuple[PolicySpec, RobotProfile]':
    """Return contract and profile, from what was said, what the recording says, or our defaults."""
    from genima.contract.spec import PolicySpec
    from genima.robots.profile import RobotProfile
    from genima.view.stored import robot_in

    spec = None if policy is None else PolicySpec.load(policy)
    named = robot or (None if spec is None else spec.robot)
    profile = RobotProfile.load(named or 'panda' if source is None else robot_in(source, named))
    if spec is None:
        return PolicySpec.from_recipe('small', profile), profile
    spec.check_robot(profile)
    return spec, profile


def _show(
    source: Path | None, on: 'Screen', spec: 'PolicySpec', profile: 'RobotProfile', image_hz: float, seconds: float | None
) -> None:
    from genima.view.scene import Scene
    from genima.view.stored import EPISODE, show_episode, show_recording

    scene = Scene(on, spec, profile)
    if source is None:
        _watch(scene, image_hz, seconds)
        return
    with progress_bar() as progress:
        task = progress.add_task(f'reading {source.name}', total=None)

        def tell() -> None:
            progress.advance(task)

        if source.suffix == EPISODE:
            show_episode(source, scene, tell)
            return
        for sentence in show_recording(source, scene, image_hz, tell):
            errors.print(f'not shown: {sentence}')


def _watch(scene: 'Scene', image_hz: float, seconds: float | None) -> None:
    """Show the graph that runs; Ctrl-C is the usual end of it."""
    import rosless

    rosless.ensure()
    from genima_bringup.live_view import LiveView

    from genima.view.messages import MessageScene

    with LiveView(MessageScene(scene, image_hz), scene.spec.cameras) as watching:
        console.print(f'watching the graph ({scene.profile.name}); {"Ctrl-C ends" if seconds is None else f"{seconds:g} s"}')
        try:
            watching.run(seconds)
        except KeyboardInterrupt:
            console.print('ending')
        if not watching.heard:
            raise GenimaError(
                'no node said anything: does a graph run in this ROS_DOMAIN_ID, with the same RMW (rmw_cyclonedds_cpp)?'
            )
