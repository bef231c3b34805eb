# SPDX-License-Identifier: Apache-2.0
"""`genima import-checkpoint`: a ControlNet trained with the original code becomes the painter of a policy."""

from pathlib import Path
from typing import Annotated

import typer

from genima.cli.output import JsonOption, console, write_json


def import_checkpoint(
    controlnet: Annotated[Path, typer.Argument(help='Folder of the ControlNet: config.json and safetensors.')],
    base: Annotated[str, typer.Option(help='The base model it was trained on: a folder, or with --revision an identifier.')],
    policy: Annotated[Path, typer.Option(help='Policy directory to make.')],
    recipe: Annotated[str, typer.Option(help='What it paints: a name in config/policies or a file.')] = 'paper',
    robot: Annotated[str, typer.Option(help='Robot profile.')] = 'panda',
    revision: Annotated[str, typer.Option(help='Commit or branch on the hub; without it nothing is downloaded.')] = '',
    vae: Annotated[str, typer.Option(help='Another autoencoder for the same latents, as TAESD.')] = '',
    refer: Annotated[bool, typer.Option(help='Only say where the base lies, instead of copying its parts.')] = False,
    json_path: JsonOption = None,
) -> None:
    """Make a policy's painter from a ControlNet that was trained elsewhere; its controller is trained afterwards."""
    from genima.contract.spec import FILE_NAME, PolicySpec
    from genima.errors import PolicyError
    from genima.painter.base import find_base
    from genima.painter.foreign import import_controlnet
    from genima.robots.profile import RobotProfile

    if (policy / FILE_NAME).exists():
        raise PolicyError(f'{policy} holds a policy already: choose another --policy')
    spec = PolicySpec.from_recipe(recipe, RobotProfile.load(robot))
    spec = import_controlnet(controlnet, find_base(base, revision, vae), policy, spec, not refer)
    console.print(f'painter written to {policy / "painter"}; the controller: genima train controller --policy {policy}')
    write_json(json_path, {'painter': str(policy / 'painter'), 'contract': spec.hash()})
