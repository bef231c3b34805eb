# SPDX-License-Identifier: Apache-2.0
"""`genima dataset …`: what is there, is it whole, is it good, and a page to look at it."""

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from genima.cli.dataset_output import LIST_COLUMNS, figures_of, list_row, plain, print_findings, print_quality
from genima.cli.output import JsonOption, console, print_table, write_json
from genima.cli.progress import progress_bar
from genima.errors import DatasetError

if TYPE_CHECKING:
    from genima.episodes.catalogue import Summary
    from genima.quality.findings import Finding

app = typer.Typer(help='Datasets: list, verify, repair, filter, show, convert.', no_args_is_help=True)

FolderArgument = Annotated[Path, typer.Argument(help='Folder of the dataset.', exists=True, file_okay=False)]
AcceptOption = Annotated[
    list[str] | None, typer.Option(help='Code of a finding that is accepted here; may be given several times.')
]


@app.command('list')
def list_(
    root: Annotated[Path, typer.Argument(help='Folder to look in.', exists=True, file_okay=False)] = Path('.'),
    robot: Annotated[str, typer.Option(help='Only of this robot.')] = '',
    task: Annotated[str, typer.Option(help='Only of this task.')] = '',
    diversity: Annotated[str, typer.Option(help='Only of this level: low, medium, high, unknown.')] = '',
    material: Annotated[str, typer.Option(help='Only with objects of this material.')] = '',
    min_episodes: Annotated[int, typer.Option(min=0, help='At least so many demonstrations.')] = 0,
    max_episodes: Annotated[int | None, typer.Option(min=1, help='At most so many.')] = None,
    min_seconds: Annotated[float, typer.Option(min=0.0, help='Median episode at least so long.')] = 0.0,
    max_seconds: Annotated[float | None, typer.Option(min=0.0, help='At most so long.')] = None,
    rate: Annotated[str, typer.Option(help='Rate in Hz: "10", or a range "10-30".')] = '',
    success_rate: Annotated[float, typer.Option(min=0.0, max=1.0, help='Smallest fraction of successes.')] = 0.0,
    json_path: JsonOption = None,
) -> None:
    """List the datasets at or below a folder that fit."""
    from genima.episodes.catalogue import Query, find_datasets

    slowest_hz, fastest_hz = _rates(rate)
    query = Query(
        robot,
        task,
        diversity,
        material,
        min_episodes,
        max_episodes,
        min_seconds,
        max_seconds,
        slowest_hz,
        fastest_hz,
        success_rate,
    )
    summaries = [_summary(folder) for folder in find_datasets(root)]
    found = [summary for summary in summaries if query.accepts(summary)]
    if summaries:
        print_table(f'{len(found)} of {len(summaries)} datasets', LIST_COLUMNS, map(list_row, found))
    else:
        console.print(f'no dataset in {root}: no folder holds episode_*.h5')
    write_json(json_path, {'datasets': [figures_of(summary) for summary in found]})


@app.command()
def info(folder: FolderArgument, json_path: JsonOption = None) -> None:
    """Show one dataset in detail, and bring its index up to date."""
    from genima.episodes.dataset import read_card
    from genima.episodes.store import list_episodes

    list_episodes(folder)
    card, summary = read_card(folder), _summary(folder)
    figures = {
        **figures_of(summary),
        'description': card.description,
        'changelog': [asdict(each) for each in card.changelog],
    }
    rows = [[key.replace('_', ' '), plain(value)] for key, value in figures.items() if key != 'changelog']
    print_table(f'{card.name} {card.version}'.strip(), ('', ''), rows)
    for release in reversed(card.changelog):
        console.print(f'{release.version} ({release.date}, {release.episodes} episodes): {" ".join(release.changes)}')
    write_json(json_path, figures)


