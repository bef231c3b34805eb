# SPDX-License-Identifier: Apache-2.0
"""`genima latency`: how late each camera's stamps are, from a recording in which the arm moves."""

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from genima.cli.convert import CameraOption, JointStatesOption, NamespaceOption, RigOption, StateOption
from genima.cli.output import JsonOption, console, print_table, write_json
from genima.cli.progress import progress_bar


def latency(
    recording: Annotated[Path, typer.Argument(help='Folder of one recording (with an .mcap file): 10 s of motion or more.')],
    robot: Annotated[
        str | None, typer.Option(help='Robot profile, if the recording does not name it.', show_default='as recorded')
    ] = None,
    search_ms: Annotated[tuple[float, float], typer.Option(metavar='LEAST MOST', help='Latencies to try [ms].')] = (
        -100.0,
        250.0,
    ),
    camera: CameraOption = None,
    rig: RigOption = None,
    joint_states: JointStatesOption = None,
    controller_state: StateOption = None,
    namespace: NamespaceOption = None,
    json_path: JsonOption = None,
) -> None:
    """Compare how the arm moves with how the images do; `genima dataset convert --latency` takes the file of --json."""
    from genima.convert.mcap.choice import said
    from genima.convert.mcap.latency import latencies

    choice = said(camera or (), rig or '', joint_states or '', controller_state or '', namespace)
    with progress_bar() as progress:
        task = progress.add_task('cameras', total=None)
        found = latencies(
            recording,
            robot,
            (1e-3 * search_ms[0], 1e-3 * search_ms[1]),
            lambda name, total: progress.update(task, advance=1, total=total),
            choice,
        )
    rows = [
        (name, each.watched, f'{1e3 * each.offset_s:+.1f}', f'{1e3 * each.uncertainty_s:.1f}', f'{each.fit:.2f}')
        for name, each in found.items()
    ]
    print_table('Latency of the cameras', ('camera', 'watched', 'latency [ms]', '± [ms]', 'fit'), rows)
    for name, each in found.items():
        if each.doubt:
            console.print(f'{name}: not reliable, {each.doubt}')
    reliable = {name: each.offset_s for name, each in found.items() if not each.doubt}
    write_json(json_path, {'offsets_s': reliable, 'cameras': {name: asdict(each) for name, each in found.items()}})
