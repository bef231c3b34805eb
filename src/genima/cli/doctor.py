# SPDX-License-Identifier: Apache-2.0
"""`genima doctor`: is this rig ready for a run?"""

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.text import Text

from genima.cli.output import JsonOption, console, write_json

if TYPE_CHECKING:
    from genima_ros.rig.checks import Check


def doctor(
    policy: Annotated[Path, typer.Option(help='Policy directory that is to run.')] = Path('models/panda_pick'),
    robot: Annotated[str, typer.Option(help='Robot profile; the one that the policy names by default.')] = '',
    controller: Annotated[str, typer.Option(help="The joint_trajectory_controller; the profile's by default.")] = '',
    rig: Annotated[str, typer.Option(help='Rig file with the topics of your lab, or the name of one in config/rigs.')] = '',
    device: Annotated[str, typer.Option(help='Torch device of the painter: cpu or cuda.')] = 'cpu',
    seconds: Annotated[float, typer.Option(min=0.5, help='How long to listen.')] = 4.0,
    json_path: JsonOption = None,
) -> None:
    """Listen to cameras, joints and controller for a few seconds; one line per check. Commands nothing."""
    import rosless
    from genima.contract.spec import PolicySpec
    from genima.rig.rig import Rig
    from genima.robots.profile import RobotProfile

    rosless.ensure()
    from genima_bringup.doctor import Doctor
    from genima_bringup.graph import controller_name, policy_dir
    from genima_ros.rig.checks import check_gpu

    spec = PolicySpec.load(policy_dir(str(policy)))
    topics = Rig.load(rig) if rig else None
    robot = robot or (topics.robot if topics else '') or spec.robot
    profile = RobotProfile.load(robot)
    spec.check_robot(profile)
    with Doctor(spec, profile, controller or controller_name(robot), topics) as listener:
        checks = listener.examine(seconds) + check_gpu(_gpu_memory(device))
    _print(checks)
    write_json(json_path, {'ok': all(check.ok for check in checks), 'checks': [asdict(check) for check in checks]})
    if not all(check.ok for check in checks):
        raise typer.Exit(1)


def _gpu_memory(device: str) -> tuple[int, int] | None:
    """Return free and total bytes of a GPU, None for the CPU."""
    if device == 'cpu':
        return None
    from genima_ros.core.devices import check_device

    check_device(device)
    import torch

    return torch.cuda.mem_get_info(device)


def _print(checks: 'list[Check]') -> None:
    for check in checks:
        mark, style = ('ok  ', 'green') if check.ok else ('FAIL', 'bold red')
        console.print(Text(mark, style) + Text(f'  {check.name}: {check.finding}', 'default'), soft_wrap=True)
        if not check.ok and check.remedy:
            console.print(Text(f'      -> {check.remedy}', 'default'), soft_wrap=True)
    failed = sum(not check.ok for check in checks)
    console.print(f'{len(checks)} checks, {failed} failed')
