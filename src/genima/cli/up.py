# SPDX-License-Identifier: Apache-2.0
"""`genima up`: start a stack of nodes, without `ros2 launch`."""

from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperCommand

from genima.errors import GenimaError


class UpCommand(TyperCommand):
    """Lists the launch arguments below the help; they are read when somebody asks, for the nodes' packages load slowly."""

    def format_help(self, ctx: Any, formatter: Any) -> None:
        """Write the help, then one line for each launch argument."""
        super().format_help(ctx, formatter)
        from genima_bringup.arguments import ARGUMENTS

        formatter.write('\nLaunch arguments:\n')
        for argument in ARGUMENTS:
            choices = f' [{"|".join(filter(None, argument.choices))}]' if argument.choices else ''
            formatter.write(f'  {argument.name}:={argument.default}{choices}\n      {argument.description}\n')


def up(
    stack: Annotated[str, typer.Argument(help='franka, ur5e, or record.')] = 'franka',
    arguments: Annotated[
        list[str] | None, typer.Argument(help='Launch arguments, name:=value, as for `ros2 launch`; they stand below.')
    ] = None,
    policy: Annotated[Path | None, typer.Option(help='Policy directory; the stack names its own by default.')] = None,
    param: Annotated[
        list[str] | None, typer.Option('--param', '-p', help='Override a node parameter: node.name=value (repeatable).')
    ] = None,
) -> None:
    """Start every node of a stack and run until Ctrl-C: a policy that moves an arm, simulated by default, or recording."""
    from genima_bringup.launcher import launch

    raise typer.Exit(launch(stack, policy=policy, overrides=param or [], arguments=launch_arguments(arguments)))


def launch_arguments(texts: list[str] | None) -> dict[str, str]:
    """Return launch arguments by name.

    Raises:
        GenimaError: if one is not of the form name:=value.
    """
    values = {}
    for text in texts or []:
        name, assigned, value = text.partition(':=')
        if not (name and assigned):
            raise GenimaError(f'launch argument {text!r}: the form is name:=value, for example seed:=7')
        values[name] = value
    return values
