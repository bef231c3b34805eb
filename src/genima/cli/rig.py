# SPDX-License-Identifier: Apache-2.0
"""`genima rig`: which topics the cameras, the arm and the gripper of this lab have."""

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer
from rich.text import Text

from genima.cli.output import JsonOption, console, print_table, write_json
from genima.errors import GenimaError

app = typer.Typer(help='Map the topics of a lab to the names that policies know.', no_args_is_help=True)


@app.command()
def detect(
    out: Annotated[Path, typer.Option(help='Rig file to write.')] = Path('my_rig.yaml'),
    namespace: Annotated[str, typer.Option(help='Only look at topics in this namespace.')] = '',
    robot: Annotated[str, typer.Option(help='Robot profile, a name or a file; by default what fits the joint names.')] = '',
    seconds: Annotated[float, typer.Option(min=0.5, max=600, help='How long to listen.')] = 5.0,
    force: Annotated[bool, typer.Option('--force', help='Overwrite the file if there is one.')] = False,
    json_path: JsonOption = None,
) -> None:
    """Listen to a running graph and write a rig file from its topics; say what is missing. Commands nothing."""
    import rosless
    from genima.files import config_dir, write_atomic
    from genima.rig.detect import detect as propose
    from genima.robots.profile import RobotProfile

    if out.exists() and not force:
        raise GenimaError(f'{out} is there already; choose another name with --out, or overwrite it with --force')
    names = [robot] if robot else sorted(path.stem for path in (config_dir() / 'robots').glob('*.yaml'))
    profiles = [RobotProfile.load(name) for name in names]
    rosless.ensure()
    from genima_bringup.rig_detector import RigDetector

    with RigDetector() as detector:
        proposal = propose(detector.listen(seconds), profiles, namespace)
    for each in proposal.findings:
        mark, style = ('miss', 'bold yellow') if each.remedy else ('ok  ', 'green')
        console.print(Text(mark, style) + Text(f'  {each.what}: {each.finding}', 'default'), soft_wrap=True)
        if each.remedy:
            console.print(Text(f'      -> {each.remedy}', 'default'), soft_wrap=True)
    rig = None if proposal.rig is None else proposal.rig.to_dict()
    write_json(json_path, {'rig': rig, 'findings': [asdict(each) for each in proposal.findings]})
    if rig is None:
        console.print('no camera was found: nothing is written')
        raise typer.Exit(1)
    write_atomic(out, proposal.text())
    console.print(f'{out}: {len(rig["cameras"])} cameras; genima rig show {out} prints the mapping')


@app.command()
def show(
    rig: Annotated[str, typer.Argument(help='Rig file, or the name of one in config/rigs.')], json_path: JsonOption = None
) -> None:
    """Print which topic of the lab stands for which of ours."""
    from genima.rig.rig import Rig, image_topic, info_topic

    read = Rig.load(rig)
    rows = [['joint_states', read.joint_states]]
    for camera in read.cameras:
        ours = image_topic(camera.name) + ('/compressed' if camera.transport == 'compressed' else '')
        rows += [[ours, camera.images], [info_topic(camera.name), camera.info]]
    rows += [[f'gripper {key}', value] for key, value in read.gripper.items()]
    print_table(f'{read.source}, robot {read.robot or "of the stack"}', ['ours', 'of the lab'], rows)
    write_json(json_path, read.to_dict())
