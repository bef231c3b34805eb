# SPDX-License-Identifier: Apache-2.0
"""`genima dataset label`: success, failure, and when it failed, by several annotators, after recording too."""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from genima.cli.output import JsonOption, console, print_table, write_json
from genima.errors import DatasetError

if TYPE_CHECKING:
    from genima.episodes.labels import Interval, Label


def label(
    folder: Annotated[Path, typer.Argument(help='Folder of the dataset.', exists=True, file_okay=False)],
    episode: Annotated[str, typer.Option(help='Number or name of the episode; all in turn without it.')] = '',
    annotator: Annotated[str, typer.Option(help='Who judges.')] = '',
    success: Annotated[bool | None, typer.Option('--success/--failure', help='What the annotator says.')] = None,
    cause: Annotated[
        str, typer.Option(help='Of the failure: collision, timeout, grasp_failure, calibration_error or other.')
    ] = '',
    note: Annotated[str, typer.Option(help='Words for people.')] = '',
    from_s: Annotated[float | None, typer.Option(min=0.0, help='It went wrong from here, s from the first step,')] = None,
    to_s: Annotated[float | None, typer.Option(min=0.0, help='to here; with --cause.')] = None,
    file: Annotated[
        Path | None, typer.Option('--from', help='File of labels, as a page of `genima dataset show` saves it.', exists=True)
    ] = None,
    json_path: JsonOption = None,
) -> None:
    """Label episodes, or review them in the terminal; the majority of the annotators makes success and failure.

    Without --episode and --from, the episodes that the annotator has not labelled yet are shown one by one; the labels of
    others are not. Without --annotator the labels that exist are counted.
    """
    from genima.cli.label_review import review
    from genima.episodes.label_file import apply, find_episode, read_label_file

    if file is not None:
        if episode or annotator or success is not None or from_s is not None or cause or note:
            raise DatasetError('--from brings episodes, annotators and labels with it: give it alone')
        written = apply(folder, read_label_file(file), lambda name: console.print(f'labelled {name}', markup=False))
        console.print(f'{written} episodes labelled')
    elif annotator and (success is not None or from_s is not None or to_s is not None):
        if not episode:
            raise DatasetError('which episode? Give --episode with its number or name')
        labels = _labels(annotator, success, cause, note, from_s, to_s)
        apply(folder, [(find_episode(folder, episode).name, each) for each in labels])
    elif annotator and (cause or note):
        raise DatasetError('--cause and --note go with --success, --failure, or --from-s and --to-s')
    elif annotator:
        if not sys.stdin.isatty():
            raise DatasetError('a review needs a terminal; elsewhere give --episode with --success or --failure, or --from')
        review(folder, annotator, episode)
    elif episode or success is not None or from_s is not None or to_s is not None:
        raise DatasetError('who judges? Give --annotator with a name')
    _print(folder, json_path)


def _labels(
    annotator: str, success: bool | None, cause: str, note: str, from_s: float | None, to_s: float | None
) -> 'Sequence[Label | Interval]':
    """Return the label and the interval that the options make."""
    from genima.episodes.label_file import now
    from genima.episodes.labels import Interval, Label

    if (from_s is None) != (to_s is None):
        raise DatasetError('--from-s and --to-s go together')
    labels: list[Label | Interval] = []
    if success is not None:
        labels.append(Label(annotator, success, '' if success else cause, note, now()))
        if success and cause and from_s is None:
            raise DatasetError('--cause goes with --failure, or with --from-s and --to-s')
    if from_s is not None and to_s is not None:
        labels.append(Interval(annotator, from_s, to_s, cause, now()))
    return labels


def _print(folder: Path, json_path: Path | None) -> None:
    """Print who labelled how much, what came of it, and how far they agree."""
    from genima.episodes.index import refresh_index
    from genima.episodes.labels import alpha, consensus, read_intervals, read_labels
    from genima.episodes.store import list_episodes, read_episode

    refresh_index(folder)
    rows, everything = [], []
    for path in list_episodes(folder):
        metadata = read_episode(path, images=False).metadata
        labels = read_labels(metadata)
        everything.append(labels)
        agreed, intervals = consensus(labels), read_intervals(metadata)
        if labels or intervals:
            word = {True: 'success', False: 'failure', None: 'undecided'}[agreed.success] if labels else '-'
            rows.append([path.name, agreed.votes, f'{100 * agreed.agreement:.0f} %', word, agreed.failure, len(intervals)])
    agreement = alpha(everything)
    print_table(
        f'{len(rows)} of {len(everything)} episodes labelled',
        ('episode', 'annotators', 'agree', 'consensus', 'cause', 'intervals'),
        rows,
    )
    words = 'not defined: too few labels, or all say the same' if agreement is None else f'{agreement:.2f}'
    console.print(f"Krippendorff's alpha: {words} (1: they always agree, 0: as if they guessed)")
    keys = ('episode', 'annotators', 'agreement', 'consensus', 'failure', 'intervals')
    write_json(json_path, {'alpha': agreement, 'episodes': [dict(zip(keys, row, strict=True)) for row in rows]})
