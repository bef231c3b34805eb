# SPDX-License-Identifier: Apache-2.0
"""`genima dataset compare`: what did a conversion change?"""

import math
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from genima.cli.output import JsonOption, console, print_table, write_json
from genima.cli.progress import progress_bar

if TYPE_CHECKING:
    from genima.quality.compare import Comparison


def compare(
    first: Annotated[Path, typer.Argument(help='Folder of episodes.')],
    second: Annotated[Path, typer.Argument(help='Folder of the same episodes after a conversion there and back.')],
    json_path: JsonOption = None,
) -> None:
    """Compare two datasets, all but the images to the bit, those by PSNR. Exit code 1: they differ."""
    from genima.quality.compare import compare_episodes, paired

    pairs = paired(first, second)
    compared = []
    with progress_bar() as progress:
        task = progress.add_task('episodes', total=len(pairs))
        for ours, theirs in pairs:
            compared.append(compare_episodes(ours, theirs))
            progress.update(task, advance=1)
    different = [each for each in compared if not each.same_numbers]
    equal = f'{len(compared) - len(different)} of {len(compared)} episodes'
    console.print(f'{equal} have equal numbers, stamps, calibration and metadata')
    for each in different[:10]:
        console.print(f'{each.file}: {", ".join(each.different)}')
    losses = _worst(compared)
    print_table('Images', ('camera', 'lowest PSNR of an episode'), [(name, _words(loss)) for name, loss in losses.items()])
    episodes = {each.file: {'different': each.different, 'psnr_db': _finite(each.psnr_db)} for each in compared}
    write_json(json_path, {'episodes': episodes, 'worst_psnr_db': _finite(losses)})
    if different or any(math.isnan(loss) for loss in losses.values()):
        raise typer.Exit(1)


def _worst(compared: list['Comparison']) -> dict[str, float]:
    cameras = sorted({name for each in compared for name in each.psnr_db})
    losses = {name: [each.psnr_db.get(name, math.nan) for each in compared] for name in cameras}
    return {name: math.nan if any(map(math.isnan, values)) else min(values) for name, values in losses.items()}


def _words(loss_db: float) -> str:
    if math.isnan(loss_db):
        return 'not the same images'
    return 'equal' if math.isinf(loss_db) else f'{loss_db:.1f} dB'


def _finite(losses: dict[str, float]) -> dict[str, float | str]:
    """JSON has neither infinity nor NaN."""
    return {name: loss if math.isfinite(loss) else _words(loss) for name, loss in losses.items()}
