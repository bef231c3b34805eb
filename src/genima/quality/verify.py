# SPDX-License-Identifier: Apache-2.0
"""Verify data: every episode by itself, all of them together, and against what index, releases and manifests say."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from genima.episodes import index
from genima.episodes.dataset import read_card, read_frozen
from genima.errors import DatasetError
from genima.processes import in_processes
from genima.quality import manifest
from genima.quality.across import check_across
from genima.quality.findings import Finding
from genima.quality.inspect import Inspection, inspect
from genima.quality.recordings import is_recording, recordings_in, verify_recordings

# what an export of another format begins with: its manifest, LeRobot, RLDS
_FOREIGN = (manifest.FILE_NAME, 'meta/info.json', '**/features.json', '**/*.tfrecord*')


def verify(source: Path, workers: int = 1, on_done: Callable[[str], None] = lambda name: None) -> list[Finding]:
    """Check whatever a path holds: an episode file, a native dataset, recordings, or an export with its manifest.

    Args:
        source: File or folder; nothing in it is written.
        workers: Processes.
        on_done: Called with the name of each part that was checked.
    """
    if source.is_file():
        return list(inspect(source).findings)
    recordings = [source] if is_recording(source) else recordings_in(source)
    native = any(source.glob('episode_*.h5'))
    findings = verify_recordings(recordings, workers, on_done) if recordings else []
    if native:
        findings += verify_dataset(source, workers, on_done)
    if (source / manifest.FILE_NAME).is_file() or not (recordings or native):
        exported = any(any(source.glob(pattern)) for pattern in _FOREIGN)
        empty = Finding('dataset-empty', str(source), 'there are no episodes, recordings or files of a known export')
        findings += _verify_export(source) if exported else [empty]
    return findings


def _verify_export(source: Path) -> list[Finding]:
    """Check by the manifest; RLDS has a folder, and so a manifest, for each version."""
    folders = sorted(path.parent for path in source.rglob(manifest.FILE_NAME)) or [source]
    return [
        replace(found, where=(folder / found.where).relative_to(source).as_posix()) if folder != source else found
        for folder in folders
        for found in manifest.check_manifest(folder)
    ]


def count_parts(source: Path) -> int:
    """Return how many times `verify` will call `on_done`."""
    recordings = [source] if is_recording(source) else recordings_in(source)
    return len(recordings) + len(list(source.glob('episode_*.h5')))


def verify_dataset(
    folder: Path | str, workers: int = 1, on_done: Callable[[str], None] = lambda name: None
) -> list[Finding]:
    """Check all episodes of a native dataset; nothing is written.

    Args:
        folder: With `episode_*.h5`.
        workers: Processes.
        on_done: Called with the name of each episode that was checked.

    Returns:
        What was found, in the order of the files, then what concerns several of them.
    """
    root = Path(folder)
    inspections = []
    for inspection in in_processes(inspect, sorted(root.glob('episode_*.h5')), workers, ordered=True):
        inspections.append(inspection)
        on_done(inspection.file)
    findings = [finding for inspection in inspections for finding in inspection.findings]
    if not inspections:
        findings.append(Finding('dataset-empty', str(root), 'there is no episode_*.h5'))
    findings += check_across([inspection for inspection in inspections if inspection.readable])
    findings += _check_index(root, inspections)
    findings += _check_release(root, inspections)
    return findings


def _check_index(root: Path, inspections: Sequence[Inspection]) -> Iterator[Finding]:
    try:
        entries = index.read_index(root)
    except DatasetError as error:
        yield Finding('index-damaged', index.FILE_NAME, str(error))
        return
    owner = {entry.content_sha256: name for name, entry in entries.items() if entry.content_sha256}
    for inspection in inspections:
        entry = entries.pop(inspection.file, None)
        if entry is None or not inspection.readable or inspection.content_sha256 == entry.content_sha256:
            continue
        other = owner.get(inspection.content_sha256)
        if other is not None:
            yield Finding('episodes-swapped', inspection.file, f'it holds what the index calls {other}')
        else:
            yield Finding('index-changed', inspection.file, 'its contents are not those that the index knows')
    for name in entries:
        yield Finding('episode-missing', name, 'the index lists it and it is not there')


def _check_release(root: Path, inspections: Sequence[Inspection]) -> Iterator[Finding]:
    try:
        card = read_card(root)
    except DatasetError as error:
        yield Finding('card-damaged', 'dataset.yaml', str(error))
        return
    if not card.changelog:
        return
    newest = card.changelog[-1]
    try:
        frozen = read_frozen(root, newest)
    except DatasetError as error:
        yield Finding('release-damaged', f'version {newest.version}', str(error))
        return
    now = {inspection.file: inspection.content_sha256 for inspection in inspections}
    changes = (
        ('is not there', sorted(frozen.keys() - now.keys())),
        ('is new', sorted(now.keys() - frozen.keys())),
        ('has other contents', sorted(name for name in frozen.keys() & now.keys() if frozen[name] != now[name])),
    )
    for what, names in changes:
        for name in names:
            yield Finding('release-changed', name, f'it {what} since version {newest.version} was released')
