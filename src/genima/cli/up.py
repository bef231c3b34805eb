# SPDX-License-Identifier: Apache-2.0
"""`genima up`: start a stack of nodes, without `ros2 launch`."""

from pathlib import Path
from typing import Annotated

import typer


def up(
    stack: Annotated[str, typer.Argument(help='Which robot: a file of config/stacks/, e.g. "franka".')] = 'franka',
    policy: Annotated[Path | None, typer.Option(help='Policy directory; the stack names its own by default.')] = None,
    param: Annotated[
        list[str] | None, typer.Option('--param', '-p', help='Override a node parameter: node.name=value (repeatable).')
    ] = None,
) -> None:
    """Start every node of a stack (the simulated arm by default) and run until Ctrl-C."""
    from genima_bringup.launcher import launch

    raise typer.Exit(launch(stack, policy=policy, overrides=param or []))
