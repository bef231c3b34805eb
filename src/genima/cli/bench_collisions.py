# SPDX-License-Identifier: Apache-2.0
"""`genima bench collisions`: does the guard let an arm run into itself or the table, and does it stop good episodes?"""

from dataclasses import asdict
from typing import Annotated, Any

import typer

from genima.cli.output import JsonOption, console, print_table, write_json
from genima.cli.progress import progress_bar


def collisions(
    robots: Annotated[str, typer.Option(help='Robot profiles, by commas.')] = 'panda,fr3,ur5e',
    chunks: Annotated[int, typer.Option(min=10, help='Chunks per robot, random and adversarial.')] = 10_000,
    episodes: Annotated[int, typer.Option(min=0, help='Good episodes of the scripted expert per robot.')] = 200,
    seed: Annotated[int, typer.Option(min=0, help='Of everything that is random.')] = 0,
    workers: Annotated[int, typer.Option(min=1, help='Processes.')] = 1,
    json_path: JsonOption = None,
) -> None:
    """Lead arms into themselves and the table, judge what passes by MuJoCo; exit code 1 if anything touches."""
    from genima.bench.collisions import RUNS_PER_JOB, passes, run_chunks, summary
    from genima.bench.good_episodes import run_episodes

    names = [name.strip() for name in robots.split(',') if name.strip()]
    rows: list[dict[str, Any]] = []
    details: dict[str, Any] = {}
    with progress_bar() as progress:
        task = progress.add_task('collisions', total=len(names) * (-(-chunks // (10 * RUNS_PER_JOB)) + episodes))
        for name in names:
            parts, good = [], []
            for part in run_chunks(name, chunks, seed, workers):
                parts.append(part)
                progress.update(task, advance=1, description=f'{name}: chunks')
            for episode in run_episodes(name, episodes, workers):
                good.append(episode)
                progress.update(task, advance=1, description=f'{name}: good episodes')
            rows.append(summary(name, parts, good))
            details[name] = {
                'penetrations': [text for part in parts for text in part.penetrations],
                'episodes': [asdict(each) for each in good],
            }
    cells = [[f'{value:.3g}' if isinstance(value, float) else str(value) for value in row.values()] for row in rows]
    print_table('collisions, judged by MuJoCo', list(rows[0]), cells)
    for name, each in details.items():
        for text in each['penetrations'][:10]:
            console.print(f'{name}: {text}', markup=False)
    good_all = passes(rows)
    write_json(json_path, {'rows': rows, 'passes': good_all, 'seed': seed, 'details': details})
    if not good_all:
        raise typer.Exit(1)
