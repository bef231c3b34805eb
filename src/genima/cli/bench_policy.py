# SPDX-License-Identifier: Apache-2.0
"""`genima bench policy`: the back ends of one policy side by side."""

from pathlib import Path
from typing import Annotated

import typer

from genima.cli.output import JsonOption, console, print_table, write_json


def policy(
    policy: Annotated[Path, typer.Option(help='Policy directory, after `genima export`.')] = Path('models/panda_pick'),
    data: Annotated[Path, typer.Option(help='Episodes that the policy was not trained on.')] = Path('data/held_out'),
    moments: Annotated[int, typer.Option(min=2, help='Samples, spread over all episodes.')] = 24,
    threads: Annotated[int, typer.Option(min=1, max=256, help='CPU threads.')] = 1,
    json_path: JsonOption = None,
) -> None:
    """Paint and act with every back end in turn; print processor time, PSNR and the error of sphere centres."""
    from genima.bench.backends import bench_backends

    rows, missing = bench_backends(policy, data, moments, threads)
    columns = ['network', 'back end', 'ms', 'ratio', 'PSNR dB', 'center px', 'p90 px', 'missed', 'off mrad']
    cells = [
        [
            row['network'], row['back_end'], f'{row["ms"]:.1f}', f'{row["ratio"]:.2f}', _cell(row.get('psnr_db'), '.0f'),
            _cell(row.get('median_px'), '.2f'), _cell(row.get('p90_px'), '.2f'), _cell(row.get('missed_share'), '.1%'),
            _cell(None if 'off_rad' not in row else 1e3 * row['off_rad'], '.3f'),
        ]
        for row in rows
    ]  # fmt: skip
    print_table(f'{policy}, processor time, {threads} threads', columns, cells)
    for name, why in missing.items():
        console.print(f'not measured: {name}: {why}')
    write_json(json_path, {'rows': rows, 'missing': missing})


def _cell(value: float | None, form: str) -> str:
    return '-' if value is None else format(value, form)