@app.command()
def release(
    folder: FolderArgument,
    version: Annotated[str, typer.Argument(help='Such as 1.1, above the last.')],
    note: Annotated[list[str], typer.Option(help='What changed, for the changelog; may be given several times.')],
    accept: AcceptOption = None,
) -> None:
    """Verify a dataset and freeze it as a version: a later change to an episode of it is found."""
    from genima.episodes.dataset import release as freeze

    # that episodes changed since the last version is why there is a new one
    errors = _errors(_verified(folder, 1), [*(accept or []), 'release-changed', 'release-damaged'])
    if errors:
        print_findings(errors, every=False)
        raise DatasetError(f'{folder} is not released: it has {len(errors)} errors; mend them, or --accept their codes')
    card = freeze(folder, version, note)
    newest = card.changelog[-1]
    console.print(f'{card.name} {version}: {newest.episodes} episodes, SHA-256 {newest.index_sha256[:16]}')


@app.command()
def verify(
    folder: Annotated[Path, typer.Argument(help='A dataset, recordings, or an export with its manifest.', exists=True)],
    workers: Annotated[int, typer.Option(min=1, help='Processes.')] = 1,
    accept: AcceptOption = None,
    every: Annotated[bool, typer.Option('--all', help='Print every finding, not the first of each kind.')] = False,
    json_path: JsonOption = None,
) -> None:
    """Check that a dataset is whole, unchanged, and what it says it is; exit code 1 on errors."""
    from genima.quality.findings import counted

    findings = _verified(folder, workers)
    print_findings(findings, every)
    counts = counted(findings)
    errors = _errors(findings, accept or [])
    console.print(', '.join(f'{count} {severity}s' for severity, count in counts.items()))
    write_json(json_path, {**counts, 'findings': [finding.to_dict() for finding in findings]})
    if errors:
        raise typer.Exit(1)


@app.command()
def repair(
    folder: FolderArgument,
    yes: Annotated[bool, typer.Option('--yes', help='Do not ask.')] = False,
) -> None:
    """Make the index anew, and cut files that end early to their last whole step; originals are kept as *.broken."""
    from genima.quality.repair import plan_repair

    actions = list(plan_repair(folder))
    for action in actions:
        console.print(f'{"can do" if action.run else "cannot"}: {action.text}', markup=False)
    possible = [action for action in actions if action.run is not None]
    if not possible:
        console.print('nothing to do' if not actions else 'nothing can be done')
    elif yes or typer.confirm(f'Do these {len(possible)} repairs?', default=False):
        for action in possible:
            assert action.run is not None
            action.run()
            console.print(f'done: {action.text}', markup=False)
    if len(possible) < len(actions):
        raise typer.Exit(1)


@app.command('filter')
def filter_(
    folder: FolderArgument,
    out: Annotated[Path | None, typer.Option(help='New folder for what passes; without it only the report.')] = None,
    max_speed: Annotated[float, typer.Option(min=0.0, help='Fastest joint, rad/s.')] = 2.0,
    max_drift: Annotated[float, typer.Option(min=0.0, help='Largest projection drift, px.')] = 5.0,
    max_skew: Annotated[float, typer.Option(min=0.0, help='Largest time between an image and its step, ms.')] = 50.0,
    max_repeats: Annotated[float, typer.Option(min=0.0, max=1.0, help='Largest fraction of repeated images.')] = 0.2,
    min_idle: Annotated[float, typer.Option(min=0.0, help='Idle when still for longer, s.')] = 0.5,
    mark_idle: Annotated[bool, typer.Option('--mark-idle', help='Mark idle steps to be ignored, in new files.')] = False,
    mark_failures: Annotated[
        bool, typer.Option('--mark-failures', help='Mark steps labelled as failing to be ignored, in new files.')
    ] = False,
    min_agreement: Annotated[
        float, typer.Option(min=0.5, max=1.0, help='Smallest fraction of annotators who agree; a tie never passes.')
    ] = 1.0,
    accept: AcceptOption = None,
    strict: Annotated[bool, typer.Option('--strict', help='Reject what cannot be measured, too.')] = False,
    json_path: JsonOption = None,
) -> None:
    """Measure the quality of every episode and copy those that pass into a new dataset."""
    from genima.episodes.store import list_episodes
    from genima.quality.filters import Marks, copy_good, measure_all
    from genima.quality.verdict import Thresholds

    thresholds = Thresholds(max_speed, max_drift, 1e-3 * max_skew, max_repeats, min_idle, min_agreement, tuple(accept or ()))
    with progress_bar() as progress:
        task = progress.add_task('episodes', total=len(list_episodes(folder)))
        qualities = measure_all(folder, thresholds, lambda name: progress.advance(task))
    print_quality(qualities, strict)
    if out is not None:
        marks = Marks(idle=mark_idle, failures=mark_failures)
        kept = copy_good(folder, out, qualities, thresholds, strict=strict, marks=marks)
        console.print(
            f'{len(kept)} of {len(qualities)} episodes copied to {out}; report in quality.json and quality.svg there'
        )
    write_json(json_path, {'thresholds': asdict(thresholds), 'episodes': [quality.to_dict() for quality in qualities]})


