# SPDX-License-Identifier: Apache-2.0
"""`genima bench serve`: what it costs that a policy runs behind `genima serve`."""

from typing import Annotated

import typer

from genima.cli.output import JsonOption, console, print_table, write_json


def serve(
    policy: Annotated[str, typer.Option(help='Policy directory.')] = 'models/panda_pick',
    rounds: Annotated[int, typer.Option(min=5, help='Chunks asked of each side.')] = 60,
    wire_rounds: Annotated[int, typer.Option(min=20, help='Chunks asked of a server that has its answer already.')] = 500,
    device: Annotated[str, typer.Option(help='Torch device.')] = 'cpu',
    json_path: JsonOption = None,
) -> None:
    """Ask a policy in this process and behind a server on loopback, by turns, and print both times with their ratio."""
    from genima.bench.serving import measure

    sides = measure(policy, rounds, wire_rounds, device)
    columns = ('p50', 'p95', 'p99', 'max')
    cells = [[side, *(f'{figures[name]:.2f}' for name in columns)] for side, figures in sides.items()]
    print_table('ms per chunk', ['', *columns], cells)
    ratio = sides['served']['p50'] / sides['here']['p50']
    console.print(f'served takes {ratio:.3f} times as long; the wire alone {sides["wire alone"]["p50"]:.2f} ms')
    write_json(json_path, {'ms': sides, 'ratio': ratio})
