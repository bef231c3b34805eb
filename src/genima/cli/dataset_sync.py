# SPDX-License-Identifier: Apache-2.0
"""`genima dataset sync`: how well the streams of recorded episodes kept time."""

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from genima.cli.output import JsonOption, print_table, write_json
from genima.errors import DatasetError

if TYPE_CHECKING:
    from genima.quality.sync import StreamTiming

COLUMNS = ('stream', 'messages', 'Hz', 'gaps', 'longest gap s', 'worst skew ms', 'repeated', 'longest frozen s')


def sync(
    folder: Annotated[Path, typer.Argument(help='Dataset folder that was converted from recordings.')],
    json_path: JsonOption = None,
) -> None:
    """Show rates, gaps, skew between images and steps, and stale frames, of all episodes together."""
    from genima.episodes.store import list_episodes, read_episode
    from genima.quality.sync import sync_of

    metadata = [read_episode(path, images=False).metadata for path in list_episodes(folder)]
    reports = [each['sync'] for each in metadata if isinstance(each.get('sync'), dict)]
    if not reports:
        raise DatasetError(f'{folder}: none of {len(metadata)} episodes has a sync report; they come with recordings')
    timings = sync_of(reports)
    print_table(f'{len(reports)} episodes', COLUMNS, [(name, *_cells(each)) for name, each in timings.items()])
    edges_ms = reports[0]['skew_edges_ms']
    print_table('Steps by skew, ms', ('camera', *_bins(edges_ms)), _histogram(timings))
    write_json(json_path, {'episodes': len(reports), 'skew_edges_ms': edges_ms, 'streams': _plain(timings)})


def _cells(timing: 'StreamTiming') -> list[str]:
    lowest, highest = min(timing.rates_hz), max(timing.rates_hz)
    rate = f'{lowest:.1f}' if highest - lowest < 0.1 else f'{lowest:.1f}-{highest:.1f}'
    heard = [str(timing.messages), rate, str(timing.gaps), f'{timing.longest_gap_s:.2f}']
    if timing.skew_counts is None:
        return [*heard, '', '', '']
    return [*heard, f'{1e3 * timing.worst_skew_s:.1f}', str(timing.repeated_steps), f'{timing.longest_frozen_s:.2f}']


def _bins(edges_ms: list[float]) -> list[str]:
    """Return the names of the bins, folded: early and late count alike."""
    sizes = [edge for edge in edges_ms if edge > 0]
    return [f'< {sizes[0]:g}', *(f'to {edge:g}' for edge in sizes[1:]), 'more']


def _histogram(timings: Mapping[str, 'StreamTiming']) -> list[tuple[str, ...]]:
    rows = []
    for name, timing in timings.items():
        if timing.skew_counts is not None:
            counts, half = timing.skew_counts, len(timing.skew_counts) // 2
            folded = [counts[half], *(counts[half - far] + counts[half + far] for far in range(1, half + 1))]
            rows.append((name, *map(str, folded)))
    return rows


def _plain(timings: Mapping[str, 'StreamTiming']) -> dict[str, Any]:
    return {name: asdict(timing) for name, timing in timings.items()}