@app.command()
def show(
    source: Annotated[Path, typer.Argument(help='Episode file, or a folder of them.', exists=True)],
    out: Annotated[Path, typer.Option(help='Page to write; for a folder of episodes a folder of pages.')],
    horizon: Annotated[int, typer.Option(min=1, help='The spheres show what is intended so many steps ahead.')] = 10,
    most: Annotated[int, typer.Option(min=1, help='Of a folder: the first so many episodes.')] = 20,
) -> None:
    """Write a page with thumbnails, spheres, plots, findings and metadata of an episode."""
    from genima.cli.dataset_page import episode_page, write_folder
    from genima.episodes.store import list_episodes
    from genima.files import write_atomic

    if source.is_file():
        write_atomic(out, episode_page(source, horizon)[0])
        console.print(f'page written to {out}')
        return
    with progress_bar() as progress:
        task = progress.add_task('pages', total=min(most, len(list_episodes(source))))
        page = write_folder(source, out, horizon, most, lambda name: progress.advance(task))
    console.print(f'pages written; begin with {page}')


def _summary(folder: Path) -> 'Summary':
    from genima.episodes.catalogue import summarize
    from genima.episodes.dataset import read_card
    from genima.episodes.index import refresh_index

    with progress_bar() as progress:
        task = progress.add_task(f'index of {folder.name}', total=len(list(folder.glob('episode_*.h5'))))
        entries = refresh_index(folder, lambda name: progress.advance(task))
    return summarize(folder, read_card(folder), entries)


def _verified(source: Path, workers: int) -> list['Finding']:
    from genima.quality.verify import count_parts, verify

    with progress_bar() as progress:
        task = progress.add_task('verify', total=count_parts(source))
        return verify(source, workers, lambda name: progress.advance(task))


def _errors(findings: list['Finding'], accepted: Sequence[str]) -> list['Finding']:
    """Return the errors whose codes are not accepted."""
    from genima.quality.findings import ERROR, KINDS

    unknown = sorted(set(accepted) - set(KINDS))
    if unknown:
        raise DatasetError(f'--accept {unknown[0]}: there is no such code; the codes are {", ".join(sorted(KINDS))}')
    return [finding for finding in findings if finding.severity == ERROR and finding.code not in accepted]


def _rates(text: str) -> tuple[float, float | None]:
    """Return the lowest and the highest rate of "10" or "10-30"."""
    if not text:
        return 0.0, None
    try:
        numbers = [float(part) for part in text.split('-')]
    except ValueError:
        numbers = []
    if len(numbers) not in (1, 2):
        raise DatasetError(f'--rate {text!r}: write one rate in Hz, or a range such as 10-30')
    return numbers[0], numbers[-1]
