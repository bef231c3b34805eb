# SPDX-License-Identifier: Apache-2.0
"""Choose the episodes that are good enough, into a new folder; the old one stays as it is."""

import json
import os
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timezone
from pathlib import Path

import numpy as np

from genima.episodes.annotate import write_ignored
from genima.episodes.dataset import read_card, write_card
from genima.episodes.index import refresh_index
from genima.episodes.labels import failure_modes
from genima.episodes.store import list_episodes, read_episode
from genima.errors import DatasetError
from genima.files import write_atomic
from genima.quality.idle import idle_steps
from genima.quality.measures import measure
from genima.quality.plots import plot_quality
from genima.quality.verdict import Quality, Thresholds

REPORT, PICTURE = 'quality.json', 'quality.svg'


@dataclass(frozen=True)
class Marks:
    """Steps that are marked to be ignored: `idle` ones, and those that annotators labelled as `failures`."""

    idle: bool = False
    failures: bool = False


def measure_all(
    folder: Path | str, thresholds: Thresholds, on_done: Callable[[str], None] = lambda name: None
) -> list[Quality]:
    """Measure every episode of a dataset.

    Raises:
        DatasetError: if there is none.
    """
    qualities = []
    for path in list_episodes(folder):
        qualities.append(measure(path, thresholds))
        on_done(path.name)
    return qualities


def copy_good(
    folder: Path | str,
    out: Path | str,
    qualities: Sequence[Quality],
    thresholds: Thresholds,
    *,
    strict: bool = False,
    marks: Marks | None = None,
) -> list[str]:
    """Make a new dataset of the episodes that nothing rejects, with the report and the summary picture beside them.

    Args:
        folder: The dataset that was measured.
        out: A folder that does not exist yet. Files are hard links where the file system allows.
        qualities: What `measure_all` returned.
        thresholds: What it measured against.
        strict: Reject what could not be measured, too.
        marks: Which steps are marked to be ignored; episodes that have some become new files.

    Returns:
        The names of the episodes in it.

    Raises:
        DatasetError: if `out` exists, or no episode is left.
    """
    source, target = Path(folder), Path(out)
    kept = [quality for quality in qualities if not quality.reasons(strict)]
    if target.exists():
        raise DatasetError(f'{target} exists already: name a new folder, or remove it')
    if not kept:
        raise DatasetError(f'none of the {len(qualities)} episodes passes; look at the reasons, or change the thresholds')
    with _new_folder(target) as partial:
        for quality in kept:
            _copy(source / quality.file, partial / quality.file, quality, marks or Marks())
        _describe(source, partial, qualities, thresholds, len(kept))
        write_report(partial, qualities, thresholds, strict)
        refresh_index(partial)
    return [quality.file for quality in kept]


@contextmanager
def _new_folder(target: Path) -> Iterator[Path]:
    """Yield an empty hidden folder beside `target` that gets its name when the block ends without an error."""
    target.parent.mkdir(parents=True, exist_ok=True)
    partial = target.with_name(f'.{target.name}.partial')
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir()
    try:
        yield partial
        os.rename(partial, target)
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def write_report(folder: Path | str, qualities: Sequence[Quality], thresholds: Thresholds, strict: bool) -> None:
    """Write `quality.json` and `quality.svg`: every measure of every episode, and all in one picture."""
    episodes = [{**quality.to_dict(), 'rejected': quality.reasons(strict)} for quality in qualities]
    values = {'thresholds': asdict(thresholds), 'strict': strict, 'episodes': episodes}
    write_atomic(Path(folder) / REPORT, json.dumps(values, indent=1) + '\n')
    write_atomic(Path(folder) / PICTURE, plot_quality(qualities, thresholds))


def _copy(source: Path, target: Path, quality: Quality, marks: Marks) -> None:
    ignore, note = np.zeros(quality.steps, dtype=bool), {}
    at = datetime.now(timezone.utc).isoformat(timespec='seconds')
    if marks.idle and quality.idle:
        ignore |= idle_steps(list(quality.idle), quality.steps)
        note['idle_marked'] = {'seconds': quality.idle_seconds, 'at': at}
    if marks.failures:
        failing = failure_modes(read_episode(source, images=False)) > 0
        ignore |= failing
        note |= {'failures_marked': {'steps': int(failing.sum()), 'at': at}} if failing.any() else {}
    if note:
        write_ignored(source, target, ignore, note)
        return
    try:
        os.link(source, target)
    except OSError:  # another file system
        shutil.copy2(source, target)


def _describe(source: Path, out: Path, qualities: Sequence[Quality], thresholds: Thresholds, kept: int) -> None:
    card = read_card(source)
    limits = (
        f'joints up to {thresholds.speed_rad_s:g} rad/s, projection drift up to {thresholds.drift_px:g} px where it could '
        f'be measured, pictures within {1e3 * thresholds.skew_s:g} ms of their steps, '
        f'{100 * thresholds.agreement:.0f} % of the annotators agreeing'
    )
    origin = f'{card.name} {card.version}'.strip()
    text = f'{kept} of {len(qualities)} episodes of {origin}: {limits}.'
    description = f'{card.description} {text}'.strip()
    write_card(out, replace(card, description=description, version='', changelog=()))
