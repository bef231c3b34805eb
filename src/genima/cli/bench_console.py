# SPDX-License-Identifier: Apache-2.0
"""`genima bench console`: what the operator console costs, and whether the 10 Hz loop feels it."""

import os
from pathlib import Path
from typing import Annotated

import typer

from genima.cli.output import JsonOption, console, print_table, write_json
from genima.cli.progress import progress_bar


def console_costs(
    policy: Annotated[Path, typer.Option(help='Policy directory; it is the 10 Hz loop.')] = Path('models/panda_pick'),
    browsers: Annotated[list[int] | None, typer.Option(min=0, help='Browsers at once (repeatable); 0, 1 and 4.')] = None,
    seconds: Annotated[float, typer.Option(min=2.0, help='Length of each measurement [s].')] = 60.0,
    width_px: Annotated[
        int, typer.Option(min=16, help='How wide browsers show an image [px]; the page on a screen of 1440 px: 245.')
    ] = 640,
    json_path: JsonOption = None,
) -> None:
    """Show four 640x480 views at 30 fps to no, one and four browsers; CPU of the console, period errors of the loop."""
    import rosless

    os.environ.setdefault('ROS_DOMAIN_ID', str(1 + os.getpid() % 100))
    os.environ.setdefault('ROS_AUTOMATIC_DISCOVERY_RANGE', 'LOCALHOST')
    rosless.ensure()
    from genima_bringup.console_bench.rig import bench_console
    from genima_bringup.graph import policy_dir

    counts: list[int | None] = [None, *(browsers or (0, 1, 4))]
    rows = []
    with progress_bar() as progress:
        task = progress.add_task('measurements', total=len(counts))
        for row in bench_console(policy_dir(str(policy)), counts, seconds, width_px):
            rows.append(row)
            progress.advance(task)
    cells = [
        [
            'no console' if row['browsers'] is None else row['browsers'],
            _figure(row['cpu_percent']),
            _figure(row['period_error_ms_p50']),
            _figure(row['period_error_ms_p99']),
            _figure(row['period_error_ms_max']),
            _figure(row['slowest_view_fps']),
        ]
        for row in rows
    ]
    columns = ['browsers', 'CPU, % of a core', 'period error p50, ms', 'p99', 'max', 'slowest view, fps']
    print_table(f'console and 10 Hz loop, four views of 640x480 at 30 fps, shown {width_px} px wide', columns, cells)
    console.print(f'{os.cpu_count()} cores; the browsers are clients on this machine; they take images, but draw none')
    about = {'policy': str(policy), 'seconds': seconds, 'width_px': width_px, 'cores': os.cpu_count()}
    write_json(json_path, {**about, 'rows': rows})


def _figure(value: float | None) -> str:
    return '' if value is None else f'{value:.1f}'
