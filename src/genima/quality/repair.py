# SPDX-License-Identifier: Apache-2.0
"""What can be mended without inventing anything: indexes, files that end early. The original always stays beside."""

import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from genima.episodes.index import FILE_NAME, describe, read_index, write_index
from genima.errors import DatasetError
from genima.quality.recordings import is_recording, recordings_in
from genima.quality.salvage import salvage, whole_steps
from genima.quality.structure import check_file
from genima.recording.layout import bag_files
from genima.recording.reader import Bag
from genima.recording.repair import repair as rebuild

_CUT = ('file-truncated', 'file-damaged')
BROKEN = '.broken'


@dataclass(frozen=True)
class Action:
    """One repair: what it will do, in words, and what does it; None where nothing can be done."""

    text: str
    run: Callable[[], None] | None


def plan_repair(folder: Path | str) -> Iterator[Action]:
    """Look at everything in a folder and yield what would be done; nothing is written yet.

    Args:
        folder: A native dataset, one recording, or a folder of recordings.
    """
    root = Path(folder)
    if is_recording(root):
        yield from _plan_recording(root)
        return
    for recording in recordings_in(root):
        yield from _plan_recording(recording)
    paths = sorted(root.glob('episode_*.h5'))
    for path in paths:
        findings, _ = check_file(path)
        cut = [finding for finding in findings if finding.code in _CUT]
        if cut:
            yield _plan_cut(path, cut[0].text)
    if paths and not _index_is_true(root, paths):
        yield Action(f'{FILE_NAME} is missing or not true any more: it is made anew', partial(_reindex, root))


def _plan_cut(path: Path, trouble: str) -> Action:
    try:
        steps, before = whole_steps(path)
    except DatasetError as error:
        return Action(f'{path.name} ({trouble}) cannot be mended: {error}', None)
    text = f'{path.name} ({trouble}): its first {steps} of {before} steps are kept, the original as {_aside(path).name}'
    return Action(text, partial(_cut, path))


def _cut(path: Path) -> None:
    kept = path.with_name(f'.{path.name}.kept')
    salvage(path, kept)
    set_aside(path)
    os.replace(kept, path)


def _plan_recording(folder: Path) -> Iterator[Action]:
    try:
        files = bag_files(folder)
        bag = Bag(folder)
        count = sum(1 for _ in bag.raw())
    except DatasetError as error:
        yield Action(f'{folder.name} cannot be mended: {error}', None)
        return
    unfinished = [name for name in ('metadata.yaml', 'episode.json') if not (folder / name).is_file()]
    trouble = [*bag.damage, *(f'{name} is missing' for name in unfinished)]
    if not trouble:
        return
    text = f'{folder.name} ({"; ".join(trouble)}): its {count} whole messages are kept, the original as *{BROKEN}'
    yield Action(text, partial(_rebuild, folder, files)) if count else Action(f'{folder.name}: no message is whole', None)


def _rebuild(folder: Path, files: list[Path]) -> None:
    for path in [*files, folder / 'metadata.yaml', folder / 'episode.json']:
        if path.is_file():
            set_aside(path)
    rebuild(folder)


def set_aside(path: Path) -> Path:
    """Keep the present contents of a file under a free name beside it, and return that name; the file itself stays."""
    aside = _aside(path)
    try:
        os.link(path, aside)
    except OSError:  # a file system without hard links
        shutil.copy2(path, aside)
    return aside


def _aside(path: Path) -> Path:
    names = [path.with_name(path.name + BROKEN), *(path.with_name(f'{path.name}{BROKEN}{n}') for n in range(2, 100))]
    return next(name for name in names if not name.exists())


def _index_is_true(root: Path, paths: list[Path]) -> bool:
    try:
        known = read_index(root)
    except DatasetError:
        return False
    return list(known) == [path.name for path in paths] and all(known[path.name].describes(path) for path in paths)


def _reindex(root: Path) -> None:
    if (root / FILE_NAME).is_file():
        set_aside(root / FILE_NAME)
    write_index(root, [describe(path) for path in sorted(root.glob('episode_*.h5'))])
