# SPDX-License-Identifier: Apache-2.0
"""`genima bench train`: what a training step and a painted image of Stable Diffusion cost."""

from typing import Annotated

import typer

from genima.cli.output import JsonOption, console, print_table, write_json


def train(
    full: Annotated[bool, typer.Option(help='True sizes, 512 x 512 pixels: up to 20 GB, minutes on a CPU.')] = False,
    model: Annotated[str, typer.Option(help='sd-turbo, sd15 or both.')] = 'both',
    device: Annotated[str, typer.Option(help='cpu, or auto: a GPU if there is one.')] = 'auto',
    precision: Annotated[str, typer.Option(help='Of the computation: auto, bf16, fp16 or no.')] = 'bf16',
    json_path: JsonOption = None,
) -> None:
    """Take one training step of a ControlNet and paint one image, with random weights; print time and peak memory."""
    from genima.bench.full_size import MODELS, measure
    from genima.errors import GenimaError

    if model not in (*MODELS, 'both'):
        raise GenimaError(f'--model {model}: allowed are {", ".join(MODELS)}, both')
    rows = [row for name in MODELS if model in (name, 'both') for row in measure(name, full, device, precision)]
    figures = [(f'{row["millions"]:.0f}', f'{row["seconds"]:.1f}', f'{row["peak_gb"]:.2f}') for row in rows]
    cells = [[row['model'], row['what'], row['device'], *each] for row, each in zip(rows, figures, strict=True)]
    print_table('batch 1', ['model', 'what', 'on', 'M parameters', 's', 'peak GB'], cells)
    over = [row for row in rows if row['limit_gb'] is not None and row['peak_gb'] > row['limit_gb']]
    for row in over:
        console.print(f'{row["model"]}, {row["what"]}: {row["peak_gb"]:.2f} GB, the limit is {row["limit_gb"]:.1f} GB')
    write_json(json_path, {'rows': rows})
    if over:
        raise typer.Exit(1)
